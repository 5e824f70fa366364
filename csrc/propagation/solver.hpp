// Factorization and solution of (M + s (I - M) + alpha L + phi L_adj) x = M y, with a screening s,
// and both again after an edit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "../cancel.hpp"
#include "elimination.hpp"
#include "plan.hpp"
#include "singular_system.hpp"
#include "substitution.hpp"

namespace colordeploy::propagation {

class Solver {
 public:
    // The system must outlive the solver. What fronts add to their parents is kept, and after a
    // change of the mask only the fronts above a changed pixel are eliminated again; unless
    // that takes too much memory (Plan::keeps). single: the factor is in single precision.
    static std::unique_ptr<Solver> make(std::shared_ptr<const Plan> plan, const System& system,
                                        bool single);
    virtual ~Solver() = default;

    // Solves for the given mask (one byte a pixel, raster order; non-zero where M is one). The
    // result does not depend on the number of threads, nor on what was solved before. Callers of
    // several threads take turns. Throws SingularSystem when a part of the picture is tied to no
    // marked pixel at all, std::bad_alloc when memory runs out, Cancelled; afterwards it is as good
    // as new.
    virtual void solve(const std::uint8_t* mask, const Values& values, int threads,
                       const CancelFlag* cancel) = 0;

    // Memory that it held after the last solve.
    virtual std::size_t bytes() const = 0;
    virtual const Plan& plan() const = 0;
};

}  // namespace colordeploy::propagation
