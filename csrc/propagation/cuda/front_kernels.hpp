// Elimination of the fronts of one depth, see ../elimination.hpp for the method: the same sums of
// non-negative terms, so the same accuracy, in another order.
#pragma once

#include <cmath>

#include "assembly_kernels.hpp"

namespace colordeploy::propagation::cuda {

// Eliminates a panel's pivots in their own rows (every block does, for itself), then solves for
// `kRowsOfPiece` of the rows below. Block 0 stores the inverse of the pivots' triangle instead:
// with it a substitution is a product.
struct EliminatePanel {
    static constexpr int kMost = 128;
    static constexpr int kAtOnce = 3;  // registers for three, or it takes all of them
    static constexpr int kRowsOfPiece = 128;
    static constexpr int kGroups = 4;
    static constexpr int kSub = 8;            // columns that are eliminated at a time
    static constexpr int kWidth = kTile + 1;  // of a row in shared memory: other banks below it
    static constexpr int kSharedSize = (kTile + 1) * kWidth + kGroups * kSub;

    Fronts at;
    int panel;
    PanelSums sums;
    int* failed;  // unknowns from the first whose pivot is not a positive number to the last
    int unknowns;

    static std::int64_t pieces(std::int64_t rows) { return 1 + pieces_of(rows, kRowsOfPiece); }

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        if (at.leaves_out(block)) return;
        const DeviceFront front = at.of(block);
        const std::int64_t c0 = std::int64_t{panel} * kTile;
        if (c0 >= front.pivots) return;
        const int width = static_cast<int>(front.pivots - c0 < kTile ? front.pivots - c0 : kTile);
        const std::int64_t first = c0 + width + (std::int64_t{block.y} - 1) * kRowsOfPiece;
        if (block.y > 0 && first >= front.rows()) return;
        double* d = block.shared;
        eliminate(block, front, c0, width, d);
        if (block.y == 0) {
            double* inverse = at.inverse + front.inverse + std::int64_t{panel} * kTile * kTile;
            block.each(width, [&](std::int64_t i) {
                double x[kTile];
#pragma unroll
                for (int k = 0; k < kTile; ++k) x[k] = k == i ? 1.0 : 0.0;
                solve(d, x);
#pragma unroll
                for (int k = 0; k < kTile; ++k) inverse[i * kTile + k] = x[k];
            });
            return;
        }
        double* columns = at.factor + front.factor + c0 * front.rows();
        block.each(kRowsOfPiece, [&](std::int64_t i) {
            const std::int64_t row = first + i;
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

    // Leaves the factor's triangle in d, with reciprocals on its diagonal. Row kTile of d stands
    // for all rows below the panel: its entries are their sums, and stay so.
    COLORDEPLOY_DEVICE void eliminate(const Block& block, const DeviceFront& front, std::int64_t c0,
                                      int width, double* d) const {
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
            d[kTile * kWidth + k] = sum;
        });
        for (int s = 0; s < width; s += kSub)
            eliminate_columns(block, front.first + c0, width, s, d);
    }

    // Columns s to s + kSub: their own rows by every thread for itself, without waiting; then the
    // rows below, a thread for each; then what these add to the columns behind.
    COLORDEPLOY_DEVICE void eliminate_columns(const Block& block, std::int64_t unknown, int width,
                                              int s, double* d) const {
        double* parts = d + (kTile + 1) * kWidth;
        const int end = s + kSub;
        block.sync();
        block.each(kGroups * kSub, [&](std::int64_t t) {
            const int m = static_cast<int>(t % kSub), g = static_cast<int>(t / kSub);
            double sum = 0.0;
            for (int i = end + g; i <= kTile; i += kGroups) sum += d[i * kWidth + s + m];
            parts[t] = sum;
        });
        block.sync();
        double own[kSub][kSub], below[kSub];  // below the diagonal; the sums of all that is lower
#pragma unroll
        for (int k = 0; k < kSub; ++k) {
            below[k] = 0.0;
#pragma unroll
            for (int g = 0; g < kGroups; ++g) below[k] += parts[g * kSub + k];
#pragma unroll
            for (int i = k + 1; i < kSub; ++i) own[i][k] = d[(s + i) * kWidth + s + k];
        }
#pragma unroll
        for (int k = 0; k < kSub; ++k) {
            double pivot = below[k];
#pragma unroll
            for (int i = k + 1; i < kSub; ++i) pivot += own[i][k];
            if (s + k >= width) pivot = 1.0;
            if (block.thread == 0 && !(pivot > 0.0 && pivot <= 1.7976931348623157e308)) {
                atomic_max(failed, unknowns - static_cast<int>(unknown + s + k));
            }
            // One reciprocal root in the chain from pivot to pivot, and products: divisions where
            // these would leave the range of normal numbers.
            const bool ordinary = pivot > 1e-300 && pivot < 1e300;
            const double scale = reciprocal_root(pivot);
            const double inverse = scale * scale;
#pragma unroll
            for (int m = k + 1; m < kSub; ++m) {
                const double factor = ordinary ? own[m][k] * inverse : own[m][k] / pivot;
                below[m] += below[k] * factor;
#pragma unroll
                for (int i = m + 1; i < kSub; ++i) own[i][m] += own[i][k] * factor;
            }
            own[k][k] = scale;
#pragma unroll
            for (int i = k + 1; i < kSub; ++i) own[i][k] *= scale;
        }
        block.each(kTile + 1 - end, [&](std::int64_t t) {
            double* row = d + (end + t) * kWidth + s;
            double x[kSub];
#pragma unroll
            for (int k = 0; k < kSub; ++k) x[k] = row[k];
#pragma unroll
            for (int k = 0; k < kSub; ++k) {
                x[k] *= own[k][k];
#pragma unroll
                for (int m = k + 1; m < kSub; ++m) x[m] += x[k] * own[m][k];
            }
#pragma unroll
            for (int k = 0; k < kSub; ++k) row[k] = x[k];
        });
        block.sync();
        block.each(kSub, [&](std::int64_t t) {
#pragma unroll
            for (int i = 0; i < kSub; ++i) {
#pragma unroll
                for (int k = 0; k <= i; ++k) {
                    if (i == t) d[(s + i) * kWidth + s + k] = own[i][k];
                }
            }
        });
        block.each(std::int64_t{kTile - end} * (kTile + 1), [&](std::int64_t e) {
            const int i = static_cast<int>(e % (kTile + 1)),
                      m = end + static_cast<int>(e / (kTile + 1));
            if (i <= m) return;
            const double *left = d + i * kWidth + s, *right = d + m * kWidth + s;
            double sum = 0.0;
#pragma unroll
            for (int k = 0; k < kSub; ++k) sum += left[k] * right[k];
            d[i * kWidth + m] += sum;
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
