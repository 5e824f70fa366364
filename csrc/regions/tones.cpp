#include "tones.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "groups.hpp"
#include "passes.hpp"
#include "runs.hpp"

namespace colordeploy::regions {

namespace {

constexpr std::uint16_t FAR = 0xFFFF;

std::uint16_t further(std::uint16_t distance) {
    return distance >= FAR - 1 ? FAR : static_cast<std::uint16_t>(distance + 1);
}

// By value: loops of std::min, which takes references, do not become vector instructions.
std::int16_t lesser(std::int16_t a, std::int16_t b) { return a < b ? a : b; }

// Steps to the four sides from each pixel to its label's edge, `most` at most: first down and up
// each column, then along rows in strides of 1, 2, 4 ..., for all pixels of a row at a time.
std::vector<std::int16_t> depths(std::ptrdiff_t height, std::ptrdiff_t width,
                                 const std::int32_t* labels, std::int16_t most) {
    std::vector<std::int16_t> depth(height * width);
    for (std::ptrdiff_t y = 0; y < height; ++y) {
        const std::int32_t* row = labels + y * width;
        const std::int32_t* above = y > 0 ? row - width : row;
        const std::int32_t* below = y + 1 < height ? row + width : row;
        std::int16_t* to = depth.data() + y * width;
#pragma omp simd
        for (std::ptrdiff_t x = 0; x < width; ++x) {
            const bool inside = row[x] != 0 && row[x] == above[x] && row[x] == below[x];
            to[x] = inside ? most : std::int16_t{0};
        }
#pragma omp simd
        for (std::ptrdiff_t x = 0; x < width - 1; ++x) {
            to[x] = row[x] == row[x + 1] ? to[x] : std::int16_t{0};
        }
#pragma omp simd
        for (std::ptrdiff_t x = 1; x < width; ++x) {
            to[x] = row[x] == row[x - 1] ? to[x] : std::int16_t{0};
        }
    }
    const auto follow = [width](std::int16_t* to, const std::int16_t* from) {
#pragma omp simd
        for (std::ptrdiff_t x = 0; x < width; ++x) {
            to[x] = lesser(to[x], static_cast<std::int16_t>(from[x] + 1));
        }
    };
    for (std::ptrdiff_t y = 1; y < height; ++y) {
        follow(depth.data() + y * width, depth.data() + (y - 1) * width);
    }
    for (std::ptrdiff_t y = height - 2; y >= 0; --y) {
        follow(depth.data() + y * width, depth.data() + (y + 1) * width);
    }
    std::vector<std::int16_t> copy(width);
    for (std::ptrdiff_t y = 0; y < height; ++y) {
        std::int16_t* row = depth.data() + y * width;
        for (std::ptrdiff_t stride = 1; stride < most && stride < width; stride *= 2) {
            std::copy(row, row + width, copy.begin());
            const std::int16_t* before = copy.data();
            const auto steps = static_cast<std::int16_t>(stride);
#pragma omp simd
            for (std::ptrdiff_t x = stride; x < width; ++x) {
                row[x] = lesser(row[x], static_cast<std::int16_t>(before[x - stride] + steps));
            }
#pragma omp simd
            for (std::ptrdiff_t x = 0; x < width - stride; ++x) {
                row[x] = lesser(row[x], static_cast<std::int16_t>(before[x + stride] + steps));
            }
        }
    }
    return depth;
}

// Which labels are nowhere wider than twice `thin`: no pixel is further from their edge.
std::vector<std::uint8_t> thin_labels(std::ptrdiff_t height, std::ptrdiff_t width,
                                      const std::int32_t* labels, const Runs& runs,
                                      std::int32_t count, int thin) {
    std::vector<std::uint8_t> result(count + 1, 1);
    result[0] = 0;
    const auto most = static_cast<std::int16_t>(std::min(thin, 1 << 14));
    const std::vector<std::int16_t> depth = depths(height, width, labels, most);
    for (const Run& run : runs.all) {
        std::uint8_t& seems = result[labels[run.y * width + run.begin]];
        if (seems == 0) continue;
        const std::int16_t* row = depth.data() + run.y * width;
        seems = *std::max_element(row + run.begin, row + run.end) < most;
    }
    return result;
}

}  // namespace

std::int32_t merge_tones(std::ptrdiff_t height, std::ptrdiff_t width, const ToneOptions& options,
                         std::int32_t* labels) {
    if (height < 1 || width < 1 || options.thin < 0 || options.bridge < 0 || options.pieces < 2) {
        throw std::invalid_argument("the labels are empty, or an option is too small");
    }
    const std::ptrdiff_t n = height * width;
    const Runs runs = runs_of(labels, height, width);
    const auto label_of = [&](const Run& run) -> std::int32_t {
        return labels[run.y * width + run.begin];
    };
    std::int32_t count = 0;
    for (const Run& run : runs.all) {
        if (label_of(run) < 0 || label_of(run) > n) {
            throw std::invalid_argument("labels must lie between 0 and the number of pixels");
        }
        count = std::max(count, label_of(run));
    }
    if (count < options.pieces) return count;
    const std::vector<std::uint8_t> thin =
        thin_labels(height, width, labels, runs, count, options.thin);
    if (std::count(thin.begin(), thin.end(), 1) < options.pieces) return count;
    // Lines go to the nearest piece, by halves: what meets there is as far apart as the line is
    // wide.
    std::vector<std::int32_t> owner(labels, labels + n);
    std::vector<std::uint16_t> distance(n);
    for (std::ptrdiff_t i = 0; i < n; ++i) distance[i] = labels[i] == 0 ? FAR : 0;
    const auto give = [&](std::ptrdiff_t to, std::ptrdiff_t from) {
        const std::uint16_t steps = further(distance[from]);
        if (steps < distance[to] && 2 * steps <= options.bridge + 1) {
            distance[to] = steps;
            owner[to] = owner[from];
        }
    };
    two_passes(line_runs(labels, height, width), height, width, give);
    Groups groups(static_cast<std::size_t>(count) + 1);
    const auto meet = [&](std::ptrdiff_t a, std::ptrdiff_t b) {
        if (owner[a] != owner[b] && thin[owner[a]] && thin[owner[b]] &&
            distance[a] + distance[b] <= options.bridge) {
            groups.join(owner[a], owner[b]);
        }
    };
    for (std::ptrdiff_t y = 0; y < height; ++y) {
        for (std::ptrdiff_t x = 0; x < width; ++x) {
            const std::ptrdiff_t i = y * width + x;
            if (x + 1 < width) meet(i, i + 1);
            if (y + 1 < height) meet(i, i + width);
        }
    }
    std::vector<std::int32_t> members(count + 1, 0), number(count + 1, 0);
    for (std::int32_t k = 1; k <= count; ++k) ++members[groups.find(k)];
    std::int32_t used = 0;
    for (const Run& run : runs.all) {
        const std::int32_t before = label_of(run);
        if (before == 0) continue;
        const std::int32_t root = groups.find(before);
        const std::int32_t label = members[root] >= options.pieces ? root : before;
        if (number[label] == 0) number[label] = ++used;
        std::int32_t* row = labels + run.y * width;
        std::fill(row + run.begin, row + run.end, number[label]);
    }
    return used;
}

}  // namespace colordeploy::regions
