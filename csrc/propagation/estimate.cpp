#include "estimate.hpp"

#include <algorithm>

#include "dissection.hpp"
#include "kernels.hpp"
#include "plan.hpp"

namespace colordeploy::propagation {

namespace {

// Fronts of one depth, nearly all alike.
struct Level {
    double count, pivots, boundary;

    // With half of the padding to blocks of rows that the largest has.
    double rows() const { return pivots + boundary + kRows + 1; }
    double factor() const { return count * rows() * pivots; }
    // Lower triangles, by blocks of columns.
    double updates() const { return count * (boundary + kRows / 2 + 1) * (boundary + kRows) / 2.0; }
    double work() const { return rows() * (pivots + kRows / 2); }
};

}  // namespace

double estimated_bytes(const Grid& grid, bool single) {
    const double pixels = static_cast<double>(grid.pixels());
    const double points = static_cast<double>(grid.global_points());
    const double global = points / pixels,
                 on_line = grid.global_step > 1 ? 1.0 / grid.global_step : global;
    double height = grid.height, width = grid.width, count = 1.0;
    // Pixels around a rectangle, where the picture goes on, and the global points in it.
    const auto boundary = [&] {
        const double around = 2.0 * (height + width) - 2.0 * (grid.height + grid.width) / count;
        return std::max(0.0, around) + height * width * global;
    };
    double factor = points * (points + kRows), updates = 0.0, lists = 0.0;
    double work = points * (points + kRows), fronts = 1.0;
    while (height > kCellSide || width > kCellSide) {
        double& longer = height >= width ? height : width;
        const double line = height >= width ? width : height;
        const double pivots = line * (1.0 - on_line);
        const Level level{count, pivots, pivots < 0.5 ? 0.0 : boundary()};
        longer = (longer - 1.0) / 2.0;
        factor += level.factor();
        updates += level.updates();
        work = std::max(work, level.work());
        lists += count * (level.boundary + 4.0 * level.pivots);
        fronts += count;
        count *= 2.0;
    }
    const double pivots = height * width * (1.0 - global);
    const Level cells{count, pivots, pivots < 0.5 ? 0.0 : boundary()};
    fronts += count;
    lists += 2.0 * count * cells.boundary;
    // A cell's own fronts: measured, for cells of any size, to a tenth.
    factor +=
        count * cells.pivots * (4.0 + 0.9 * (height + width)) * (1.0 + 0.1 * count / (count + 8.0));
    const double kept = updates + cells.updates();
    const double entry = single ? 4.0 : 8.0;
    const double held = entry * kept <= Plan::kKeepLimit ? kept : cells.updates() + updates / 4.0;
    const double entries = factor + held + work;
    const double values = 4.0 * pixels + points * points / 2.0 + 4.0 * pixels;
    return entry * entries + 8.0 * values + 12.0 * lists + 16.0 * pixels + sizeof(Front) * fronts;
}

}  // namespace colordeploy::propagation
