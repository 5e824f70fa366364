// Assembly and elimination of the fronts of one depth, see ../elimination.hpp for the method: the
// same sums of non-negative terms, so the same accuracy, in another order.
#pragma once

#include <cmath>

#include "device_plan.hpp"
#include "launch.hpp"

namespace colordeploy::propagation::cuda {

// What all of these kernels look at. Block.x is the front's place in the list.
struct Fronts {
    const DeviceFront* fronts;
    const std::int32_t* list;
    const std::int32_t* to_parent;
    double* factor;
    double* update;
    double* inverse;

    COLORDEPLOY_DEVICE DeviceFront of(const Block& block) const { return fronts[list[block.x]]; }
    COLORDEPLOY_DEVICE double* entry(const DeviceFront& front, std::int64_t r,
                                     std::int64_t c) const {
        if (c < front.pivots) return factor + front.factor + r + c * front.rows();
        return update + front.update + (r - front.pivots) +
               (c - front.pivots) * (std::int64_t{front.boundary} + 1);
    }
};

// Sets both parts of every front to zero.
struct Clear {
    static constexpr int kMost = 128;
    static constexpr int kAtOnce = 1;
    Fronts at;
    int pieces;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        const DeviceFront front = at.of(block);
        double* columns = at.factor + front.factor;
        double* above = at.update + front.update;
        const std::int64_t own = std::int64_t{front.rows()} * front.pivots;
        const std::int64_t up = (std::int64_t{front.boundary} + 1) * front.boundary;
        const std::int64_t step = std::int64_t{pieces} * block.threads;
        for (std::int64_t i = block.y * block.threads + block.thread; i < own || i < up;
             i += step) {
            if (i < own) columns[i] = 0.0;
            if (i < up) above[i] = 0.0;
        }
    }
};

// Weights of a front's own edges, and 1 to the ground for marked pixels.
struct AddEdges {
    static constexpr int kMost = 128;
    static constexpr int kAtOnce = 1;
    Fronts at;
    const FrontEdge* edges;
    const std::int32_t* pixel_at;
    const std::uint8_t* mask;
    const double* local;
    double alpha, phi;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        const DeviceFront front = at.of(block);
        block.each(front.edge_count, [&](std::int64_t i) {
            const FrontEdge edge = edges[front.edges + i];
            *at.entry(front, edge.row, edge.column) = alpha * local[edge.edge] + phi;
        });
        block.each(front.pivots, [&](std::int64_t k) {
            if (mask[pixel_at[front.first + k]]) *at.entry(front, front.ground(), k) = 1.0;
        });
    }
};

// Weights between global points, which are the pivots of the root. Block.y: a column, every
// `pieces`-th.
struct AddClique {
    static constexpr int kMost = 128;
    static constexpr int kAtOnce = 1;
    Fronts at;
    const double* global;
    double alpha;
    int pieces;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        const DeviceFront front = at.of(block);
        for (std::int64_t j = block.y; j < front.pivots; j += pieces) {
            block.each(front.pivots - j - 1, [&](std::int64_t below) {
                const std::int64_t i = j + 1 + below;
                *at.entry(front, i, j) += alpha * global[i * (i - 1) / 2 + j];
            });
        }
    }
};

// Adds one child's update to each front. Two children meet in the same entries: one launch each.
struct AddChild {
    static constexpr int kMost = 128;
    static constexpr int kAtOnce = 1;
    Fronts at;
    int child, pieces;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        const DeviceFront front = at.of(block);
        const std::int32_t id = front.child[child];
        if (id < 0) return;
        const DeviceFront below = at.fronts[id];
        const std::int32_t* to = at.to_parent + below.index;
        const std::int64_t height = std::int64_t{below.boundary} + 1;
        for (std::int64_t j = block.y; j < below.boundary; j += pieces) {
            const double* source = at.update + below.update + j * height;
            block.each(height - j - 1, [&](std::int64_t rest) {
                const std::int64_t i = j + 1 + rest;
                const std::int64_t row = i < below.boundary ? to[i] : front.ground();
                *at.entry(front, row, to[j]) += source[i];
            });
        }
    }
};

// sums[x][k] = sum of column k of the panel over the rows below the panel. Block.y: the column.
struct SumColumns {
    static constexpr int kMost = 128;
    static constexpr int kAtOnce = 1;
    Fronts at;
    int panel;
    double* sums;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        const DeviceFront front = at.of(block);
        const std::int64_t column = std::int64_t{panel} * kTile + block.y;
        if (column >= front.pivots) return;
        const std::int64_t end = (std::int64_t{panel} + 1) * kTile;
        const std::int64_t begin = end < front.pivots ? end : front.pivots;
        const double* values = at.factor + front.factor + column * front.rows();
        double sum = 0.0;
        for (std::int64_t r = begin + block.thread; r < front.rows(); r += block.threads) {
            sum += values[r];
        }
        block.shared[block.thread] = sum;
        for (int count = block.threads; count > 1;) {
            const int half = (count + 1) / 2;
            block.sync();
            if (block.thread + half < count) {
                block.shared[block.thread] += block.shared[block.thread + half];
            }
            count = half;
        }
        if (block.thread == 0) sums[block.x * kTile + block.y] = block.shared[0];
    }
};

// Eliminates a panel's pivots in their own rows (every block does, for itself), then solves for
// `kRowsOfPiece` of the rows below. Block 0 also stores the inverse of the pivots' triangle: with
// it a substitution is a product.
struct EliminatePanel {
    static constexpr int kMost = 128;
    static constexpr int kAtOnce = 3;  // registers for three, or it takes all of them
    static constexpr int kRowsOfPiece = 128;
    static constexpr int kGroups = 4;
    static constexpr int kWidth = kTile + 1;  // of a row in shared memory: other banks below it
    static constexpr int kSharedSize = kTile * kWidth + (kGroups + 2) * kTile;

    Fronts at;
    int panel;
    const double* sums;
    int* failed;  // smallest elimination position whose pivot is not a positive number

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        const DeviceFront front = at.of(block);
        const std::int64_t c0 = std::int64_t{panel} * kTile;
        if (c0 >= front.pivots) return;
        const int width = static_cast<int>(front.pivots - c0 < kTile ? front.pivots - c0 : kTile);
        const std::int64_t below = c0 + width;
        if (block.y > 0 && below + std::int64_t{block.y} * kRowsOfPiece >= front.rows()) return;
        double* d = block.shared;
        eliminate(block, front, c0, width, d);
        double* columns = at.factor + front.factor + c0 * front.rows();
        block.each(kRowsOfPiece, [&](std::int64_t i) {
            const std::int64_t row = below + std::int64_t{block.y} * kRowsOfPiece + i;
            if (row >= front.rows()) return;
            double x[kTile];
            std::int64_t stride = front.rows();
            load(columns + row, stride, width, x);
            solve(d, x);
#pragma unroll
            for (int k = 0; k < kTile; ++k) {
                if (k % 8 == 0) renew(stride);
                if (k < width) columns[row + k * stride] = x[k];
            }
        });
        if (block.y > 0) return;
        double* inverse = at.inverse + front.inverse + std::int64_t{panel} * kTile * kTile;
        block.each(width, [&](std::int64_t i) {
            double x[kTile];
#pragma unroll
            for (int k = 0; k < kTile; ++k) x[k] = k == i ? 1.0 : 0.0;
            solve(d, x);
#pragma unroll
            for (int k = 0; k < kTile; ++k) inverse[i * kTile + k] = x[k];
        });
    }

 private:
    static COLORDEPLOY_DEVICE void load(const double* row, std::int64_t stride, int width,
                                        double* x) {
#pragma unroll
        for (int k = 0; k < kTile; ++k) {
            if (k % 8 == 0) renew(stride);
            x[k] = k < width ? row[k * stride] : 0.0;
        }
    }

    // x := x D^-T; D's diagonal holds reciprocals.
    static COLORDEPLOY_DEVICE void solve(const double* d, double* x) {
        keep_order();
#pragma unroll
        for (int k = 0; k < kTile; ++k) {
            x[k] *= d[k * kWidth + k];
#pragma unroll
            for (int m = k + 1; m < kTile; ++m) x[m] += x[k] * d[m * kWidth + k];
        }
    }

    COLORDEPLOY_DEVICE void eliminate(const Block& block, const DeviceFront& front, std::int64_t c0,
                                      int width, double* d) const {
        double* ends = d + kTile * kWidth;  // of each column: the sum of the rows below
        double* parts = ends + kTile;       // and of its own rows, by groups of rows
        double* pivots = parts + kGroups * kTile;
        const double* panel_rows = at.factor + front.factor + c0 + c0 * front.rows();
        block.each(kTile * kTile, [&](std::int64_t e) {
            const int i = static_cast<int>(e % kTile), k = static_cast<int>(e / kTile);
            const bool inside = i > k && i < width;
            const double value = panel_rows[inside ? i + std::int64_t{k} * front.rows() : 0];
            d[i * kWidth + k] = inside ? value : 0.0;
        });
        block.each(kTile,
                   [&](std::int64_t k) { ends[k] = k < width ? sums[block.x * kTile + k] : 0.0; });
        block.sync();
        block.each(kGroups * kTile, [&](std::int64_t t) {
            const int m = static_cast<int>(t % kTile), g = static_cast<int>(t / kTile);
            double sum = 0.0;
            for (int i = m + 1 + g; i < width; i += kGroups) sum += d[i * kWidth + m];
            parts[g * kTile + m] = sum;
        });
        // Columns stay as they are until the end; a step writes those right of its own only, so it
        // needs one barrier.
        for (int k = 0; k < width; ++k) {
            block.sync();
            double pivot = ends[k];
            for (int g = 0; g < kGroups; ++g) pivot += parts[g * kTile + k];
            if (block.thread == 0) {
                pivots[k] = pivot;
                if (!(pivot > 0.0 && pivot <= 1.7976931348623157e308)) {
                    atomic_min(failed, static_cast<int>(front.first + c0 + k));
                }
            }
            block.each(kGroups * kTile, [&](std::int64_t t) {
                const int m = static_cast<int>(t % kTile), g = static_cast<int>(t / kTile);
                if (m <= k || m >= width) return;
                const double factor = d[m * kWidth + k] / pivot;
                double sum = 0.0;
                for (int i = m + 1 + g; i < width; i += kGroups) {
                    sum += d[i * kWidth + m] += d[i * kWidth + k] * factor;
                }
                parts[g * kTile + m] = sum;
                if (g == 0) ends[m] += ends[k] * factor;
            });
        }
        block.sync();
        block.each(std::int64_t{width} * kTile, [&](std::int64_t e) {
            const int i = static_cast<int>(e % kTile), k = static_cast<int>(e / kTile);
            const double root = std::sqrt(pivots[k]);
            if (i > k) d[i * kWidth + k] /= root;
            if (i == k) d[i * kWidth + k] = 1.0 / root;
        });
        block.sync();
    }
};

// Adds the product of a panel's columns with themselves to all that is right of and below it.
// Block.y: a tile of kSide x kSide entries of the lower triangle, row by row of tiles.
struct UpdateRest {
    static constexpr int kMost = 256;
    static constexpr int kAtOnce = 1;
    static constexpr int kSide = 64;
    static constexpr int kSharedSize = 2 * kTile * kSide;

    Fronts at;
    int panel;

    static COLORDEPLOY_BOTH std::int64_t tiles(std::int64_t rows) {
        const std::int64_t along = (rows + kSide - 1) / kSide;
        return along * (along + 1) / 2;
    }

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        const DeviceFront front = at.of(block);
        const std::int64_t c0 = std::int64_t{panel} * kTile;
        if (c0 >= front.pivots) return;
        const int width = static_cast<int>(front.pivots - c0 < kTile ? front.pivots - c0 : kTile);
        const std::int64_t begin = c0 + width, rows = front.rows();
        if (block.y >= tiles(rows - begin)) return;
        // Tile row: the largest with down * (down + 1) / 2 <= y.
        auto down = static_cast<std::int64_t>((std::sqrt(8.0 * block.y + 1.0) - 1.0) / 2.0);
        if (down * (down + 1) / 2 > block.y) --down;
        if ((down + 1) * (down + 2) / 2 <= block.y) ++down;
        const std::int64_t across = block.y - down * (down + 1) / 2;
        const std::int64_t r0 = begin + down * kSide, q0 = begin + across * kSide;
        double* left = block.shared;
        double* right = left + kTile * kSide;
        const double* columns = at.factor + front.factor + c0 * rows;
        block.each(kTile * kSide, [&](std::int64_t e) {
            const std::int64_t k = e / kSide, i = e % kSide;
            // Clamped, not skipped: so several loads are under way at a time.
            const std::int64_t column = (k < width ? k : 0) * rows;
            const double a = columns[column + (r0 + i < rows ? r0 + i : 0)];
            const double b = columns[column + (q0 + i < rows ? q0 + i : 0)];
            left[e] = k < width && r0 + i < rows ? a : 0.0;
            right[e] = k < width && q0 + i < rows ? b : 0.0;
        });
        block.sync();
        constexpr int kOwn = 4, kAlong = kSide / kOwn;
        block.each(kAlong * kAlong, [&](std::int64_t t) {
            const int tx = static_cast<int>(t % kAlong), ty = static_cast<int>(t / kAlong);
            // Where the entries of a column are, and what is there before.
            double* targets[kOwn];
            double sum[kOwn][kOwn];
#pragma unroll
            for (int n = 0; n < kOwn; ++n) {
                const std::int64_t c = q0 + ty + n * kAlong;
                targets[n] = c < front.ground() ? at.entry(front, 0, c) : nullptr;
#pragma unroll
                for (int m = 0; m < kOwn; ++m) {
                    const std::int64_t r = r0 + tx + m * kAlong;
                    sum[n][m] = targets[n] != nullptr && r > c && r < rows ? targets[n][r] : 0.0;
                }
            }
            for (int k = 0; k < width; ++k) {
                double a[kOwn], b[kOwn];
#pragma unroll
                for (int m = 0; m < kOwn; ++m) {
                    a[m] = left[k * kSide + tx + m * kAlong];
                    b[m] = right[k * kSide + ty + m * kAlong];
                }
#pragma unroll
                for (int n = 0; n < kOwn; ++n) {
#pragma unroll
                    for (int m = 0; m < kOwn; ++m) sum[n][m] += a[m] * b[n];
                }
            }
#pragma unroll
            for (int n = 0; n < kOwn; ++n) {
                const std::int64_t c = q0 + ty + n * kAlong;
#pragma unroll
                for (int m = 0; m < kOwn; ++m) {
                    const std::int64_t r = r0 + tx + m * kAlong;
                    if (targets[n] != nullptr && r > c && r < rows) targets[n][r] = sum[n][m];
                }
            }
        });
    }
};

}  // namespace colordeploy::propagation::cuda
