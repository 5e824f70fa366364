// Numeric factorization and solution of (M + alpha L + phi L_adj) x = M y.
//
// The matrix is a weighted graph Laplacian plus a non-negative diagonal. It is factorized by the
// multifrontal method on that graph form: a front holds edge weights and, for every unknown, the
// excess of its diagonal over the sum of its weights. Both only ever grow by non-negative terms,
// and a pivot is computed as excess + sum of weights (Grassmann, Taksar and Heyman 1985), so
// nothing is ever subtracted and nothing cancels: x is accurate to about n * epsilon * max|y|
// for every weight contrast, also for regions that hang on by phi alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "blas.hpp"
#include "graph.hpp"
#include "plan.hpp"

namespace colordeploy::propagation {

struct SingularSystem : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// What the system is made of, apart from the mask. Non-owning.
struct System {
    const double* local = nullptr;   // 4 planes, see graph.hpp
    const double* global = nullptr;  // packed strict lower triangle
    double alpha = 1.0;
    double phi = 0.0;
};

class Factor {
 public:
    // mask: one byte a pixel, raster order; non-zero where the diagonal matrix M is one.
    // Throws SingularSystem when a part of the picture is tied to no marked pixel at all.
    Factor(std::shared_ptr<const Plan> plan, const Blas& blas, const System& system,
           const std::uint8_t* mask);

    // x = A^-1 b for `channels` right-hand sides; both raster order, channels innermost.
    void solve(const double* b, double* x, std::ptrdiff_t channels) const;

    const Plan& plan() const { return *plan_; }

 private:
    std::shared_ptr<const Plan> plan_;
    // Panels of all fronts, column-major: the Cholesky factor with the signs of its
    // off-diagonal entries dropped (they are all negative).
    std::unique_ptr<double[]> values_;
};

}  // namespace colordeploy::propagation
