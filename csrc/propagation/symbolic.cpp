#include "symbolic.hpp"

#include <algorithm>
#include <utility>

namespace colordeploy::propagation {

namespace {

class Symbolic {
 public:
    Symbolic(Plan& plan, const CancelFlag* cancel)
        : plan_(plan),
          grid_(plan.grid),
          cancel_(cancel),
          position_(plan.pixel_at.size()),
          row_(position_.size(), -1) {
        for (std::size_t i = 0; i < plan.pixel_at.size(); ++i) {
            position_[plan.pixel_at[i]] = static_cast<std::int32_t>(i);
        }
    }

    void run() {
        plan_.front_of.resize(plan_.pixel_at.size());
        for (std::size_t f = 0; f < plan_.fronts.size(); ++f) {
            const std::int32_t first = plan_.fronts[f].first_pivot;
            for (std::int32_t k = first; k < first + plan_.fronts[f].pivots; ++k) {
                plan_.front_of[plan_.pixel_at[k]] = static_cast<std::int32_t>(f);
            }
        }
        for (std::size_t f = 0; f < plan_.fronts.size(); ++f) {
            throw_if_set(cancel_);
            Front& front = plan_.fronts[f];
            if (front.cell >= 0) {
                add_cell(front, plan_.cells[front.cell]);
                continue;
            }
            const std::vector<std::int32_t> boundary = boundary_of(front);
            front.boundary = static_cast<std::int32_t>(boundary.size());
            front.boundary_begin = plan_.boundary_pixel.size();
            for (std::int32_t position : boundary) {
                plan_.boundary_pixel.push_back(plan_.pixel_at[position]);
            }
            front.factor = plan_.factor_size;
            plan_.factor_size += front.shape().packed_size();
            number_rows(front, boundary);
            assemble_edges(front);
            for (std::int32_t c : front.children) {
                if (c >= 0) find_runs(plan_.fronts[c], front);
            }
        }
    }

 private:
    // Calls visit(edge, position of the pixel at its other end) for the 8 edges of a pixel.
    template <typename Visit>
    void for_each_edge_of(std::int32_t pixel, Visit&& visit) const {
        const int y = pixel / grid_.width, x = pixel % grid_.width;
        const auto plane = static_cast<std::int32_t>(grid_.pixels());
        for (std::int32_t d = 0; d < static_cast<std::int32_t>(kDirections.size()); ++d) {
            const auto [dy, dx] = kDirections[d];
            if (grid_.inside(y + dy, x + dx)) {
                visit(d * plane + pixel, position_[pixel + dy * grid_.width + dx]);
            }
            if (grid_.inside(y - dy, x - dx)) {
                const std::int32_t other = pixel - dy * grid_.width - dx;
                visit(d * plane + other, position_[other]);
            }
        }
    }

    void add_cell(Front& front, const Cell& cell) {
        const CellShape& shape = plan_.shapes[cell.shape];
        front.boundary = shape.boundary();
        front.boundary_begin = plan_.boundary_pixel.size();
        std::vector<std::pair<std::int32_t, std::int32_t>> boundary;  // position, unknown
        for (std::int32_t i = 0; i < front.boundary; ++i) {
            boundary.emplace_back(position_[cell.origin + shape.pixels()[front.pivots + i]], i);
        }
        std::sort(boundary.begin(), boundary.end());
        plan_.boundary_place.resize(plan_.boundary_pixel.size() + boundary.size());
        UpdatePlace* place = plan_.boundary_place.data() + front.boundary_begin;
        for (std::int32_t i = 0; i < front.boundary; ++i) {
            plan_.boundary_pixel.push_back(plan_.pixel_at[boundary[i].first]);
            const auto begin = static_cast<std::int32_t>(front.shape().update_column(i));
            place[boundary[i].second] = {i, begin};
        }
    }

    // Positions, ascending.
    std::vector<std::int32_t> boundary_of(const Front& front) {
        const std::int32_t end = front.first_pivot + front.pivots;
        std::vector<std::int32_t> boundary;
        for (std::int32_t k = front.first_pivot; k < end; ++k) {
            for_each_edge_of(plan_.pixel_at[k], [&](std::int32_t, std::int32_t other) {
                if (other >= end) boundary.push_back(other);
            });
        }
        for (std::int32_t c : front.children) {
            if (c < 0) continue;
            const Front& child = plan_.fronts[c];
            for (std::int32_t i = 0; i < child.boundary; ++i) {
                const std::int32_t other =
                    position_[plan_.boundary_pixel[child.boundary_begin + i]];
                if (other >= end) boundary.push_back(other);
            }
        }
        std::sort(boundary.begin(), boundary.end());
        boundary.erase(std::unique(boundary.begin(), boundary.end()), boundary.end());
        return boundary;
    }

    void number_rows(const Front& front, const std::vector<std::int32_t>& boundary) {
        const auto below = static_cast<std::int32_t>(padded(front.pivots));
        for (std::int32_t k = 0; k < front.pivots; ++k) row_[front.first_pivot + k] = k;
        for (std::int32_t i = 0; i < front.boundary; ++i) row_[boundary[i]] = below + i;
    }

    void find_runs(Front& child, const Front& parent) {
        child.run_begin = plan_.runs.size();
        std::int32_t last = -2;
        for (std::int32_t i = 0; i < child.boundary; ++i) {
            const std::int32_t row =
                row_[position_[plan_.boundary_pixel[child.boundary_begin + i]]];
            const bool pivot = row < parent.pivots;
            if (row == last + 1 && pivot == (last < parent.pivots)) {
                ++plan_.runs.back().length;
            } else {
                plan_.runs.push_back({i, row, 1});
            }
            last = row;
        }
        child.run_count = plan_.runs.size() - child.run_begin;
    }

    // An edge belongs to the front that eliminates the first of its two ends.
    void assemble_edges(Front& front) {
        front.edge_begin = plan_.edges.size();
        for (std::int32_t k = 0; k < front.pivots; ++k) {
            const std::int32_t position = front.first_pivot + k;
            for_each_edge_of(plan_.pixel_at[position], [&](std::int32_t edge, std::int32_t other) {
                if (other > position) plan_.edges.push_back({edge, row_[other], k});
            });
        }
        front.edge_count = plan_.edges.size() - front.edge_begin;
    }

    Plan& plan_;
    const Grid& grid_;
    const CancelFlag* cancel_;
    std::vector<std::int32_t> position_;  // pixel -> elimination position
    std::vector<std::int32_t> row_;       // position -> row in the current front
};

}  // namespace

void find_boundaries(Plan& plan, const CancelFlag* cancel) { Symbolic(plan, cancel).run(); }

}  // namespace colordeploy::propagation
