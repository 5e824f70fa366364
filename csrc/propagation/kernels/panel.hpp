// A panel of pivots: its triangle, and the rows below.
#pragma once

#include "products.hpp"

namespace colordeploy::propagation {
namespace COLORDEPLOY_KERNELS {
namespace {

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
    rows_of_tiles<T, true>(blocks, work_rows(front, block).from(0, j),
                           packed_of(front, block).from(0, c0),
                           packed_of(front, j / kRows).from(0, c0).data, j - c0);
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

// Columns k .. k + Columns of the block of rows of the inverse at `offset` in the panel, whose rows
// of the factor begin at `rows`.
template <typename T, Index Columns>
COLORDEPLOY_INLINE void invert_columns(const T* rows, Index offset, Index width, Index k,
                                       T* inverse) {
    Vector<T> x[Columns] = {};
    for (Index m = k / kRows * kRows; m < offset; ++m) {
        const Vector<T> a = load(rows + m * kRows);
        const T* above = inverse + m / kRows * kPanel * kRows + k * kRows + m % kRows;
        for (Index c = 0; c < Columns; ++c) add_product(x[c], a, above[c * kRows]);
    }
    if (k >= offset) {
        T unit[kRows] = {};
        for (Index c = 0; c < Columns; ++c) {
            unit[k + c - offset] = T(1);
            x[c] = load(unit);
            unit[k + c - offset] = T(0);
        }
    }
    T* target = inverse + offset * kPanel + k * kRows;
#pragma GCC unroll 8
    for (Index i = 0; i < kRows; ++i) {
        if (i == width) break;
        const T* column = rows + (offset + i) * kRows;
        const Vector<T> a = load(column);
        for (Index c = 0; c < Columns; ++c) {
            const T value = x[c][i] * column[i];
            add_product(x[c], a, value);
            target[c * kRows + i] = value;
        }
    }
}

template <typename T>
void invert(const FrontShape& shape, const T* packed, Index c0, Index c1, T* inverse) {
    constexpr Index kColumns = 4;  // at a time
    for (Index j = c0; j < c1; j += kRows) {
        const Index offset = j - c0, width = smaller(kRows, c1 - j);
        const T* rows = packed_rows(shape, packed, j / kRows).from(0, c0).data;
        Index k = 0;
        for (; k + kColumns <= offset + width; k += kColumns) {
            invert_columns<T, kColumns>(rows, offset, width, k, inverse);
        }
        for (; k < offset + width; ++k) invert_columns<T, 1>(rows, offset, width, k, inverse);
    }
}

// Some blocks of rows: those of work memory times the inverse, which leaves them packed.
template <typename T, Index Blocks>
COLORDEPLOY_INLINE void solve_blocks(const FrontData<T>& front, Index c0, Index c1, Index block,
                                     const T* inverse) {
    const Rows<T> work = work_rows(front, block);
    const Rows<const T> left = Rows<const T>{work.data, work.block, work.column}.from(0, c0);
    const Index stride = front.shape.pivots * kRows;
    T* packed = front.packed + block * stride;
    for (Index j = c0; j < c1; j += kRows) {
        const Index width = smaller(kRows, c1 - j);
        const T* right = inverse + (j - c0) * kPanel;
        if (width == kRows) {
            const Rows<T> target{packed + j * kRows, stride, kRows};
            rows_of_tiles<T, false>(Blocks, target, left, right, j - c0 + width);
            continue;
        }
        T rest[Blocks * kRows * kRows];  // the last columns: there is no room for as many
        rows_of_tiles<T, false>(Blocks, {rest, kRows * kRows, kRows}, left, right, j - c0 + width);
        for (Index b = 0; b < Blocks; ++b) {
            for (Index m = 0; m < width; ++m) {
                store(packed + b * stride + (j + m) * kRows, load(rest + (b * kRows + m) * kRows));
            }
        }
    }
}

template <typename T>
void solve_rows(const FrontData<T>& front, Index c0, Index c1, Index block_begin, Index block_end,
                const T* inverse) {
    constexpr Index kBlocks = tile_blocks<T>();
    Index block = block_begin;
    for (; block + kBlocks <= block_end; block += kBlocks) {
        solve_blocks<T, kBlocks>(front, c0, c1, block, inverse);
    }
    for (; block < block_end; ++block) solve_blocks<T, 1>(front, c0, c1, block, inverse);
}

}  // namespace
}  // namespace COLORDEPLOY_KERNELS
}  // namespace colordeploy::propagation
