#include "plan.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace colordeploy::propagation {

namespace {

constexpr int kLeafSide = 4;       // rectangles up to this side are eliminated whole
constexpr int kUnitPixels = 1100;  // rectangles up to this area are units

struct Rectangle {
    int y0, x0, y1, x1;
    int height() const { return y1 - y0; }
    int width() const { return x1 - x0; }
    std::int64_t area() const { return std::int64_t{height()} * width(); }
};

// Geometric nested dissection (George 1973): a one-pixel line separates an 8-neighbour grid.
// The global points are left out here: they form a clique, so they come last, in the root.
class Dissection {
 public:
    Dissection(Plan& plan, const CancelFlag* cancel)
        : plan_(plan), grid_(plan.grid), cancel_(cancel) {}

    std::int32_t dissect(const Rectangle& r) {
        throw_if_set(cancel_);
        if (r.height() <= kLeafSide && r.width() <= kLeafSide) return add_front(r, {}, r.area());
        const bool rows = r.height() >= r.width();
        const int cut = rows ? split(r.y0, r.y1) : split(r.x0, r.x1);
        Rectangle before = r, after = r, line = r;
        (rows ? before.y1 : before.x1) = cut;
        (rows ? line.y0 : line.x0) = cut;
        (rows ? line.y1 : line.x1) = cut + 1;
        (rows ? after.y0 : after.x0) = cut + 1;
        std::vector<std::int32_t> children;
        for (const Rectangle& half : {before, after}) {
            if (half.height() > 0 && half.width() > 0) children.push_back(dissect(half));
        }
        return add_front(line, children, r.area());
    }

    std::int32_t add_root(std::int32_t child) {
        const std::vector<std::int32_t> points = grid_.global_pixels();
        if (points.empty()) return child;
        return close_front(points, {child}, grid_.pixels() + 1);
    }

 private:
    // The middle, moved onto a line of global points where that costs little balance: such a
    // line has fewer unknowns of its own.
    int split(int begin, int end) const {
        const int middle = begin + (end - begin) / 2;
        const int step = grid_.global_step;
        if (step < 2 || end - begin < 3 * step) return middle;
        const int phase = step / 2;
        const int below = middle - (middle - phase) % step;
        const int nearest = middle - below <= step / 2 ? below : below + step;
        return nearest > begin && nearest < end - 1 ? nearest : middle;
    }

    std::int32_t add_front(const Rectangle& r, const std::vector<std::int32_t>& children,
                           std::int64_t area) {
        std::vector<std::int32_t> pixels;
        for (int y = r.y0; y < r.y1; ++y) {
            for (int x = r.x0; x < r.x1; ++x) {
                if (!grid_.is_global(y, x)) pixels.push_back(y * grid_.width + x);
            }
        }
        return close_front(pixels, children, area);
    }

    std::int32_t close_front(const std::vector<std::int32_t>& pixels,
                             const std::vector<std::int32_t>& children, std::int64_t area) {
        const auto id = static_cast<std::int32_t>(plan_.fronts.size());
        Front front;
        front.first = static_cast<std::int32_t>(plan_.pixel_at.size());
        front.pivots = static_cast<std::int32_t>(pixels.size());
        front.begin = children.empty() ? id : plan_.fronts[children.front()].begin;
        std::copy(children.begin(), children.end(), front.children.begin());
        for (std::int32_t child : children) plan_.fronts[child].parent = id;
        if (area <= kUnitPixels) front.unit = id;
        plan_.pixel_at.insert(plan_.pixel_at.end(), pixels.begin(), pixels.end());
        plan_.fronts.push_back(front);
        return id;
    }

    Plan& plan_;
    const Grid& grid_;
    const CancelFlag* cancel_;
};

// Depths, units and the memory of the stacks.
void lay_out(Plan& plan) {
    for (auto f = static_cast<std::int32_t>(plan.fronts.size()) - 1; f >= 0; --f) {
        Front& front = plan.fronts[f];
        if (front.parent < 0) continue;
        const Front& parent = plan.fronts[front.parent];
        front.depth = parent.depth + 1;
        if (parent.unit >= 0) front.unit = parent.unit;
    }
    std::array<std::size_t, 2> used{0, 0};
    std::size_t live = 0;
    for (std::size_t f = 0; f < plan.fronts.size(); ++f) {
        const Front& front = plan.fronts[f];
        const int parity = front.depth % 2;
        if (front.unit >= 0 && front.unit != static_cast<std::int32_t>(f)) {
            used[parity] += front.shape().update_size();
            plan.stack_size[parity] = std::max(plan.stack_size[parity], used[parity]);
        }
        if (front.unit < 0 || front.unit == static_cast<std::int32_t>(f)) {
            plan.fronts[f].update = plan.kept_size;
            plan.kept_size += front.shape().update_size();
            live += front.shape().update_size();
            plan.live_size = std::max(plan.live_size, live);
        }
        for (std::int32_t c : front.children) {
            if (c >= 0 && plan.fronts[c].unit >= 0 && plan.fronts[c].unit != c) {
                used[1 - parity] -= plan.fronts[c].shape().update_size();
            } else if (c >= 0) {
                live -= plan.fronts[c].shape().update_size();
            }
        }
    }
}

// Rows and edges of every front, from the order alone.
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
            throw_if_set(cancel_);
            Front& front = plan_.fronts[f];
            const std::vector<std::int32_t> boundary = boundary_of(front);
            front.boundary = static_cast<std::int32_t>(boundary.size());
            front.index = plan_.boundary_pixel.size();
            for (std::int32_t position : boundary) {
                plan_.boundary_pixel.push_back(plan_.pixel_at[position]);
            }
            front.factor = plan_.factor_size;
            plan_.factor_size += front.shape().packed_size();
            for (std::int32_t k = 0; k < front.pivots; ++k) {
                plan_.front_of[plan_.pixel_at[front.first + k]] = static_cast<std::int32_t>(f);
            }
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

    // Positions, ascending.
    std::vector<std::int32_t> boundary_of(const Front& front) {
        const std::int32_t end = front.first + front.pivots;
        std::vector<std::int32_t> boundary;
        for (std::int32_t k = front.first; k < end; ++k) {
            for_each_edge_of(plan_.pixel_at[k], [&](std::int32_t, std::int32_t other) {
                if (other >= end) boundary.push_back(other);
            });
        }
        for (std::int32_t c : front.children) {
            if (c < 0) continue;
            const Front& child = plan_.fronts[c];
            for (std::int32_t i = 0; i < child.boundary; ++i) {
                const std::int32_t other = position_[plan_.boundary_pixel[child.index + i]];
                if (other >= end) boundary.push_back(other);
            }
        }
        std::sort(boundary.begin(), boundary.end());
        boundary.erase(std::unique(boundary.begin(), boundary.end()), boundary.end());
        return boundary;
    }

    void number_rows(const Front& front, const std::vector<std::int32_t>& boundary) {
        const auto below = static_cast<std::int32_t>(padded(front.pivots));
        for (std::int32_t k = 0; k < front.pivots; ++k) row_[front.first + k] = k;
        for (std::int32_t i = 0; i < front.boundary; ++i) row_[boundary[i]] = below + i;
    }

    void find_runs(Front& child, const Front& parent) {
        child.runs = plan_.runs.size();
        std::int32_t last = -2;
        for (std::int32_t i = 0; i < child.boundary; ++i) {
            const std::int32_t row = row_[position_[plan_.boundary_pixel[child.index + i]]];
            const bool pivot = row < parent.pivots;
            if (row == last + 1 && pivot == (last < parent.pivots)) {
                ++plan_.runs.back().length;
            } else {
                plan_.runs.push_back({i, row, 1});
            }
            if (pivot) child.in_parent = i + 1;
            last = row;
        }
        child.run_count = plan_.runs.size() - child.runs;
    }

    // An edge belongs to the front that eliminates the first of its two ends.
    void assemble_edges(Front& front) {
        front.edges = plan_.edges.size();
        for (std::int32_t k = 0; k < front.pivots; ++k) {
            const std::int32_t position = front.first + k;
            for_each_edge_of(plan_.pixel_at[position], [&](std::int32_t edge, std::int32_t other) {
                if (other > position) plan_.edges.push_back({edge, row_[other], k});
            });
        }
        front.edge_count = plan_.edges.size() - front.edges;
    }

    Plan& plan_;
    const Grid& grid_;
    const CancelFlag* cancel_;
    std::vector<std::int32_t> position_;  // pixel -> elimination position
    std::vector<std::int32_t> row_;       // position -> row in the current front
};

}  // namespace

Plan::Plan(const Grid& requested, const CancelFlag* cancel) : grid(requested) {
    if (grid.height < 1 || grid.width < 1 || grid.global_step < 0) {
        throw std::invalid_argument("a plan needs a height and width of at least 1");
    }
    if (grid.pixels() > (std::ptrdiff_t{1} << 28)) {
        throw std::length_error("pictures above 2^28 pixels are not supported");
    }
    pixel_at.reserve(static_cast<std::size_t>(grid.pixels()));
    Dissection dissection(*this, cancel);
    dissection.add_root(dissection.dissect({0, 0, grid.height, grid.width}));
    Symbolic(*this, cancel).run();
    lay_out(*this);
    for (const Front& front : fronts) {
        largest_rows = std::max(largest_rows, static_cast<std::size_t>(front.shape().rows()));
        const auto depth = static_cast<std::size_t>(front.depth);
        if (work_size_.size() <= depth) work_size_.resize(depth + 1, 0);
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

std::size_t Plan::memory_size() const {
    return factor_size + (keeps() ? kept_size : live_size) + work_size(0);
}

std::size_t Plan::bytes() const {
    const auto size = [](const auto& list) { return list.capacity() * sizeof(list[0]); };
    return size(pixel_at) + size(front_of) + size(fronts) + size(boundary_pixel) + size(runs) +
           size(edges);
}

std::size_t Plan::work_size(std::int32_t depth) const {
    const auto d = static_cast<std::size_t>(depth);
    return d < work_size_.size() ? work_size_[d] : 0;
}

}  // namespace colordeploy::propagation
