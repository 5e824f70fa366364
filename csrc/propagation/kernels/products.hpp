// Products of blocks of rows: what columns that are eliminated add to others.
#pragma once

#include "vectors.hpp"

namespace colordeploy::propagation {
namespace COLORDEPLOY_KERNELS {
namespace {

// The part of a product that is in registers at a time, in vectors of rows (see Registers) by
// columns: enough sums that none waits for the one before, few enough for the registers.
template <typename T>
struct Tile;
template <>
struct Tile<double> {
    static constexpr int kParts = COLORDEPLOY_TILE_PARTS, kColumns = COLORDEPLOY_TILE_COLUMNS;
};
template <>
struct Tile<float> {
    static constexpr int kParts = COLORDEPLOY_FLOAT_PARTS, kColumns = COLORDEPLOY_FLOAT_COLUMNS;
};

// The fewest blocks of rows that whole tiles cover.
template <typename T>
constexpr int tile_blocks() {
    int blocks = 1;
    while (blocks * Registers<T>::kParts % Tile<T>::kParts != 0) ++blocks;
    return blocks;
}

// Some rows of a matrix, in blocks of kRows: packed, or the columns of work memory.
template <typename T>
struct Rows {
    T* data;
    Index block, column;  // from one block of rows, from one column to the next

    COLORDEPLOY_EVERYWHERE Rows from(Index blocks, Index columns) const {
        return {data + blocks * block + columns * column, block, column};
    }
};

// The part-th vector of rows.
template <typename T, typename Entry>
COLORDEPLOY_INLINE Entry* part_of(const Rows<Entry>& rows, Index part) {
    constexpr Index kBlockParts = Registers<T>::kParts;
    return rows.data + part / kBlockParts * rows.block + part % kBlockParts * Registers<T>::kLanes;
}

// c (from its part First on `Parts` vectors of rows, kColumns columns) (+)= sum over `depth` of
// a b^T; b packed.
template <typename T, int First, int Parts, bool Add>
COLORDEPLOY_INLINE void tile(const Rows<T>& c, const Rows<const T>& a, const T* b, Index depth) {
    constexpr int kColumns = Tile<T>::kColumns;
    Part<T> sum[kColumns][Parts];
    for (int p = 0; p < Parts; ++p) {
        for (int j = 0; j < kColumns; ++j) {
            T* entry = part_of<T>(c, First + p) + j * c.column;
            if (!Add) __builtin_prefetch(entry, 1);
            sum[j][p] = Add ? load_part(entry) : Part<T>{};
        }
    }
    for (Index k = 0; k < depth; ++k) {
        Part<T> left[Parts];
        for (int p = 0; p < Parts; ++p)
            left[p] = load_part(part_of<T>(a, First + p) + k * a.column);
        for (int j = 0; j < kColumns; ++j) {
            const T right = b[k * kRows + j];
            for (int p = 0; p < Parts; ++p) sum[j][p] += left[p] * right;
        }
    }
    for (int j = 0; j < kColumns; ++j) {
        for (int p = 0; p < Parts; ++p)
            store_part(part_of<T>(c, First + p) + j * c.column, sum[j][p]);
    }
}

// Tiles of Parts vectors of rows each, from First to End, by all kRows columns of one block of b.
template <typename T, int First, int End, int Parts, bool Add>
COLORDEPLOY_INLINE void tiles(const Rows<T>& c, const Rows<const T>& a, const T* b, Index depth) {
    if constexpr (First < End) {
        for (Index j = 0; j < kRows; j += Tile<T>::kColumns) {
            tile<T, First, Parts, Add>(c.from(0, j), a, b + j, depth);
        }
        tiles<T, First + Parts, End, Parts, Add>(c, a, b, depth);
    }
}

template <typename T, bool Add>
COLORDEPLOY_INLINE void rows_of_tiles(Index blocks, const Rows<T>& c, const Rows<const T>& a,
                                      const T* b, Index depth) {
    constexpr int kBlocks = tile_blocks<T>(), kBlockParts = Registers<T>::kParts;
    Index m = 0;
    for (; m + kBlocks <= blocks; m += kBlocks) {
        tiles<T, 0, kBlocks * kBlockParts, Tile<T>::kParts, Add>(c.from(m, 0), a.from(m, 0), b,
                                                                 depth);
    }
    for (; m < blocks; ++m) {
        tiles<T, 0, kBlockParts, kBlockParts, Add>(c.from(m, 0), a.from(m, 0), b, depth);
    }
}

// The blocks of a front from one on: packed, and in work memory.
template <typename T>
COLORDEPLOY_INLINE Rows<const T> packed_rows(const FrontShape& shape, const T* packed,
                                             Index block) {
    const Index stride = shape.pivots * kRows;
    return {packed + block * stride, stride, kRows};
}
template <typename T>
COLORDEPLOY_INLINE Rows<const T> packed_of(const FrontData<T>& front, Index block) {
    return packed_rows(front.shape, static_cast<const T*>(front.packed), block);
}
template <typename T>
COLORDEPLOY_INLINE Rows<T> work_rows(const FrontData<T>& front, Index block) {
    return {front.work + block * kRows, kRows, front.shape.rows()};
}

// Depth of a product's operands, in bytes of a row: they stay in the nearest cache.
template <typename T>
constexpr Index depth_of_products() {
    return 1024 / sizeof(T);
}

template <typename T>
void gather(const FrontData<T>& front, Index c0, Index c1, Index block_begin, Index block_end,
            T* sums) {
    constexpr Index kBlocks = tile_blocks<T>(), kDepth = depth_of_products<T>();
    const Index ld = front.shape.rows();
    for (Index k = 0; k < c0; k += kDepth) {
        const Index depth = smaller(kDepth, c0 - k);
        for (Index m = block_begin; m < block_end; m += kBlocks) {
            const Index blocks = smaller(kBlocks, block_end - m);
            const Rows<T> target = work_rows(front, m);
            const Rows<const T> left = packed_of(front, m).from(0, k);
            for (Index c = c0; c < c1; c += kRows) {
                const Rows<const T> right = packed_of(front, c / kRows).from(0, k);
                rows_of_tiles<T, true>(blocks, target.from(0, c), left, right.data, depth);
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

template <typename T>
void update(const FrontShape& shape, const T* packed, T* target, Index begin, Index end) {
    constexpr Index kBlocks = tile_blocks<T>(), kDepth = depth_of_products<T>();
    const Index pivots = shape.pivots, blocks = shape.update_rows() / kRows;
    const Rows<const T> below = packed_rows(shape, packed, shape.pivot_blocks());
    for (Index k = 0; k == 0 || k < pivots; k += kDepth) {
        const Index depth = smaller(kDepth, pivots - k);
        for (Index m = begin / kRows; m < blocks; m += kBlocks) {
            const Index last = smaller(m + kBlocks, blocks);
            for (Index c = begin; c < smaller(last * kRows, end); c += kRows) {
                const Index first = c / kRows > m ? c / kRows : m;
                const Rows<T> corner{target + shape.update_column(c) + first * kRows, kRows,
                                     shape.update_stride(c)};
                const Rows<const T> left = below.from(first, k);
                const T* right = below.from(c / kRows, k).data;
                if (k == 0) {
                    rows_of_tiles<T, false>(last - first, corner, left, right, depth);
                } else {
                    rows_of_tiles<T, true>(last - first, corner, left, right, depth);
                }
            }
        }
    }
}

}  // namespace
}  // namespace COLORDEPLOY_KERNELS
}  // namespace colordeploy::propagation
