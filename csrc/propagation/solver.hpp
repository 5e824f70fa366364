// Factorization and solution of (M + alpha L + phi L_adj) x = M y, and both again after an edit.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "../cancel.hpp"
#include "../memory.hpp"
#include "crew.hpp"
#include "elimination.hpp"
#include "plan.hpp"

namespace colordeploy::propagation {

struct SingularSystem : std::runtime_error {
    // pixel: in raster order.
    explicit SingularSystem(std::int32_t pixel)
        : std::runtime_error("the system is singular: pixel " + std::to_string(pixel) +
                             " (raster order) is not tied to any marked pixel, or its weights "
                             "overflow; use phi > 0, or a smaller alpha, phi or weights") {}
};

// Values at the pixels (raster order, channels innermost).
struct Values {
    const double* b;
    double* x;
    std::ptrdiff_t channels;
    bool masked;  // b counts at marked pixels only
};

class Solver {
 public:
    // The system must outlive the solver. What fronts add to their parents is kept, and after a
    // change of the mask only the fronts above a changed pixel are eliminated again; unless
    // that takes too much memory (Plan::keeps).
    Solver(std::shared_ptr<const Plan> plan, const System& system);

    // Solves for the given mask (one byte a pixel, raster order; non-zero where M is one). The
    // result does not depend on the number of threads, nor on what was solved before. Callers of
    // several threads take turns. Throws SingularSystem when a part of the picture is tied to no
    // marked pixel at all, std::bad_alloc when memory runs out, Cancelled; afterwards it is as good
    // as new.
    void solve(const std::uint8_t* mask, const Values& values, int threads,
               const CancelFlag* cancel = nullptr);

    // Memory that it holds.
    std::size_t bytes() const;

    const Plan& plan() const { return *plan_; }

 private:
    struct Scratch;
    struct Failure;

    void find_changes(const std::uint8_t* mask);
    std::vector<std::int32_t> groups(int threads) const;
    double* update_of(std::int32_t f) const {
        return keep_ ? kept_.get() + plan_->fronts[f].update : updates_[f].get();
    }
    void eliminate_group(std::int32_t root, const Elimination& elimination, Scratch& scratch,
                         Failure& failure, const Member& member);
    void eliminate_front(std::int32_t f, const Elimination& elimination, Scratch& scratch,
                         Failure& failure, const Member& member);
    void substitute_forward(std::int32_t f, const Values& values, Scratch& scratch) const;
    void substitute_backward(std::int32_t f, const Values& values, Scratch& scratch) const;

    std::shared_ptr<const Plan> plan_;
    const System system_;
    const bool keep_;
    mutable std::mutex turn_;
    Buffer<double> factor_;                // panels of all fronts, packed
    Buffer<double> kept_;                  // updates of unit roots and of the fronts above: all ...
    std::vector<Buffer<double>> updates_;  // ... or each for itself, until its parent has taken it
    std::vector<std::uint8_t> mask_;       // what the factor is for; empty: nothing
    std::vector<std::uint8_t> changed_;    // fronts to eliminate for it
    Buffer<double> contributions_;         // of the forward substitution, by front
};

}  // namespace colordeploy::propagation
