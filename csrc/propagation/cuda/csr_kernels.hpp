// The system as a sparse matrix: the upper triangle by rows, columns ascending.
#pragma once

#include "directions.hpp"
#include "factorization.hpp"
#include "launch.hpp"

namespace colordeploy::propagation::cuda {

// What the kernels that fill a matrix look at.
struct MatrixRows {
    std::int64_t height, width, step;  // step: of the global points, 0 for none
    const std::int32_t* begin;         // of each row
    const std::int32_t* columns;
    const std::uint8_t* mask;
    Weights weights;
    double* values;

    COLORDEPLOY_DEVICE std::int64_t pixels() const { return height * width; }
    COLORDEPLOY_DEVICE bool inside(std::int64_t y, std::int64_t x) const {
        return y >= 0 && y < height && x >= 0 && x < width;
    }
    COLORDEPLOY_DEVICE bool is_global(std::int64_t y, std::int64_t x) const {
        return step > 0 && y % step == step / 2 && x % step == step / 2;
    }
    // Of the edge that leads from a pixel in direction d (../graph.hpp): 0 where there is none.
    COLORDEPLOY_DEVICE double edge(std::int64_t y, std::int64_t x, int d) const {
        const std::int64_t y2 = y + dy_of(d), x2 = x + dx_of(d);
        if (!inside(y, x) || !inside(y2, x2)) return 0.0;
        return weights.alpha * weights.local[d * pixels() + y * width + x] + weights.phi;
    }
    COLORDEPLOY_DEVICE double clique_edge(std::int64_t i, std::int64_t j) const {
        const std::int64_t high = i > j ? i : j, low = i > j ? j : i;
        return weights.alpha * weights.global[high * (high - 1) / 2 + low];
    }
    // Mark and 8-neighbour edges on the diagonal.
    COLORDEPLOY_DEVICE double diagonal(std::int64_t y, std::int64_t x) const {
        double sum = mask[y * width + x] ? 1.0 : weights.screening;
        for (int d = 0; d < 4; ++d) {
            sum += edge(y, x, d) + edge(y - dy_of(d), x - dx_of(d), d);
        }
        return sum;
    }
};

// Rows of pixels that are no global points. Block.x: a piece of the pixels.
struct FillLocalRows {
    static constexpr int kMost = 256;
    static constexpr int kAtOnce = 1;
    static constexpr int kPiece = 256;

    MatrixRows rows;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        block.each(kPiece, [&](std::int64_t i) {
            const std::int64_t pixel = block.x * kPiece + i;
            if (pixel >= rows.pixels()) return;
            const std::int64_t y = pixel / rows.width, x = pixel - y * rows.width;
            if (rows.is_global(y, x)) return;
            double* target = rows.values + rows.begin[pixel];
            *target++ = rows.diagonal(y, x);
            for (int d = 0; d < 4; ++d) {  // kDirections: columns ascend
                if (rows.inside(y + dy_of(d), x + dx_of(d))) {
                    *target++ = -rows.edge(y, x, d);
                }
            }
        });
    }
};

// Rows of global points, whose neighbours and other global points are mixed. Block.x: the point.
struct FillGlobalRows {
    static constexpr int kMost = 128;
    static constexpr int kAtOnce = 1;
    static constexpr int kSharedSize = kMost;

    MatrixRows rows;
    const std::int32_t* points;
    std::int64_t count;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        const std::int64_t pixel = points[block.x];
        const std::int64_t y = pixel / rows.width, x = pixel - y * rows.width;
        const std::int64_t begin = rows.begin[pixel], end = rows.begin[pixel + 1];
        const std::int64_t along = (rows.width - rows.step / 2 - 1) / rows.step + 1;
        block.each(end - begin - 1, [&](std::int64_t i) {
            const std::int64_t other = rows.columns[begin + 1 + i];
            const std::int64_t y2 = other / rows.width, x2 = other - y2 * rows.width;
            double value = 0.0;
            for (int d = 0; d < 4; ++d) {
                if (y2 - y == dy_of(d) && x2 - x == dx_of(d)) {
                    value = rows.edge(y, x, d);
                }
            }
            if (rows.is_global(y2, x2)) {
                value += rows.clique_edge(block.x, y2 / rows.step * along + x2 / rows.step);
            }
            rows.values[begin + 1 + i] = -value;
        });
        double sum = 0.0;
        block.each(count, [&](std::int64_t j) {
            if (j != block.x) sum += rows.clique_edge(block.x, j);
        });
        const double total = sum_of_block(block, sum, block.shared);
        if (block.thread == 0) rows.values[begin] = rows.diagonal(y, x) + total;
    }
};

// (pixels, channels) to columns, where `mask` (null: everywhere) counts. Block.x: a piece.
struct ToColumns {
    static constexpr int kMost = 256;
    static constexpr int kAtOnce = 1;
    static constexpr int kPiece = 1024;

    const double* source;
    double* target;
    const std::uint8_t* mask;
    std::int64_t pixels, channels;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        block.each(kPiece, [&](std::int64_t i) {
            const std::int64_t at = block.x * kPiece + i;
            if (at >= pixels * channels) return;
            const std::int64_t pixel = at % pixels, channel = at / pixels;
            const bool counts = mask == nullptr || mask[pixel];
            target[at] = counts ? source[pixel * channels + channel] : 0.0;
        });
    }
};

// Columns to (pixels, channels). Block.x: a piece.
struct FromColumns {
    static constexpr int kMost = 256;
    static constexpr int kAtOnce = 1;
    static constexpr int kPiece = 1024;

    const double* source;
    double* target;
    std::int64_t pixels, channels;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        block.each(kPiece, [&](std::int64_t i) {
            const std::int64_t at = block.x * kPiece + i;
            if (at < pixels * channels) {
                target[at] = source[at % channels * pixels + at / channels];
            }
        });
    }
};

// Notes whether a pixel's mark has changed. Block.x: a piece of the pixels.
struct FindChange {
    static constexpr int kMost = 256;
    static constexpr int kAtOnce = 1;
    static constexpr int kPiece = 4096;

    const std::uint8_t* before;
    const std::uint8_t* now;
    std::int64_t pixels;
    int* found;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        block.each(kPiece, [&](std::int64_t i) {
            const std::int64_t pixel = block.x * kPiece + i;
            if (pixel < pixels && (before[pixel] != 0) != (now[pixel] != 0)) mark(found);
        });
    }
};

}  // namespace colordeploy::propagation::cuda
