#include "batches.hpp"

#include <algorithm>

namespace colordeploy::propagation {

std::array<std::int64_t, Batch::kMostLanes> Batch::origins(const Plan& plan) const {
    std::array<std::int64_t, kMostLanes> result;
    result.fill(plan.cells[begin].origin);
    for (std::int32_t l = 1; l < count; ++l) result[l] = plan.cells[begin + l].origin;
    return result;
}

std::vector<Batch> batches_of(const Plan& plan, std::ptrdiff_t lanes, std::size_t& size) {
    std::vector<Batch> result;
    size = 0;
    const auto most = static_cast<std::int32_t>(lanes);
    const auto count = static_cast<std::int32_t>(plan.cells.size());
    for (std::int32_t begin = 0; begin < count;) {
        Batch batch{plan.cells[begin].shape, begin, 1, size};
        while (batch.count < most && begin + batch.count < count &&
               plan.cells[begin + batch.count].shape == batch.shape) {
            ++batch.count;
        }
        begin += batch.count;
        size += plan.shapes[batch.shape].factor_size() * static_cast<std::size_t>(lanes);
        result.push_back(batch);
    }
    return result;
}

}  // namespace colordeploy::propagation
