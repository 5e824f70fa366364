// Strokes on a coloured picture: the difference they make is propagated, and fades away from them.
//
// With the base's chroma b, the strokes' chroma y at the marked pixels M, and the affinities of the
// picture's neighbours, solved is the screened system
//
//     (M + s (I - M) + alpha L + phi L_adj) [d, m] = M [y - b, 1],    s = alpha / R^2
//
// where L has the edges between neighbours alone: global points carry colour to what is far, which
// nobody wants here. The membership m is 1 at the strokes and falls to 0, slowly within the object,
// fast at its edges. Where it is high the difference is that of the strokes, beyond it fades
//
//     x = b + d / max(m, tau),    x = y at the marked pixels.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "../../propagation/picture_system.hpp"

namespace colordeploy::methods {

// What marks differ from a base in, at the working size: mask, and pairs of chroma each.
struct Difference {
    const std::uint8_t* mask;
    const double* wanted;
    const float* base;
    std::ptrdiff_t pixels;
};

// The difference at the marks alone.
std::vector<double> at_marks(const Difference& difference);

// The screened system of one picture and one reach.
class Mending {
 public:
    // affinities, parameters: the picture's own. reach: in (0, 1]; R is the short side times its
    // square. Throws SolverError, Cancelled.
    Mending(const propagation::Affinities& affinities, const propagation::Parameters& parameters,
            double reach, int threads, const CancelFlag* cancel);

    std::size_t bytes() const { return system_->bytes(); }
    // What is added to the base's chroma: pairs.
    std::vector<double> differences(const Difference& difference, const CancelFlag* cancel) const;

 private:
    std::unique_ptr<propagation::PictureSystem> system_;
};

}  // namespace colordeploy::methods
