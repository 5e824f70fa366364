#include "plans.hpp"

#include <algorithm>
#include <list>
#include <mutex>
#include <tuple>
#include <utility>

#include "../process/resources.hpp"
#include "../text.hpp"
#include "estimate.hpp"

namespace colordeploy::propagation {

namespace {

constexpr std::ptrdiff_t MAXIMUM_PIXELS = 1 << 28;  // four edges a pixel are counted in 32 bits
constexpr std::size_t KEPT = 4;
// To take less anew needs no look at the system, which takes as long as a small solution.
constexpr double SMALL = 64 << 20;
constexpr double GIBIBYTE = 1 << 30;
constexpr const char* ADVICE =
    "use a smaller working size (size= of prepare, --size on the command line, short_side in C) "
    "or, "
    "where the solver is called itself, a larger global_step";

using Key = std::tuple<int, int, int>;

std::mutex mutex;
std::list<std::pair<Key, std::shared_ptr<const Plan>>>& plans() {
    static std::list<std::pair<Key, std::shared_ptr<const Plan>>> kept;  // the latest last
    return kept;
}

}  // namespace

std::shared_ptr<const Plan> plan_of(const Grid& grid, const CancelFlag* cancel) {
    if (grid.pixels() > MAXIMUM_PIXELS) {
        throw InputError(
            text("%dx%d pixels are more than the %td that can be solved for; use a "
                 "smaller working size",
                 grid.height, grid.width, MAXIMUM_PIXELS));
    }
    const Key key{grid.height, grid.width, grid.global_step};
    {
        const std::lock_guard lock(mutex);
        auto& kept = plans();
        const auto found = std::find_if(kept.begin(), kept.end(),
                                        [&](const auto& one) { return one.first == key; });
        if (found != kept.end()) {
            kept.splice(kept.end(), kept, found);
            return found->second;
        }
    }
    auto plan = std::make_shared<const Plan>(grid, cancel);
    const std::lock_guard lock(mutex);
    plans().emplace_back(key, plan);
    if (plans().size() > KEPT) plans().pop_front();
    return plan;
}

std::size_t drop_plans() {
    std::list<std::pair<Key, std::shared_ptr<const Plan>>> dropped;
    {
        const std::lock_guard lock(mutex);
        dropped.swap(plans());
    }
    std::size_t bytes = 0;
    for (const auto& [key, plan] : dropped) bytes += plan->bytes();
    return bytes;
}

void require_memory(const Grid& grid, bool single) {
    const double needed = estimated_bytes(grid, single);
    const auto idle = static_cast<double>(store::idle_bytes());  // ours already
    if (needed - idle < SMALL) return;
    const auto found = process::free_memory();
    if (!found) return;
    const double available = static_cast<double>(*found) + idle;
    if (needed <= available) return;
    throw SolverError(text("solving for %dx%d pixels takes about %.1f GiB, more than the %.1f GiB "
                           "that this process may still use; ",
                           grid.height, grid.width, needed / GIBIBYTE, available / GIBIBYTE) +
                      ADVICE);
}

SolverError out_of_memory(const std::string& what) {
    return SolverError("out of memory while " + what + "; " + ADVICE);
}

}  // namespace colordeploy::propagation
