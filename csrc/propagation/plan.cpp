#include "plan.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace colordeploy::propagation {

namespace {

constexpr int kLeafSide = 4;  // rectangles up to this side are eliminated whole

struct Rectangle {
    int y0, x0, y1, x1;
    int height() const { return y1 - y0; }
    int width() const { return x1 - x0; }
};

// Geometric nested dissection (George 1973): a one-pixel line separates an 8-neighbour grid.
// The global points are left out here: they form a clique, so they come last, in the root.
class Dissection {
 public:
    explicit Dissection(Plan& plan) : plan_(plan), grid_(plan.grid) {}

    std::int32_t dissect(const Rectangle& r) {
        if (r.height() <= kLeafSide && r.width() <= kLeafSide) return add_front(r, {});
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
        return add_front(line, children);
    }

    std::int32_t add_root(std::int32_t child) {
        const std::vector<std::int32_t> points = grid_.global_pixels();
        if (points.empty()) return child;
        return close_front(points, {child});
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

    std::int32_t add_front(const Rectangle& r, const std::vector<std::int32_t>& children) {
        std::vector<std::int32_t> pixels;
        for (int y = r.y0; y < r.y1; ++y) {
            for (int x = r.x0; x < r.x1; ++x) {
                if (!grid_.is_global(y, x)) pixels.push_back(y * grid_.width + x);
            }
        }
        return close_front(pixels, children);
    }

    std::int32_t close_front(const std::vector<std::int32_t>& pixels,
                             const std::vector<std::int32_t>& children) {
        Front front;
        front.first = static_cast<std::int32_t>(plan_.pixel_at.size());
        front.pivots = static_cast<std::int32_t>(pixels.size());
        plan_.pixel_at.insert(plan_.pixel_at.end(), pixels.begin(), pixels.end());
        const auto id = static_cast<std::int32_t>(plan_.fronts.size());
        plan_.fronts.push_back(front);
        for (std::int32_t child : children) plan_.fronts[child].parent = id;
        return id;
    }

    Plan& plan_;
    const Grid& grid_;
};

// Rows and edges of every front, from the order alone.
class Symbolic {
 public:
    explicit Symbolic(Plan& plan)
        : plan_(plan),
          grid_(plan.grid),
          position_(plan.pixel_at.size()),
          row_(position_.size(), -1) {
        for (std::size_t i = 0; i < plan.pixel_at.size(); ++i) {
            position_[plan.pixel_at[i]] = static_cast<std::int32_t>(i);
        }
        children_.resize(plan.fronts.size());
        for (std::size_t f = 0; f < plan.fronts.size(); ++f) {
            if (plan.fronts[f].parent >= 0) {
                children_[plan.fronts[f].parent].push_back(static_cast<std::int32_t>(f));
            }
        }
    }

    void run() {
        for (std::size_t f = 0; f < plan_.fronts.size(); ++f) {
            Front& front = plan_.fronts[f];
            const std::vector<std::int32_t> boundary = boundary_of(f);
            front.boundary = static_cast<std::int32_t>(boundary.size());
            front.index = plan_.boundary_position.size();
            plan_.boundary_position.insert(plan_.boundary_position.end(), boundary.begin(),
                                           boundary.end());
            plan_.boundary_row.resize(plan_.boundary_position.size(), -1);
            front.factor = plan_.factor_size;
            plan_.factor_size +=
                static_cast<std::size_t>(front.rows()) * static_cast<std::size_t>(front.pivots);
            number_rows(front, boundary);
            assemble_edges(front);
            for (std::int32_t c : children_[f]) {
                const Front& child = plan_.fronts[c];
                for (std::int32_t i = 0; i < child.boundary; ++i) {
                    plan_.boundary_row[child.index + i] =
                        row_[plan_.boundary_position[child.index + i]];
                }
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

    std::vector<std::int32_t> boundary_of(std::size_t f) {
        const Front& front = plan_.fronts[f];
        const std::int32_t end = front.first + front.pivots;
        std::vector<std::int32_t> boundary;
        for (std::int32_t k = front.first; k < end; ++k) {
            for_each_edge_of(plan_.pixel_at[k], [&](std::int32_t, std::int32_t other) {
                if (other >= end) boundary.push_back(other);
            });
        }
        for (std::int32_t c : children_[f]) {
            const Front& child = plan_.fronts[c];
            for (std::int32_t i = 0; i < child.boundary; ++i) {
                const std::int32_t other = plan_.boundary_position[child.index + i];
                if (other >= end) boundary.push_back(other);
            }
        }
        std::sort(boundary.begin(), boundary.end());
        boundary.erase(std::unique(boundary.begin(), boundary.end()), boundary.end());
        return boundary;
    }

    void number_rows(const Front& front, const std::vector<std::int32_t>& boundary) {
        for (std::int32_t k = 0; k < front.pivots; ++k) row_[front.first + k] = k;
        for (std::int32_t i = 0; i < front.boundary; ++i) row_[boundary[i]] = front.pivots + i;
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
    std::vector<std::int32_t> position_;  // pixel -> elimination position
    std::vector<std::int32_t> row_;       // position -> row in the current front
    std::vector<std::vector<std::int32_t>> children_;
};

}  // namespace

Plan::Plan(const Grid& requested) : grid(requested) {
    if (grid.height < 1 || grid.width < 1 || grid.global_step < 0) {
        throw std::invalid_argument("a plan needs a height and width of at least 1");
    }
    if (grid.pixels() > (std::ptrdiff_t{1} << 28)) {
        throw std::length_error("pictures above 2^28 pixels are not supported");
    }
    pixel_at.reserve(static_cast<std::size_t>(grid.pixels()));
    Dissection dissection(*this);
    dissection.add_root(dissection.dissect({0, 0, grid.height, grid.width}));
    Symbolic(*this).run();
}

}  // namespace colordeploy::propagation
