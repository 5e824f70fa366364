// Cells that are alike, as many as a vector has lanes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "plan.hpp"

namespace colordeploy::propagation {

struct Batch {
    static constexpr std::ptrdiff_t kMostLanes = 16;

    std::int32_t shape = 0;  // in Plan::shapes
    std::int32_t begin = 0;  // in Plan::cells
    std::int32_t count = 0;  // lanes beyond it do the first one's work again
    std::size_t factor = 0;  // offset in the cells' factor

    std::array<std::int64_t, kMostLanes> origins(const Plan& plan) const;
};

// All cells of a plan for vectors of so many lanes; size: entries of their factor.
std::vector<Batch> batches_of(const Plan& plan, std::ptrdiff_t lanes, std::size_t& size);

}  // namespace colordeploy::propagation
