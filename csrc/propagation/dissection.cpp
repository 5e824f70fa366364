#include "dissection.hpp"

#include <algorithm>
#include <map>

namespace colordeploy::propagation {

namespace {

struct Rectangle {
    int y0, x0, y1, x1;
    int height() const { return y1 - y0; }
    int width() const { return x1 - x0; }
};

class Dissection {
 public:
    Dissection(Plan& plan, const CancelFlag* cancel)
        : plan_(plan), grid_(plan.grid), cancel_(cancel) {}

    std::int32_t dissect(const Rectangle& r) {
        throw_if_set(cancel_);
        if (r.height() <= kCellSide && r.width() <= kCellSide) return add_cell(r);
        const bool rows = r.height() >= r.width();
        const int cut = rows ? split(r.y0, r.y1) : split(r.x0, r.x1);
        Rectangle before = r, after = r, line = r;
        (rows ? before.y1 : before.x1) = cut;
        (rows ? line.y0 : line.x0) = cut;
        (rows ? line.y1 : line.x1) = cut + 1;
        (rows ? after.y0 : after.x0) = cut + 1;
        const std::array<std::int32_t, 2> children{dissect(before), dissect(after)};
        std::vector<std::int32_t> pixels;
        for (int y = line.y0; y < line.y1; ++y) {
            for (int x = line.x0; x < line.x1; ++x) {
                if (!grid_.is_global(y, x)) pixels.push_back(y * grid_.width + x);
            }
        }
        return add_front(pixels, children);
    }

    void add_root(std::int32_t child) {
        const std::vector<std::int32_t> points = grid_.global_pixels();
        if (!points.empty()) add_front(points, {child, -1});
    }

    // Cells that are alike, side by side.
    void sort_cells() {
        std::stable_sort(plan_.cells.begin(), plan_.cells.end(),
                         [](const Cell& a, const Cell& b) { return a.shape < b.shape; });
        for (std::size_t c = 0; c < plan_.cells.size(); ++c) {
            plan_.fronts[plan_.cells[c].front].cell = static_cast<std::int32_t>(c);
        }
    }

 private:
    // The middle, moved onto a line of global points where that costs little balance: such a
    // line has fewer unknowns of its own, and cells between them are alike.
    int split(int begin, int end) const {
        const int middle = begin + (end - begin) / 2;
        const int step = grid_.global_step;
        if (step < 2) return middle;
        int below = middle - (middle - step / 2) % step;
        if (below > middle) below -= step;
        const int nearest = middle - below <= step / 2 ? below : below + step;
        const int moved = nearest < middle ? middle - nearest : nearest - middle;
        return nearest > begin && nearest < end - 1 && 5 * moved <= end - begin ? nearest : middle;
    }

    std::int32_t add_front(const std::vector<std::int32_t>& pixels,
                           const std::array<std::int32_t, 2>& children) {
        const auto id = static_cast<std::int32_t>(plan_.fronts.size());
        Front front;
        front.first_pivot = static_cast<std::int32_t>(plan_.pixel_at.size());
        front.pivots = static_cast<std::int32_t>(pixels.size());
        front.first_front = children[0] < 0 ? id : plan_.fronts[children[0]].first_front;
        front.children = children;
        for (std::int32_t child : children) {
            if (child >= 0) plan_.fronts[child].parent = id;
        }
        plan_.pixel_at.insert(plan_.pixel_at.end(), pixels.begin(), pixels.end());
        plan_.fronts.push_back(front);
        return id;
    }

    std::int32_t add_cell(const Rectangle& r) {
        const std::int32_t shape = shape_of(r), origin = r.y0 * grid_.width + r.x0;
        const CellShape& made = plan_.shapes[shape];
        std::vector<std::int32_t> pixels(made.pixels().begin(),
                                         made.pixels().begin() + made.pivots());
        for (std::int32_t& pixel : pixels) pixel += origin;
        const std::int32_t front = add_front(pixels, {-1, -1});
        plan_.cells.push_back({front, shape, origin});
        return front;
    }

    std::int32_t shape_of(const Rectangle& r) {
        const int open = (r.y0 > 0 ? 1 : 0) | (r.y1 < grid_.height ? 2 : 0) | (r.x0 > 0 ? 4 : 0) |
                         (r.x1 < grid_.width ? 8 : 0);
        CellKind kind{r.height(), r.width(), open, -1, -1};
        bool global = false;
        for (int y = r.y0; y < r.y1; ++y) {
            for (int x = r.x0; x < r.x1; ++x) global = global || grid_.is_global(y, x);
        }
        if (global) {
            kind.dy = r.y0 % grid_.global_step;
            kind.dx = r.x0 % grid_.global_step;
        }
        const auto [found, added] =
            shapes_.emplace(kind, static_cast<std::int32_t>(plan_.shapes.size()));
        if (added) plan_.shapes.emplace_back(grid_, kind, r.y0, r.x0);
        return found->second;
    }

    Plan& plan_;
    const Grid& grid_;
    const CancelFlag* cancel_;
    std::map<CellKind, std::int32_t> shapes_;
};

}  // namespace

void dissect(Plan& plan, const CancelFlag* cancel) {
    plan.pixel_at.reserve(static_cast<std::size_t>(plan.grid.pixels()));
    Dissection dissection(plan, cancel);
    dissection.add_root(dissection.dissect({0, 0, plan.grid.height, plan.grid.width}));
    dissection.sort_cells();
}

}  // namespace colordeploy::propagation
