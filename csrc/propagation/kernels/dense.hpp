// Assembly, elimination and products of dense fronts.
#pragma once

#include "vectors.hpp"

namespace colordeploy::propagation {
namespace COLORDEPLOY_KERNELS {
namespace {

// Blocks and columns of a product that are in registers at a time.
template <typename T>
struct Tile;
template <>
struct Tile<double> {
    static constexpr int kBlocks = COLORDEPLOY_TILE_BLOCKS, kColumns = COLORDEPLOY_TILE_COLUMNS;
};
template <>
struct Tile<float> {
    static constexpr int kBlocks = COLORDEPLOY_FLOAT_BLOCKS, kColumns = COLORDEPLOY_FLOAT_COLUMNS;
};

// c (Blocks * kRows rows, Columns columns, column-major) (+)= sum over `depth` of a b^T; a and b
// packed, the blocks of a `stride` apart.
template <typename T, int Blocks, int Columns, bool Add>
COLORDEPLOY_INLINE void tile(T* c, Index ldc, const T* a, Index stride, const T* b, Index depth) {
    Vector<T> sum[Columns][Blocks];
    for (int j = 0; j < Columns; ++j) {
        for (int m = 0; m < Blocks; ++m) {
            if (!Add) __builtin_prefetch(c + j * ldc + m * kRows, 1);
            sum[j][m] = Add ? load(c + j * ldc + m * kRows) : Vector<T>{};
        }
    }
    for (Index k = 0; k < depth; ++k) {
        Vector<T> left[Blocks];
        for (int m = 0; m < Blocks; ++m) left[m] = load(a + m * stride + k * kRows);
        for (int j = 0; j < Columns; ++j) {
            const T right = b[k * kRows + j];
            for (int m = 0; m < Blocks; ++m) add_product(sum[j][m], left[m], right);
        }
    }
    for (int j = 0; j < Columns; ++j) {
        for (int m = 0; m < Blocks; ++m) store(c + j * ldc + m * kRows, sum[j][m]);
    }
}

// All kRows columns of one block of b.
template <typename T, int Blocks, bool Add>
COLORDEPLOY_INLINE void tiles(T* c, Index ldc, const T* a, Index stride, const T* b, Index depth) {
    for (Index j = 0; j < kRows; j += Tile<T>::kColumns) {
        tile<T, Blocks, Tile<T>::kColumns, Add>(c + j * ldc, ldc, a, stride, b + j, depth);
    }
}

template <typename T, bool Add>
COLORDEPLOY_INLINE void rows_of_tiles(Index blocks, T* c, Index ldc, const T* a, Index stride,
                                      const T* b, Index depth) {
    constexpr int kBlocks = Tile<T>::kBlocks;
    Index m = 0;
    for (; m + kBlocks <= blocks; m += kBlocks) {
        tiles<T, kBlocks, Add>(c + m * kRows, ldc, a + m * stride, stride, b, depth);
    }
    for (; m < blocks; ++m) {
        tiles<T, 1, Add>(c + m * kRows, ldc, a + m * stride, stride, b, depth);
    }
}

constexpr Index kDepth = 128;  // depth of a tile's operands: they stay in the nearest cache

template <typename T>
void gather(const FrontData<T>& front, Index c0, Index c1, Index block_begin, Index block_end,
            T* sums) {
    constexpr int kBlocks = Tile<T>::kBlocks;
    const Index ld = front.shape.rows(), stride = front.shape.pivots * kRows;
    for (Index k = 0; k < c0; k += kDepth) {
        const Index depth = smaller(kDepth, c0 - k);
        for (Index m = block_begin; m < block_end; m += kBlocks) {
            const Index blocks = smaller(kBlocks, block_end - m);
            for (Index c = c0; c < c1; c += kRows) {
                rows_of_tiles<T, true>(blocks, front.work + m * kRows + c * ld, ld,
                                       front.packed + m * stride + k * kRows, stride,
                                       front.packed + (c / kRows) * stride + k * kRows, depth);
            }
        }
    }
    if (sums == nullptr) return;
    for (Index c = c0; c < c1; ++c) {
        Vector<T> sum = {};
        const T* column = front.work + c * ld;
        for (Index m = block_begin; m < block_end; ++m) add(sum, load(column + m * kRows));
        sums[c - c0] = total(sum);
    }
}

// The block of pivots that starts at column j, with ones for what is beyond the last.
template <typename T>
struct Triangle {
    T factor[kRows][kRows];  // by column; the diagonal holds reciprocals

    __attribute__((always_inline)) static Triangle of(const T* d, Index width) {
        Triangle triangle;
        for (Index m = 0; m < kRows; ++m) {
            for (Index n = 0; n < kRows; ++n) {
                triangle.factor[m][n] =
                    m < width && n < width ? d[m * kRows + n] : (m == n ? T(1) : T(0));
            }
        }
        return triangle;
    }
};

// Packs one block of rows of the columns j .. j + width, which hold what is to be solved.
template <typename T>
COLORDEPLOY_INLINE void solve_block(const FrontData<T>& front, Index j, Index width, Index block,
                                    const Triangle<T>& d) {
    constexpr Index kLanes = Registers<T>::kLanes;
    const Index ld = front.shape.rows();
    const T* source = front.work + block * kRows + j * ld;
    T* target = front.packed + block * front.shape.pivots * kRows + j * kRows;
    for (Index p = 0; p < Registers<T>::kParts; ++p, source += kLanes, target += kLanes) {
        Part<T> x[kRows];
        for (Index m = 0; m < kRows; ++m) x[m] = load_part(source + m * ld);
        for (Index m = 0; m < kRows; ++m) {
            x[m] *= d.factor[m][m];
            for (Index n = m + 1; n < kRows; ++n) x[n] += x[m] * d.factor[m][n];
        }
        for (Index m = 0; m < kRows; ++m) {
            if (m < width) store_part(target + m * kRows, x[m]);
        }
    }
}

// What the columns c0 .. j add to the columns j .. j + kRows of `blocks` blocks of rows.
template <typename T>
COLORDEPLOY_INLINE void add_columns(const FrontData<T>& front, Index c0, Index j, Index block,
                                    Index blocks) {
    if (j == c0) return;
    const Index ld = front.shape.rows(), stride = front.shape.pivots * kRows;
    rows_of_tiles<T, true>(blocks, front.work + block * kRows + j * ld, ld,
                           front.packed + block * stride + c0 * kRows, stride,
                           front.packed + (j / kRows) * stride + c0 * kRows, j - c0);
}

// Eliminates `width` pivots in their own rows; `d` is their packed block. sum, ends: what the rows
// below the block and those below the panel add to each column. Returns -1, or the pivot that is
// not a positive finite number.
template <typename T>
COLORDEPLOY_INLINE Index eliminate_block(T* d, Index width, T* sum, T* ends) {
    for (Index k = 0; k < width; ++k) {
        T* column = d + k * kRows;
        T pivot = sum[k];
        for (Index i = k + 1; i < width; ++i) pivot += column[i];
        if (!(pivot > T(0) && pivot <= Largest<T>::kValue)) return k;
        const T scale = T(1) / square_root(pivot);
        for (Index i = 0; i < k; ++i) column[i] = T(0);
        column[k] = scale;
        for (Index i = k + 1; i < width; ++i) column[i] *= scale;
        sum[k] *= scale;
        ends[k] *= scale;
        for (Index m = k + 1; m < width; ++m) {
            const T factor = column[m];
            for (Index i = m + 1; i < width; ++i) d[m * kRows + i] += column[i] * factor;
            sum[m] += sum[k] * factor;
            ends[m] += ends[k] * factor;
        }
    }
    return -1;
}

template <typename T>
Index eliminate(const FrontData<T>& front, Index c0, Index c1, T* tail) {
    const Index ld = front.shape.rows(), stride = front.shape.pivots * kRows;
    const Index last = (c1 + kRows - 1) / kRows;
    for (Index j = c0; j < c1; j += kRows) {
        const Index width = smaller(kRows, c1 - j), own = j / kRows;
        add_columns(front, c0, j, own, last - own);
        T sum[kRows] = {};
        for (Index m = 0; m < width; ++m) {
            const T* column = front.work + (j + m) * ld;
            for (Index block = own + 1; block < last; ++block) {
                sum[m] += total(load(column + block * kRows));
            }
        }
        T* d = front.packed + own * stride + j * kRows;
        for (Index m = 0; m < width; ++m) {
            store(d + m * kRows, load(front.work + own * kRows + (j + m) * ld));
        }
        T* ends = tail + (j - c0);
        const T* right = front.packed + own * stride;
        for (Index k = c0; k < j; ++k) {
            for (Index m = 0; m < width; ++m) ends[m] += tail[k - c0] * right[k * kRows + m];
        }
        for (Index m = 0; m < width; ++m) sum[m] += ends[m];
        const Index failed = eliminate_block(d, width, sum, ends);
        if (failed >= 0) return j + failed;
        const Triangle<T> triangle = Triangle<T>::of(d, width);
        for (Index block = own + 1; block < last; ++block) {
            solve_block(front, j, width, block, triangle);
        }
    }
    return -1;
}

template <typename T>
void solve_rows(const FrontData<T>& front, Index c0, Index c1, Index block_begin, Index block_end) {
    const Index stride = front.shape.pivots * kRows;
    for (Index j = c0; j < c1; j += kRows) {
        const Index width = smaller(kRows, c1 - j);
        add_columns(front, c0, j, block_begin, block_end - block_begin);
        const Triangle<T> triangle =
            Triangle<T>::of(front.packed + (j / kRows) * stride + j * kRows, width);
        for (Index block = block_begin; block < block_end; ++block) {
            solve_block(front, j, width, block, triangle);
        }
    }
}

template <typename T>
void update(const FrontShape& shape, const T* packed, T* target, Index begin, Index end) {
    constexpr int kBlocks = Tile<T>::kBlocks;
    const Index pivots = shape.pivots, boundary = shape.boundary;
    const Index stride = pivots * kRows;
    const T* below = packed + shape.pivot_blocks() * stride;
    for (Index k = 0; k == 0 || k < pivots; k += kDepth) {
        const Index depth = smaller(kDepth, pivots - k);
        for (Index m = begin; m < end; m += kBlocks) {
            const Index last = smaller(m + kBlocks, end);
            const Index columns = smaller(last * kRows, boundary);
            for (Index c = 0; c < columns; c += kRows) {
                const Index first = c / kRows > m ? c / kRows : m;
                const Index blocks = last - first, ld = shape.update_stride(c);
                const T* left = below + first * stride + k * kRows;
                T* corner = target + shape.update_column(c) + first * kRows;
                const T* right = below + (c / kRows) * stride + k * kRows;
                if (k == 0) {
                    rows_of_tiles<T, false>(blocks, corner, ld, left, stride, right, depth);
                } else {
                    rows_of_tiles<T, true>(blocks, corner, ld, left, stride, right, depth);
                }
            }
        }
    }
}

COLORDEPLOY_INLINE void add_last([[maybe_unused]] double* target,
                                 [[maybe_unused]] const double* source, Index n) {
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

COLORDEPLOY_INLINE void add_last(float* target, const float* source, Index n) {
    for (Index i = 0; i < n; ++i) target[i] += source[i];
}

template <typename T>
COLORDEPLOY_INLINE void add_run(T* target, const T* source, Index n) {
    for (; n >= kRows; n -= kRows, target += kRows, source += kRows) {
        Vector<T> sum = load(target);
        add(sum, load(source));
        store(target, sum);
    }
    add_last(target, source, n);
}

template <typename T>
void extend_add(const Run* runs, Index count, const FrontShape& child, const T* source, Index begin,
                Index end, const AddTarget<T>& target) {
    const Index ground = target.shape.ground();
    for (Index r = 0; r < count; ++r) {
        const Run& own = runs[r];
        const Index last = smaller(own.from + own.length, end);
        for (Index c = own.from < begin ? begin : own.from; c < last; ++c) {
            const T* from = source + child.update_column(c);
            const Index column = own.to + (c - own.from);
            T* to = target.data + target.column(column);
            add_run(to + column + 1, from + c + 1, own.from + own.length - c - 1);
            for (Index later = r + 1; later < count; ++later) {
                add_run(to + runs[later].to, from + runs[later].from, runs[later].length);
            }
            to[ground] += from[child.boundary];
        }
    }
}

}  // namespace
}  // namespace COLORDEPLOY_KERNELS
}  // namespace colordeploy::propagation
