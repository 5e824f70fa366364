// Substitution in the fronts of one depth, and what goes into and comes out of it.
#pragma once

#include "front_kernels.hpp"

namespace colordeploy::propagation::cuda {

// Right-hand sides; block.y is the channel.
struct Sides {
    const std::int32_t* pixel_at;
    const std::int32_t* boundary_pixel;
    double* vectors;  // of each front and channel
    std::int64_t plane;
    std::int64_t channels;

    COLORDEPLOY_DEVICE double* of(const DeviceFront& front, int channel) const {
        return vectors + channel * plane + front.vector;
    }
};

inline constexpr int kWide = kTile + 1;  // of a row in shared memory: other banks below it

// A panel's inverse in shared memory.
COLORDEPLOY_DEVICE void stage(const Block& block, const double* inverse, int width,
                              double* staged) {
    block.each(std::int64_t{width} * kTile,
               [&](std::int64_t e) { staged[e / kTile * kWide + e % kTile] = inverse[e]; });
}

struct Forward {
    static constexpr int kMost = 1024;
    static constexpr int kAtOnce = 1;
    static constexpr int kSharedSize = 2 * kTile + kTile * kWide;

    Fronts at;
    const std::int32_t* to_parent;
    Sides sides;
    const double* b;
    const std::uint8_t* mask;  // of the pixels where b counts; null: everywhere
    bool split;                // ForwardBelow does the rows below the pivots

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        const DeviceFront front = at.of(block);
        double* t = sides.of(front, block.y);
        block.each(front.rows(), [&](std::int64_t r) {
            double value = 0.0;
            if (r < front.pivots) {
                const std::int64_t pixel = sides.pixel_at[front.first + r];
                if (mask == nullptr || mask[pixel]) value = b[pixel * sides.channels + block.y];
            }
            t[r] = value;
        });
        for (int c = 0; c < 2; ++c) {
            if (front.child[c] < 0) continue;
            block.sync();
            const DeviceFront below = at.fronts[front.child[c]];
            const double* source = sides.of(below, block.y) + below.pivots;
            const std::int32_t* to = to_parent + below.index;
            block.each(below.boundary, [&](std::int64_t i) { t[to[i]] += source[i]; });
        }
        block.sync();
        double* held = block.shared;
        double* solved = held + kTile;
        double* inverse = solved + kTile;
        for (std::int32_t p = 0; p < front.panels(); ++p) {
            const std::int64_t c0 = std::int64_t{p} * kTile;
            const int width =
                static_cast<int>(front.pivots - c0 < kTile ? front.pivots - c0 : kTile);
            stage(block, at.inverse + front.inverse + c0 * kTile, width, inverse);
            block.each(kTile, [&](std::int64_t k) { held[k] = k < width ? t[c0 + k] : 0.0; });
            block.sync();
            block.each(width, [&](std::int64_t m) {
                double sum = 0.0;
                for (int i = 0; i <= m; ++i) sum += inverse[i * kWide + m] * held[i];
                solved[m] = t[c0 + m] = sum;
            });
            block.sync();
            const double* columns = at.factor + front.factor + c0 * front.rows();
            const std::int64_t end = split ? front.pivots : front.ground();
            block.each(end - c0 - width, [&](std::int64_t i) {
                const std::int64_t r = c0 + width + i;
                double sum = 0.0;
#pragma unroll 8
                for (int k = 0; k < width; ++k) {
                    sum += columns[r + std::int64_t{k} * front.rows()] * solved[k];
                }
                t[r] += sum;
            });
            block.sync();
        }
    }
};

// What a front's solved pivots add to the rows below them, which is most of a large front: by many
// blocks. Block.y: a piece of the rows, and the channel.
struct ForwardBelow {
    static constexpr int kMost = 256;
    static constexpr int kAtOnce = 1;
    static constexpr int kRows = 32, kGroups = 8;  // groups of pivots, summed up in the end
    static constexpr int kSharedSize = kRows * kGroups;

    Fronts at;
    Sides sides;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        const DeviceFront front = at.of(block);
        const auto channels = static_cast<int>(sides.channels);
        const std::int64_t first = std::int64_t{block.y / channels} * kRows;
        if (first >= front.boundary) return;
        double* t = sides.of(front, block.y % channels);
        const double* columns = at.factor + front.factor;
        block.each(kRows * kGroups, [&](std::int64_t e) {
            const std::int64_t r = front.pivots + first + e % kRows;
            double sum = 0.0;
            if (r < front.ground()) {
#pragma unroll 8
                for (std::int64_t c = e / kRows; c < front.pivots; c += kGroups) {
                    sum += columns[r + c * front.rows()] * t[c];
                }
            }
            block.shared[e] = sum;
        });
        block.sync();
        block.each(kRows, [&](std::int64_t i) {
            const std::int64_t r = front.pivots + first + i;
            if (r >= front.ground()) return;
            double sum = 0.0;
            for (int g = 0; g < kGroups; ++g) sum += block.shared[g * kRows + i];
            t[r] += sum;
        });
    }
};

// What the values below a large front's pivots add to these. Block.y: a piece of the pivots, and
// the channel.
struct BackwardBelow {
    static constexpr int kMost = 256;
    static constexpr int kAtOnce = 1;
    static constexpr int kColumns = 8, kLanes = 32;
    static constexpr int kSharedSize = kColumns * kLanes;

    Fronts at;
    Sides sides;
    const double* x;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        const DeviceFront front = at.of(block);
        const auto channels = static_cast<int>(sides.channels);
        const std::int64_t first = std::int64_t{block.y / channels} * kColumns;
        if (first >= front.pivots) return;
        const int channel = block.y % channels;
        const std::int32_t* boundary = sides.boundary_pixel + front.index;
        block.each(kColumns * kLanes, [&](std::int64_t e) {
            const std::int64_t c = first + e / kLanes;
            double sum = 0.0;
            if (c < front.pivots) {
                const double* column = at.factor + front.factor + c * front.rows() + front.pivots;
#pragma unroll 8
                for (std::int64_t i = e % kLanes; i < front.boundary; i += kLanes) {
                    sum += column[i] * x[boundary[i] * sides.channels + channel];
                }
            }
            block.shared[e] = sum;
        });
        block.sync();
        block.each(kColumns, [&](std::int64_t i) {
            if (first + i >= front.pivots) return;
            double sum = 0.0;
            for (int lane = 0; lane < kLanes; ++lane) sum += block.shared[i * kLanes + lane];
            sides.of(front, channel)[first + i] += sum;
        });
    }
};

struct Backward {
    static constexpr int kMost = 1024;
    static constexpr int kAtOnce = 1;
    static constexpr int kLanes = 32;
    static constexpr int kSharedSize = kTile * (kLanes + 1) + kTile + kTile * kWide;

    Fronts at;
    Sides sides;
    double* x;   // (pixels, channels)
    bool split;  // BackwardBelow has done the rows below the pivots

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        const DeviceFront front = at.of(block);
        double* t = sides.of(front, block.y);
        const std::int32_t* boundary = sides.boundary_pixel + front.index;
        const std::int64_t end = split ? front.pivots : front.ground();
        block.each(end - front.pivots, [&](std::int64_t i) {
            t[front.pivots + i] = x[boundary[i] * sides.channels + block.y];
        });
        double* parts = block.shared;
        double* held = parts + kTile * (kLanes + 1);
        double* inverse = held + kTile;
        for (std::int32_t p = front.panels() - 1; p >= 0; --p) {
            const std::int64_t c0 = std::int64_t{p} * kTile;
            const int width =
                static_cast<int>(front.pivots - c0 < kTile ? front.pivots - c0 : kTile);
            const double* columns = at.factor + front.factor + c0 * front.rows();
            block.sync();
            stage(block, at.inverse + front.inverse + c0 * kTile, width, inverse);
            block.each(kTile * kLanes, [&](std::int64_t e) {
                const int lane = static_cast<int>(e % kLanes), k = static_cast<int>(e / kLanes);
                double sum = 0.0;
                if (k < width) {
                    const double* column = columns + std::int64_t{k} * front.rows();
#pragma unroll 8
                    for (std::int64_t r = c0 + width + lane; r < end; r += kLanes) {
                        sum += column[r] * t[r];
                    }
                }
                parts[k * (kLanes + 1) + lane] = sum;
            });
            block.sync();
            block.each(width, [&](std::int64_t k) {
                double sum = t[c0 + k];
                for (int lane = 0; lane < kLanes; ++lane) sum += parts[k * (kLanes + 1) + lane];
                held[k] = sum;
            });
            block.sync();
            block.each(width, [&](std::int64_t k) {
                double sum = 0.0;
                for (int m = static_cast<int>(k); m < width; ++m) {
                    sum += inverse[k * kWide + m] * held[m];
                }
                t[c0 + k] = sum;
                x[sides.pixel_at[front.first + c0 + k] * sides.channels + block.y] = sum;
            });
        }
    }
};

}  // namespace colordeploy::propagation::cuda
