#include "plan.hpp"

#include <algorithm>
#include <stdexcept>

#include "dissection.hpp"
#include "symbolic.hpp"

namespace colordeploy::propagation {

namespace {

// Depths, and the memory of updates.
void lay_out(Plan& plan) {
    for (auto f = static_cast<std::int32_t>(plan.fronts.size()) - 1; f >= 0; --f) {
        Front& front = plan.fronts[f];
        if (front.parent >= 0) front.depth = plan.fronts[front.parent].depth + 1;
    }
    for (Front& front : plan.fronts) {
        front.update = plan.kept_size;
        plan.kept_size += front.shape().update_size();
        if (front.cell >= 0) {
            plan.cell_factor_size += plan.shapes[plan.cells[front.cell].shape].factor_size();
        }
    }
}

}  // namespace

Plan::Plan(const Grid& requested, const CancelFlag* cancel) : grid(requested) {
    if (grid.height < 1 || grid.width < 1 || grid.global_step < 0) {
        throw std::invalid_argument("a plan needs a height and width of at least 1");
    }
    if (grid.pixels() > (std::ptrdiff_t{1} << 28)) {
        throw std::length_error("pictures above 2^28 pixels are not supported");
    }
    dissect(*this, cancel);
    find_boundaries(*this, cancel);
    lay_out(*this);
    for (const Front& front : fronts) {
        const auto depth = static_cast<std::size_t>(front.depth);
        if (work_size_.size() <= depth) work_size_.resize(depth + 1, 0);
        if (front.cell >= 0) continue;
        largest_rows = std::max(largest_rows, static_cast<std::size_t>(front.shape().rows()));
        for (std::size_t d = 0; d <= depth; ++d) {
            work_size_[d] = std::max(work_size_[d], front.shape().work_size());
        }
    }
}

Counts Plan::counts() const {
    Counts result;
    for (const Front& front : fronts) {
        const double rows = front.pivots + front.boundary + 1.0;
        for (std::int32_t k = 0; k < front.pivots; ++k) {
            const double below = rows - k - 1.0;  // with the ground
            result.operations += below * below;   // half of a square, two operations each
        }
        const auto boundary = static_cast<std::size_t>(front.boundary);
        const auto pivots = static_cast<std::size_t>(front.pivots);
        result.factor += pivots * (pivots + 1) / 2 + pivots * boundary;
        result.updates += (boundary + 1) * boundary / 2;
        const auto depth = static_cast<std::size_t>(front.depth);
        if (result.pivots.size() <= depth) result.pivots.resize(depth + 1, 0);
        result.pivots[depth] = std::max(result.pivots[depth], front.pivots);
    }
    return result;
}

std::size_t Plan::bytes() const {
    const auto size = [](const auto& list) { return list.capacity() * sizeof(list[0]); };
    return size(pixel_at) + size(front_of) + size(fronts) + size(cells) + size(boundary_pixel) +
           size(boundary_place) + size(runs) + size(edges);
}

std::vector<FrontEdge> Plan::edges_of(std::int32_t id) const {
    const Front& front = fronts[id];
    if (front.cell < 0) {
        const auto begin = edges.begin() + static_cast<std::ptrdiff_t>(front.edge_begin);
        return {begin, begin + static_cast<std::ptrdiff_t>(front.edge_count)};
    }
    std::vector<FrontEdge> result;
    const Cell& cell = cells[front.cell];
    const auto below = static_cast<std::int32_t>(padded(front.pivots));
    const UpdatePlace* place = boundary_place.data() + front.boundary_begin;
    shapes[cell.shape].for_each_edge([&](std::int32_t edge, std::int32_t early, std::int32_t late) {
        const std::int32_t row =
            late < front.pivots ? late : below + place[late - front.pivots].row;
        result.push_back({edge + cell.origin, row, early});
    });
    return result;
}

std::size_t Plan::work_size(std::int32_t depth) const {
    const auto d = static_cast<std::size_t>(depth);
    return d < work_size_.size() ? work_size_[d] : 0;
}

}  // namespace colordeploy::propagation
