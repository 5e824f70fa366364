// The kernels themselves. Included by one file for each instruction set, which defines
// COLORDEPLOY_KERNELS (the name of its namespace), COLORDEPLOY_TILE_BLOCKS and
// COLORDEPLOY_TILE_COLUMNS (the register tile) and COLORDEPLOY_ROW_BLOCKS. Nothing here may call an
// inline function of a header: the linker could keep the copy with the wrong instructions.
// FrontShape's members are constexpr arithmetic that is always inlined away, hence read once into
// Shape.

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "kernels.hpp"

namespace colordeploy::propagation {
namespace COLORDEPLOY_KERNELS {
namespace {

using Index = std::ptrdiff_t;
typedef double Vector __attribute__((vector_size(kRows * sizeof(double))));
typedef double Unaligned
    __attribute__((vector_size(kRows * sizeof(double)), aligned(alignof(double)), may_alias));
typedef std::int64_t Integers __attribute__((vector_size(kRows * sizeof(double))));

#define COLORDEPLOY_INLINE __attribute__((always_inline)) static inline

COLORDEPLOY_INLINE Vector load(const double* a) { return *reinterpret_cast<const Unaligned*>(a); }
COLORDEPLOY_INLINE void store(double* a, Vector v) { *reinterpret_cast<Unaligned*>(a) = v; }
COLORDEPLOY_INLINE Index smaller(Index a, Index b) { return a < b ? a : b; }

COLORDEPLOY_INLINE double total(Vector v) {
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

// c (Blocks * kRows rows, Columns columns, column-major) (+)= sum over `depth` of a b^T; a and b
// packed, the blocks of a `stride` apart.
template <int Blocks, int Columns, bool Add>
COLORDEPLOY_INLINE void tile(double* c, Index ldc, const double* a, Index stride, const double* b,
                             Index depth) {
    Vector sum[Columns][Blocks];
    for (int j = 0; j < Columns; ++j) {
        for (int m = 0; m < Blocks; ++m) {
            sum[j][m] = Add ? load(c + j * ldc + m * kRows) : Vector{};
        }
    }
    for (Index k = 0; k < depth; ++k) {
        Vector left[Blocks];
        for (int m = 0; m < Blocks; ++m) left[m] = load(a + m * stride + k * kRows);
        for (int j = 0; j < Columns; ++j) {
            const double right = b[k * kRows + j];
            for (int m = 0; m < Blocks; ++m) sum[j][m] += left[m] * right;
        }
    }
    for (int j = 0; j < Columns; ++j) {
        for (int m = 0; m < Blocks; ++m) store(c + j * ldc + m * kRows, sum[j][m]);
    }
}

// All kRows columns of one block of b.
template <int Blocks, bool Add>
COLORDEPLOY_INLINE void tiles(double* c, Index ldc, const double* a, Index stride, const double* b,
                              Index depth) {
    for (Index j = 0; j < kRows; j += COLORDEPLOY_TILE_COLUMNS) {
        tile<Blocks, COLORDEPLOY_TILE_COLUMNS, Add>(c + j * ldc, ldc, a, stride, b + j, depth);
    }
}

template <bool Add>
COLORDEPLOY_INLINE void rows_of_tiles(Index blocks, double* c, Index ldc, const double* a,
                                      Index stride, const double* b, Index depth) {
    Index m = 0;
    for (; m + COLORDEPLOY_TILE_BLOCKS <= blocks; m += COLORDEPLOY_TILE_BLOCKS) {
        tiles<COLORDEPLOY_TILE_BLOCKS, Add>(c + m * kRows, ldc, a + m * stride, stride, b, depth);
    }
    for (; m < blocks; ++m) {
        tiles<1, Add>(c + m * kRows, ldc, a + m * stride, stride, b, depth);
    }
}

constexpr Index kDepth = 128;  // depth of a tile's operands: they stay in the nearest cache

void gather(const FrontData& front, Index c0, Index c1, Index block_begin, Index block_end,
            double* sums) {
    const Index ld = front.shape.rows(), pivots = front.shape.pivots;
    const Index stride = pivots * kRows;
    for (Index k = 0; k < c0; k += kDepth) {
        const Index depth = smaller(kDepth, c0 - k);
        for (Index m = block_begin; m < block_end; m += COLORDEPLOY_TILE_BLOCKS) {
            const Index blocks = smaller(COLORDEPLOY_TILE_BLOCKS, block_end - m);
            for (Index c = c0; c < c1; c += kRows) {
                rows_of_tiles<true>(blocks, front.work + m * kRows + c * ld, ld,
                                    front.packed + m * stride + k * kRows, stride,
                                    front.packed + (c / kRows) * stride + k * kRows, depth);
            }
        }
    }
    for (Index c = c0; c < c1; ++c) {
        Vector sum = {};
        const double* column = front.work + c * ld;
        for (Index m = block_begin; m < block_end; ++m) sum += load(column + m * kRows);
        sums[c - c0] = total(sum);
    }
}

// x := `Blocks` blocks of rows, columns j .. j + kRows, with what the columns c0 .. j add to them.
template <int Blocks>
COLORDEPLOY_INLINE void load_blocks(const FrontData& front, Index c0, Index j, Index block,
                                    Vector (*x)[kRows]) {
    const Index ld = front.shape.rows(), stride = front.shape.pivots * kRows;
    for (int b = 0; b < Blocks; ++b) {
        const double* source = front.work + (block + b) * kRows + j * ld;
        for (int m = 0; m < kRows; ++m) x[b][m] = load(source + m * ld);
    }
    const double* left = front.packed + block * stride;
    const double* right = front.packed + (j / kRows) * stride;
    for (Index k = c0; k < j; ++k) {
        Vector a[Blocks];
        for (int b = 0; b < Blocks; ++b) a[b] = load(left + b * stride + k * kRows);
        for (int m = 0; m < kRows; ++m) {
            const double factor = right[k * kRows + m];
            for (int b = 0; b < Blocks; ++b) x[b][m] += a[b] * factor;
        }
    }
}

// x := x D^-T with the packed pivot block D (its diagonal holds reciprocals), width columns.
template <int Blocks>
COLORDEPLOY_INLINE void solve_blocks(const double* d, Index width, Vector (*x)[kRows]) {
    if (width == kRows) {
        for (int m = 0; m < kRows; ++m) {
            for (int b = 0; b < Blocks; ++b) x[b][m] *= d[m * kRows + m];
            for (int n = m + 1; n < kRows; ++n) {
                for (int b = 0; b < Blocks; ++b) x[b][n] += x[b][m] * d[m * kRows + n];
            }
        }
    } else {
        for (Index m = 0; m < width; ++m) {
            for (int b = 0; b < Blocks; ++b) x[b][m] *= d[m * kRows + m];
            for (Index n = m + 1; n < width; ++n) {
                for (int b = 0; b < Blocks; ++b) x[b][n] += x[b][m] * d[m * kRows + n];
            }
        }
    }
}

COLORDEPLOY_INLINE void store_block(double* target, Index width, const Vector* x) {
    for (Index m = 0; m < width; ++m) store(target + m * kRows, x[m]);
}

Index eliminate(const FrontData& front, Index c0, Index c1, double* tail) {
    const Index stride = front.shape.pivots * kRows;
    const Index last = (c1 + kRows - 1) / kRows;
    for (Index j = c0; j < c1; j += kRows) {
        const Index width = smaller(kRows, c1 - j), own = j / kRows;
        double* d = front.packed + own * stride + j * kRows;
        double sum[kRows] = {};
        // Rows of later blocks keep their sums here until the pivots are known.
        for (Index block = own; block < last; ++block) {
            Vector x[1][kRows];
            load_blocks<1>(front, c0, j, block, x);
            if (block > own) {
                for (Index m = 0; m < width; ++m) sum[m] += total(x[0][m]);
            }
            store_block(front.packed + block * stride + j * kRows, width, x[0]);
        }
        double* ends = tail + (j - c0);
        const double* right = front.packed + own * stride;
        for (Index k = c0; k < j; ++k) {
            for (Index m = 0; m < width; ++m) ends[m] += tail[k - c0] * right[k * kRows + m];
        }
        for (Index m = 0; m < width; ++m) sum[m] += ends[m];
        for (Index k = 0; k < width; ++k) {
            double* column = d + k * kRows;
            double pivot = sum[k];
            for (Index i = k + 1; i < width; ++i) pivot += column[i];
            if (!(pivot > 0.0 && pivot <= 1.7976931348623157e308)) return j + k;
            const double scale = 1.0 / __builtin_sqrt(pivot);
            for (Index i = 0; i < k; ++i) column[i] = 0.0;
            column[k] = scale;
            for (Index i = k + 1; i < width; ++i) column[i] *= scale;
            sum[k] *= scale;
            ends[k] *= scale;
            for (Index m = k + 1; m < width; ++m) {
                const double factor = column[m];
                for (Index i = m + 1; i < width; ++i) d[m * kRows + i] += column[i] * factor;
                sum[m] += sum[k] * factor;
                ends[m] += ends[k] * factor;
            }
        }
        for (Index block = own + 1; block < last; ++block) {
            double* target = front.packed + block * stride + j * kRows;
            Vector x[1][kRows];
            for (Index m = 0; m < width; ++m) x[0][m] = load(target + m * kRows);
            solve_blocks<1>(d, width, x);
            store_block(target, width, x[0]);
        }
    }
    return -1;
}

template <int Blocks>
COLORDEPLOY_INLINE void solve_some_rows(const FrontData& front, Index c0, Index c1, Index block) {
    const Index stride = front.shape.pivots * kRows;
    for (Index j = c0; j < c1; j += kRows) {
        const Index width = smaller(kRows, c1 - j);
        Vector x[Blocks][kRows];
        load_blocks<Blocks>(front, c0, j, block, x);
        solve_blocks<Blocks>(front.packed + (j / kRows) * stride + j * kRows, width, x);
        for (int b = 0; b < Blocks; ++b) {
            store_block(front.packed + (block + b) * stride + j * kRows, width, x[b]);
        }
    }
}

void solve_rows(const FrontData& front, Index c0, Index c1, Index block_begin, Index block_end) {
    Index block = block_begin;
    for (; block + COLORDEPLOY_ROW_BLOCKS <= block_end; block += COLORDEPLOY_ROW_BLOCKS) {
        solve_some_rows<COLORDEPLOY_ROW_BLOCKS>(front, c0, c1, block);
    }
    for (; block < block_end; ++block) solve_some_rows<1>(front, c0, c1, block);
}

void update(const FrontShape& shape, const double* packed, double* target, Index begin, Index end) {
    const Index pivots = shape.pivots, boundary = shape.boundary, ld = shape.update_rows();
    const Index stride = pivots * kRows;
    const double* below = packed + shape.pivot_blocks() * stride;
    for (Index k = 0; k == 0 || k < pivots; k += kDepth) {
        const Index depth = smaller(kDepth, pivots - k);
        for (Index m = begin; m < end; m += COLORDEPLOY_TILE_BLOCKS) {
            const Index blocks = smaller(COLORDEPLOY_TILE_BLOCKS, end - m);
            const double* left = below + m * stride + k * kRows;
            const Index columns = smaller((m + blocks) * kRows, boundary);
            for (Index c = 0; c < columns; c += kRows) {
                double* corner = target + m * kRows + c * ld;
                const double* right = below + (c / kRows) * stride + k * kRows;
                if (k == 0) {
                    rows_of_tiles<false>(blocks, corner, ld, left, stride, right, depth);
                } else {
                    rows_of_tiles<true>(blocks, corner, ld, left, stride, right, depth);
                }
            }
        }
    }
}

COLORDEPLOY_INLINE void add(double* target, const double* source, Index n) {
    for (; n >= kRows; n -= kRows, target += kRows, source += kRows) {
        store(target, load(target) + load(source));
    }
#ifdef __AVX512F__
    // Most runs are shorter than a vector.
    const auto mask = static_cast<__mmask8>((1 << n) - 1);
    _mm512_mask_storeu_pd(
        target, mask,
        _mm512_add_pd(_mm512_maskz_loadu_pd(mask, target), _mm512_maskz_loadu_pd(mask, source)));
#else
    for (Index i = 0; i < n; ++i) target[i] += source[i];
#endif
}

void extend_add(const Run* runs, Index count, const double* source, Index boundary, Index begin,
                Index end, double* target, Index ld, Index ground) {
    const Index source_ld = padded(boundary + 1);
    for (Index r = 0; r < count; ++r) {
        const Run& own = runs[r];
        const Index last = smaller(own.from + own.length, end);
        for (Index c = own.from < begin ? begin : own.from; c < last; ++c) {
            const double* from = source + c * source_ld;
            const Index column = own.to + (c - own.from);
            double* to = target + column * ld;
            add(to + column + 1, from + c + 1, own.from + own.length - c - 1);
            for (Index later = r + 1; later < count; ++later) {
                add(to + runs[later].to, from + runs[later].from, runs[later].length);
            }
            to[ground] += from[boundary];
        }
    }
}

// sum over k of a row block's columns times t, for Channels planes of t.
template <int Channels>
COLORDEPLOY_INLINE void product(const double* block, Index depth, const double* t, Index plane,
                                Vector* result) {
    Vector odd[Channels] = {};
    Index k = 0;
    for (; k + 2 <= depth; k += 2) {
        const Vector a = load(block + k * kRows), b = load(block + (k + 1) * kRows);
        for (int c = 0; c < Channels; ++c) {
            result[c] += a * t[c * plane + k];
            odd[c] += b * t[c * plane + k + 1];
        }
    }
    if (k < depth) {
        const Vector a = load(block + k * kRows);
        for (int c = 0; c < Channels; ++c) result[c] += a * t[c * plane + k];
    }
    for (int c = 0; c < Channels; ++c) result[c] += odd[c];
}

template <int Channels>
void forward_channels(const FrontShape& shape, const double* packed, double* t, Index plane) {
    const Index pivots = shape.pivots, stride = pivots * kRows;
    const Index own = shape.pivot_blocks(), blocks = shape.blocks();
    for (Index block = 0; block < own; ++block) {
        const double* row = packed + block * stride;
        const Index first = block * kRows;
        Vector x[Channels];
        for (int c = 0; c < Channels; ++c) x[c] = load(t + c * plane + first);
        product<Channels>(row, first, t, plane, x);
        for (Index m = 0; m < smaller(kRows, pivots - first); ++m) {
            const double* column = row + (first + m) * kRows;
            const double scale = column[m];
            const Vector a = load(column);
            for (int c = 0; c < Channels; ++c) {
                const double value = x[c][m] * scale;
                x[c] += a * value;
                t[c * plane + first + m] = value;
            }
        }
    }
    for (Index block = own; block < blocks; ++block) {
        Vector x[Channels];
        for (int c = 0; c < Channels; ++c) x[c] = load(t + c * plane + block * kRows);
        product<Channels>(packed + block * stride, pivots, t, plane, x);
        for (int c = 0; c < Channels; ++c) store(t + c * plane + block * kRows, x[c]);
    }
}

template <int Channels>
void backward_channels(const FrontShape& shape, const double* packed, double* t, Index plane) {
    const Index pivots = shape.pivots, stride = pivots * kRows, blocks = shape.blocks();
    for (Index own = shape.pivot_blocks() - 1; own >= 0; --own) {
        const Index first = own * kRows, width = smaller(kRows, pivots - first);
        double sum[kRows][Channels];
        constexpr int kGroup = 4;  // columns whose sums are in registers at a time
        for (Index m = 0; m < kRows; m += kGroup) {
            Vector s[kGroup][Channels] = {};
            if (m + kGroup <= width) {
                for (Index block = own + 1; block < blocks; ++block) {
                    const double* a = packed + block * stride + (first + m) * kRows;
                    for (int c = 0; c < Channels; ++c) {
                        const Vector x = load(t + c * plane + block * kRows);
                        for (int g = 0; g < kGroup; ++g) s[g][c] += load(a + g * kRows) * x;
                    }
                }
            } else if (m < width) {
                for (Index block = own + 1; block < blocks; ++block) {
                    const double* a = packed + block * stride + (first + m) * kRows;
                    for (int c = 0; c < Channels; ++c) {
                        const Vector x = load(t + c * plane + block * kRows);
                        for (Index g = 0; g < width - m; ++g) s[g][c] += load(a + g * kRows) * x;
                    }
                }
            }
            for (int g = 0; g < kGroup; ++g) {
                for (int c = 0; c < Channels; ++c) sum[m + g][c] = total(s[g][c]);
            }
        }
        const double* d = packed + own * stride + first * kRows;
        for (int c = 0; c < Channels; ++c) {
            double* x = t + c * plane + first;
            for (Index m = width - 1; m >= 0; --m) {
                double below = sum[m][c];
                for (Index i = m + 1; i < width; ++i) below += d[m * kRows + i] * x[i];
                x[m] = (x[m] + below) * d[m * kRows + m];
            }
        }
    }
}

void forward(const FrontShape& shape, const double* packed, double* t, Index plane,
             Index channels) {
    for (; channels >= 2; channels -= 2, t += 2 * plane) {
        forward_channels<2>(shape, packed, t, plane);
    }
    if (channels > 0) forward_channels<1>(shape, packed, t, plane);
}

void backward(const FrontShape& shape, const double* packed, double* t, Index plane,
              Index channels) {
    for (; channels >= 2; channels -= 2, t += 2 * plane) {
        backward_channels<2>(shape, packed, t, plane);
    }
    if (channels > 0) backward_channels<1>(shape, packed, t, plane);
}

// exp(-x / 2) for x >= 0, to about two units in the last place; 0 below the smallest normal number.
COLORDEPLOY_INLINE Vector gaussian_of(Vector distance) {
    const Vector x = distance * -0.5;
    const Vector limited = x > -708.0 ? x : Vector{} - 708.0;
    // exp(x) = 2^n exp(r), |r| <= ln(2) / 2; adding 1.5 * 2^52 rounds to an integer.
    const double shift = 6755399441055744.0;
    const Vector shifted = limited * 1.4426950408889634 + shift;
    const Vector n = shifted - shift;
    const Vector r = (limited - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
    constexpr double kFactors[] = {1.0 / 6227020800.0,
                                   1.0 / 479001600.0,
                                   1.0 / 39916800.0,
                                   1.0 / 3628800.0,
                                   1.0 / 362880.0,
                                   1.0 / 40320.0,
                                   1.0 / 5040.0,
                                   1.0 / 720.0,
                                   1.0 / 120.0,
                                   1.0 / 24.0,
                                   1.0 / 6.0,
                                   0.5,
                                   1.0,
                                   1.0};
    Vector p = Vector{} + kFactors[0];
    for (std::size_t i = 1; i < sizeof(kFactors) / sizeof(*kFactors); ++i) p = p * r + kFactors[i];
    const Integers exponent = (Integers)shifted - (Integers)(Vector{} + shift) + 1023;
    const Vector result = p * (Vector)(exponent << 52);
    return x > -708.0 ? result : Vector{};
}

void gaussian(double* out, Index n) {
    Index i = 0;
    for (; i + kRows <= n; i += kRows) store(out + i, gaussian_of(load(out + i)));
    if (i < n) {
        Vector x = {};
        for (Index m = 0; i + m < n; ++m) x[m] = out[i + m];
        x = gaussian_of(x);
        for (Index m = 0; i + m < n; ++m) out[i + m] = x[m];
    }
}

void distances(const double* a, const double* b, Index stride, Index channels, Index n,
               double inverse_sigma, double* out) {
    Index i = 0;
    for (; i + kRows <= n; i += kRows) {
        Vector sum = {};
        for (Index c = 0; c < channels; ++c) {
            const Vector d = (load(b + c * stride + i) - a[c]) * inverse_sigma;
            sum += d * d;
        }
        store(out + i, sum);
    }
    for (; i < n; ++i) {
        double sum = 0.0;
        for (Index c = 0; c < channels; ++c) {
            const double d = (b[c * stride + i] - a[c]) * inverse_sigma;
            sum += d * d;
        }
        out[i] = sum;
    }
}

void paired_distances(const double* a, const double* b, Index stride, Index channels, Index n,
                      double inverse_sigma, double* out) {
    Index i = 0;
    for (; i + kRows <= n; i += kRows) {
        Vector sum = {};
        for (Index c = 0; c < channels; ++c) {
            const Vector d = (load(b + c * stride + i) - load(a + c * stride + i)) * inverse_sigma;
            sum += d * d;
        }
        store(out + i, sum);
    }
    for (; i < n; ++i) {
        double sum = 0.0;
        for (Index c = 0; c < channels; ++c) {
            const double d = (b[c * stride + i] - a[c * stride + i]) * inverse_sigma;
            sum += d * d;
        }
        out[i] = sum;
    }
}

}  // namespace

extern const Kernels table;
const Kernels table = {COLORDEPLOY_KERNELS_NAME,
                       gather,
                       eliminate,
                       solve_rows,
                       update,
                       extend_add,
                       forward,
                       backward,
                       gaussian,
                       distances,
                       paired_distances};

}  // namespace COLORDEPLOY_KERNELS
}  // namespace colordeploy::propagation
