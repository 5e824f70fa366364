// Factorization and solution of (M + alpha L + phi L_adj) x = M y, and both again after an edit.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "../cancel.hpp"
#include "../memory.hpp"
#include "../turn.hpp"
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

    // Memory that it held after the last solve.
    std::size_t bytes() const { return bytes_; }

    const Plan& plan() const { return *plan_; }

 private:
    struct Scratch;
    struct Failure;

    // What the last solve has left.
    struct State {
        Buffer<double> factor;  // panels of all fronts, packed
        Buffer<double> kept;    // updates of unit roots and of the fronts above: all ...
        std::vector<Buffer<double>> updates;  // ... or each until its parent has taken it
        std::vector<std::uint8_t> mask;       // what the factor is for; empty: nothing
        std::vector<std::uint8_t> changed;    // fronts to eliminate for it
        Buffer<double> contributions;         // of the forward substitution, by front
        std::size_t bytes() const;
    };

    void solve_in_turn(const std::uint8_t* mask, const Values& values, int threads,
                       const CancelFlag* cancel);
    void find_changes(const std::uint8_t* mask);
    std::vector<std::int32_t> groups(int threads) const;
    double* update_of(std::int32_t f) const {
        return keep_ ? state_->kept.get() + plan_->fronts[f].update : state_->updates[f].get();
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
    Turn turn_;
    std::unique_ptr<State> state_;
    std::atomic<std::size_t> bytes_{0};
};

}  // namespace colordeploy::propagation
