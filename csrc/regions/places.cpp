#include "places.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

namespace colordeploy::regions {

namespace {

constexpr float NECK = 0.7F;  // a way narrower than so much of both rooms parts them

}  // namespace

// Two passes over the neighbours.
std::vector<float> depths_of(const Cells& cells) {
    const std::vector<std::int32_t>& labels = cells.labels;
    const std::ptrdiff_t rows = cells.rows, columns = cells.columns;
    std::vector<float> depth(labels.size());
    const auto far = STEP * static_cast<float>(rows + columns);
    const auto pass = [&](std::ptrdiff_t y, std::ptrdiff_t x, std::ptrdiff_t back) {
        const std::ptrdiff_t at = y * columns + x;
        if (labels[at] <= 0) return;
        const auto look = [&](std::ptrdiff_t dy, std::ptrdiff_t dx, float step) {
            const std::ptrdiff_t v = y + dy * back, u = x + dx * back;
            if (v < 0 || u < 0 || v >= rows || u >= columns) return;
            const std::ptrdiff_t to = v * columns + u;
            const float there = labels[to] == labels[at] ? depth[to] : 0.0F;
            depth[at] = std::min(depth[at], there + step);
        };
        look(-1, 0, STEP);
        look(0, -1, STEP);
        look(-1, -1, DIAGONAL);
        look(-1, 1, DIAGONAL);
    };
    for (std::size_t i = 0; i < labels.size(); ++i) depth[i] = labels[i] > 0 ? far : 0.0F;
    for (std::ptrdiff_t y = 0; y < rows; ++y) {
        for (std::ptrdiff_t x = 0; x < columns; ++x) pass(y, x, 1);
    }
    for (std::ptrdiff_t y = rows - 1; y >= 0; --y) {
        for (std::ptrdiff_t x = columns - 1; x >= 0; --x) pass(y, x, -1);
    }
    return depth;
}

std::ptrdiff_t inward(const Cells& cells, const std::vector<float>& depths, std::ptrdiff_t at) {
    const std::ptrdiff_t rows = cells.rows, columns = cells.columns;
    const std::ptrdiff_t y = at / columns, x = at % columns;
    for (std::ptrdiff_t v = std::max<std::ptrdiff_t>(y - 1, 0); v < std::min(y + 2, rows); ++v) {
        for (std::ptrdiff_t u = std::max<std::ptrdiff_t>(x - 1, 0); u < std::min(x + 2, columns);
             ++u) {
            const float step = v != y && u != x ? DIAGONAL : STEP;
            if (depths[v * columns + u] == depths[at] + step) return v * columns + u;
        }
    }
    return at;
}

std::vector<float> thickness_of(const Cells& cells, const std::vector<float>& depths) {
    const std::vector<std::int32_t>& labels = cells.labels;
    const std::ptrdiff_t rows = cells.rows, columns = cells.columns;
    std::vector<float> thickness(labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) thickness[i] = std::min(depths[i], WIDE);
    for (std::ptrdiff_t at = 0; at < std::ssize(labels); ++at) {
        // Balls in the middle between borders hold all others, those at the border of what is wide
        // reach all that deeper ones do.
        if (depths[at] <= STEP || depths[at] > WIDE + DIAGONAL) continue;
        if (depths[at] < WIDE && inward(cells, depths, at) != at) continue;
        const float depth = std::min(depths[at], WIDE);
        const std::ptrdiff_t reach = static_cast<std::ptrdiff_t>((depth - 1) / STEP);
        const std::ptrdiff_t y = at / columns, x = at % columns;
        for (std::ptrdiff_t v = std::max<std::ptrdiff_t>(y - reach, 0);
             v <= std::min(y + reach, rows - 1); ++v) {
            const double half = std::sqrt(static_cast<double>(reach * reach - (v - y) * (v - y)));
            const auto across = static_cast<std::ptrdiff_t>(half);
            for (std::ptrdiff_t u = std::max<std::ptrdiff_t>(x - across, 0);
                 u <= std::min(x + across, columns - 1); ++u) {
                float& own = thickness[v * columns + u];
                if (labels[v * columns + u] == labels[at]) own = std::max(own, depth);
            }
        }
    }
    return thickness;
}

// From the deepest cells on, what meets at a cell becomes one room unless the way there is much
// narrower than both.
std::vector<std::int32_t> rooms_of(const Cells& cells, const std::vector<float>& depths) {
    const std::vector<std::int32_t>& labels = cells.labels;
    const std::ptrdiff_t rows = cells.rows, columns = cells.columns;
    std::vector<std::int32_t> parent(labels.size()), order(labels.size());
    std::vector<float> level(labels.size());
    for (std::ptrdiff_t at = 0; at < std::ssize(labels); ++at) {
        const std::ptrdiff_t y = at / columns, x = at % columns;
        level[at] = labels[at] <= 0 ? 0.0F : cells.outer(y, x) ? WIDE : std::min(depths[at], WIDE);
    }
    std::iota(parent.begin(), parent.end(), 0);
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, [&](auto a, auto b) { return level[a] > level[b]; });
    const auto root = [&](std::int32_t at) {
        while (parent[at] != at) at = parent[at] = parent[parent[at]];
        return at;
    };
    std::vector<float> deepest = level;  // of roots
    std::vector<std::uint8_t> seen(labels.size(), 0);
    for (const std::int32_t at : order) {
        if (level[at] <= 0.0F) break;
        seen[at] = 1;
        const std::ptrdiff_t y = at / columns, x = at % columns;
        const auto meet = [&](std::ptrdiff_t v, std::ptrdiff_t u) {
            if (v < 0 || u < 0 || v >= rows || u >= columns) return;
            const auto to = static_cast<std::int32_t>(v * columns + u);
            if (seen[to] == 0 || labels[to] != labels[at]) return;
            std::int32_t one = root(at), other = root(to);
            if (one == other) return;
            const float shallower = std::min(deepest[one], deepest[other]);
            if (level[at] < NECK * shallower) return;
            if (deepest[one] < deepest[other]) std::swap(one, other);
            parent[other] = one;
        };
        meet(y - 1, x);
        meet(y, x - 1);
        meet(y, x + 1);
        meet(y + 1, x);
    }
    for (std::int32_t at = 0; at < std::ssize(labels); ++at) parent[at] = root(at);
    return parent;
}

}  // namespace colordeploy::regions
