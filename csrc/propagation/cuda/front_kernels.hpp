// Elimination of the fronts of one depth, see ../elimination.hpp for the method: the same sums of
// non-negative terms, so the same accuracy, in another order.
#pragma once

#include <cmath>

#include "assembly_kernels.hpp"

namespace colordeploy::propagation::cuda {

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
    PanelSums sums;
    int* failed;  // unknowns from the first whose pivot is not a positive number to the last
    int unknowns;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        if (at.leaves_out(block)) return;
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
        // The first panel's are whole; UpdateRest leaves one part for each of its rows of tiles.
        const std::int64_t count = panel == 0 ? 1 : (front.rows() - c0 + kSide - 1) / kSide;
        block.each(kTile, [&](std::int64_t k) {
            double sum = 0.0;
            for (std::int64_t part = 0; k < width && part < count; ++part) {
                sum += sums.of(block, part)[k];
            }
            ends[k] = sum;
        });
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
                    atomic_max(failed, unknowns - static_cast<int>(front.first + c0 + k));
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

// Adds the product of a panel's columns with themselves to all that is right of and below it, and
// sums the columns of the next panel below its rows.
// Block.y: a tile of kSide x kSide entries of the lower triangle, row by row of tiles.
struct UpdateRest {
    static constexpr int kMost = 256;
    static constexpr int kAtOnce = 2;                      // registers for two
    static constexpr int kOwn = 4, kAlong = kSide / kOwn;  // a thread has kOwn * kOwn entries
    static constexpr int kSharedSize = 2 * kTile * kSide + kTile * (kAlong + 1);

    Fronts at;
    int panel;
    PanelSums sums;

    static COLORDEPLOY_BOTH std::int64_t tiles(std::int64_t rows) {
        const std::int64_t along = (rows + kSide - 1) / kSide;
        return along * (along + 1) / 2;
    }

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        if (at.leaves_out(block)) return;
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
        // The next panel is in the first column of tiles.
        const bool sums_up = across == 0 && begin < front.pivots;
        const std::int64_t rest = front.pivots - begin;
        const std::int64_t end = begin + (rest < kTile ? rest : kTile);
        double* partial = right + kTile * kSide;
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
            if (!sums_up) return;
#pragma unroll
            for (int n = 0; n < kTile / kAlong; ++n) {
                double below = 0.0;
#pragma unroll
                for (int m = 0; m < kOwn; ++m) {
                    if (r0 + tx + m * kAlong >= end) below += sum[n][m];
                }
                partial[(ty + n * kAlong) * (kAlong + 1) + tx] = below;
            }
        });
        if (!sums_up) return;
        block.sync();
        double* target = sums.of(block, down);
        block.each(kTile, [&](std::int64_t k) {
            double sum = 0.0;
            for (int x = 0; x < kAlong; ++x) sum += partial[k * (kAlong + 1) + x];
            target[k] = sum;
        });
    }
};

}  // namespace colordeploy::propagation::cuda
