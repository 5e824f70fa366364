#include "screens.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "bit_plane.hpp"
#include "groups.hpp"
#include "runs.hpp"

namespace colordeploy::regions {

namespace {

constexpr float kNear = 2.1F;      // ways to the nearest dot that count as near
constexpr float kFarthest = 3.0F;  // of a dot's largest width: the way to the nearest

// A connected part of the lines.
struct Part {
    std::int32_t top, left, bottom, right;  // inclusive, exclusive
    std::int64_t pixels = 0;
    double x = 0, y = 0;     // sums over the pixels
    std::int64_t holes = 1;  // of one part with n runs: 1 - n + the pairs of runs that touch
};

struct Dot {
    float x, y;
    std::int32_t part;
};

// Dots in square cells.
class Grid {
 public:
    Grid(std::vector<Dot> dots, float side, Index height, Index width)
        : dots_(std::move(dots)),
          side_(side),
          rows_(static_cast<Index>(static_cast<float>(height) / side) + 1),
          columns_(static_cast<Index>(static_cast<float>(width) / side) + 1),
          first_(rows_ * columns_ + 1, 0) {
        const auto cell = [&](const Dot& dot) {
            return place(dot.y, rows_) * columns_ + place(dot.x, columns_);
        };
        std::stable_sort(dots_.begin(), dots_.end(),
                         [&](const Dot& a, const Dot& b) { return cell(a) < cell(b); });
        for (const Dot& dot : dots_) ++first_[cell(dot) + 1];
        for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    }

    const std::vector<Dot>& dots() const { return dots_; }

    // Calls visit(i, way) for other dots within `reach` of dot `at`.
    template <typename Visit>
    void near(std::size_t at, float reach, const Visit& visit) const {
        const Dot& dot = dots_[at];
        const Index y0 = place(dot.y - reach, rows_), y1 = place(dot.y + reach, rows_);
        const Index x0 = place(dot.x - reach, columns_), x1 = place(dot.x + reach, columns_);
        for (Index y = y0; y <= y1; ++y) {
            const std::size_t begin = first_[y * columns_ + x0];
            const std::size_t end = first_[y * columns_ + x1 + 1];
            for (std::size_t i = begin; i < end; ++i) {
                const float way = std::hypot(dots_[i].x - dot.x, dots_[i].y - dot.y);
                if (i != at && way <= reach) visit(i, way);
            }
        }
    }

    // The way to the nearest dot, `farthest` or more where there is none so near.
    float nearest(std::size_t at, float farthest) const {
        float found = std::numeric_limits<float>::max();
        for (float reach = side_; found > reach && reach < 2 * farthest; reach *= 2) {
            near(at, reach, [&](std::size_t, float way) { found = std::min(found, way); });
        }
        return found;
    }

 private:
    Index place(float value, Index cells) const {
        return std::clamp<Index>(static_cast<Index>(value / side_), 0, cells - 1);
    }

    std::vector<Dot> dots_;
    float side_;
    Index rows_, columns_;
    std::vector<std::size_t> first_;  // dot of each cell, and their number
};

std::vector<Part> parts_of(const Runs& runs, Groups& groups) {
    std::vector<Part> parts(runs.all.size());
    for (std::size_t i = 0; i < runs.all.size(); ++i) {
        const Run& run = runs.all[i];
        Part& part = parts[groups.find(static_cast<std::int32_t>(i))];
        const std::int64_t length = run.end - run.begin;
        if (part.pixels == 0) part = {run.y, run.begin, run.y, run.end};
        --part.holes;
        part.bottom = run.y + 1;
        part.left = std::min(part.left, run.begin);
        part.right = std::max(part.right, run.end);
        part.pixels += length;
        part.x += 0.5 * static_cast<double>(length * (run.begin + run.end));
        part.y += static_cast<double>(length) * (run.y + 0.5);
    }
    for_touching(runs, Neighbours::corners,
                 [&](std::int32_t i, std::int32_t) { ++parts[groups.find(i)].holes; });
    return parts;
}

std::vector<Dot> dots_of(const std::vector<Part>& parts, std::int32_t most) {
    std::vector<Dot> dots;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const Part& part = parts[i];
        const bool small = part.bottom - part.top <= most && part.right - part.left <= most;
        if (part.pixels == 0 || !small || part.holes > 0) continue;
        const auto pixels = static_cast<double>(part.pixels);
        dots.push_back({static_cast<float>(part.x / pixels), static_cast<float>(part.y / pixels),
                        static_cast<std::int32_t>(i)});
    }
    return dots;
}

// Which parts are dots of a screen.
std::vector<std::uint8_t> screened(const Grid& grid, std::size_t parts,
                                   const ScreenOptions& options) {
    const std::vector<Dot>& dots = grid.dots();
    const float farthest = kFarthest * static_cast<float>(options.dot);
    Groups groups(dots.size());
    std::vector<std::uint8_t> inner(dots.size(), 0);
    for (std::size_t i = 0; i < dots.size(); ++i) {
        const float way = grid.nearest(i, farthest);
        if (way > farthest) continue;
        std::int32_t around = 0;
        grid.near(i, kNear * way, [&](std::size_t, float) { ++around; });
        inner[i] = around >= options.around;
        if (!inner[i]) continue;
        grid.near(i, kNear * way, [&](std::size_t j, float) {
            groups.join(static_cast<std::int32_t>(i), static_cast<std::int32_t>(j));
        });
    }
    std::vector<std::int32_t> members(dots.size(), 0);
    for (std::size_t i = 0; i < dots.size(); ++i) {
        members[groups.find(static_cast<std::int32_t>(i))] += inner[i];
    }
    std::vector<std::uint8_t> result(parts, 0);
    for (std::size_t i = 0; i < dots.size(); ++i) {  // with those at the edge
        const std::int32_t group = groups.find(static_cast<std::int32_t>(i));
        result[dots[i].part] = members[group] >= options.members;
    }
    return result;
}

}  // namespace

std::int64_t open_screens(std::ptrdiff_t height, std::ptrdiff_t width, const ScreenOptions& options,
                          std::uint8_t* line) {
    if (height < 1 || width < 1 || options.dot < 1 || options.members < 1) {
        throw std::invalid_argument("the lines are empty, or an option is too small");
    }
    const Runs runs = runs_of(plane_of(line, height, width, true), height, width);
    if (static_cast<std::int64_t>(runs.all.size()) < options.members) return 0;
    Groups groups = connected(runs, Neighbours::corners);
    const std::vector<Part> parts = parts_of(runs, groups);
    std::vector<Dot> dots = dots_of(parts, options.dot);
    if (static_cast<std::int64_t>(dots.size()) < options.members) return 0;
    const Grid grid(std::move(dots), static_cast<float>(options.dot), height, width);
    const std::vector<std::uint8_t> open = screened(grid, parts.size(), options);
    for (std::size_t i = 0; i < runs.all.size(); ++i) {
        const Run& run = runs.all[i];
        if (open[groups.find(static_cast<std::int32_t>(i))] == 0) continue;
        std::uint8_t* row = line + run.y * width;
        std::fill(row + run.begin, row + run.end, std::uint8_t{0});
    }
    return std::count(open.begin(), open.end(), 1);
}

}  // namespace colordeploy::regions
