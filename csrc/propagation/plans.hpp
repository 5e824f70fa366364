// Plans of the last few sizes, and whether the work fits into the memory that there is.
#pragma once

#include <memory>
#include <new>
#include <string>

#include "../errors.hpp"
#include "../memory.hpp"
#include "plan.hpp"

namespace colordeploy::propagation {

// The plan of a size, kept for the next picture of it. Throws InputError for too many pixels,
// Cancelled.
std::shared_ptr<const Plan> plan_of(const Grid& grid, const CancelFlag* cancel);
// Forgets all plans; returns their bytes. Those in use live on with who uses them.
std::size_t drop_plans();

// Refuses what cannot fit, before anything is planned or allocated: the operating system would
// rather kill the process than say no. Throws SolverError.
void require_memory(const Grid& grid, bool single);

// What to say when memory runs out while `what` is done.
SolverError out_of_memory(const std::string& what);

// Result of a call; when memory runs out, once more without idle memory. Throws SolverError when it
// runs out all the same.
template <typename Call>
auto within_memory(const std::string& what, const Call& call) {
    try {
        try {
            return call();
        } catch (const std::bad_alloc&) {
            if (store::trim() == 0) throw;
        }
        return call();
    } catch (const std::bad_alloc&) {
        throw out_of_memory(what);
    }
}

}  // namespace colordeploy::propagation
