// Dense kernels of the multifrontal factorization, compiled for several instruction sets; the best
// one that the processor has is chosen when the library is loaded.
//
// A front has `pivots` columns and `rows()` rows, see FrontShape. While it is assembled it lies in
// column-major work memory; eliminated, its rows lie in blocks of kRows ("packed"): entry (r, k) is
// at ((r / kRows) * pivots + k) * kRows + r % kRows. So every kernel reads memory in one direction,
// and what multiplies from the left looks the same as what multiplies from the right.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colordeploy::propagation {

inline constexpr std::ptrdiff_t kRows = 8;    // rows of a block: a 512-bit vector of doubles
inline constexpr std::ptrdiff_t kPanel = 64;  // columns eliminated at a time; a multiple of kRows

// Files that are compiled for different instruction sets share these: each needs its own copy.
#define COLORDEPLOY_EVERYWHERE __attribute__((always_inline)) constexpr

COLORDEPLOY_EVERYWHERE inline std::ptrdiff_t padded(std::ptrdiff_t n) {
    return (n + kRows - 1) / kRows * kRows;
}

// Rows of a front: its pivots, padded; its boundary; the ground, which is the neighbour that every
// excess of a diagonal over its weights leads to; padding. Padding is zero.
struct FrontShape {
    std::ptrdiff_t pivots = 0, boundary = 0;

    COLORDEPLOY_EVERYWHERE std::ptrdiff_t pivot_blocks() const { return padded(pivots) / kRows; }
    COLORDEPLOY_EVERYWHERE std::ptrdiff_t update_rows() const {
        return padded(boundary + 1);
    }  // boundary and ground
    COLORDEPLOY_EVERYWHERE std::ptrdiff_t rows() const { return padded(pivots) + update_rows(); }
    COLORDEPLOY_EVERYWHERE std::ptrdiff_t blocks() const { return rows() / kRows; }
    COLORDEPLOY_EVERYWHERE std::ptrdiff_t ground() const { return padded(pivots) + boundary; }
    std::size_t packed_size() const { return static_cast<std::size_t>(rows() * pivots); }
    std::size_t work_size() const { return static_cast<std::size_t>(rows() * padded(pivots)); }
    // Of an update only the lower triangle exists: columns lie in blocks of kRows, each of which
    // begins at its first row on the diagonal. Entry (r, c) is at update_column(c) + r.
    COLORDEPLOY_EVERYWHERE std::ptrdiff_t update_column(std::ptrdiff_t c) const {
        const std::ptrdiff_t first = c / kRows * kRows;
        return first * (update_rows() - first / 2 + kRows / 2 - 1) + (c - first) * update_stride(c);
    }
    // From one column of a block to the next.
    COLORDEPLOY_EVERYWHERE std::ptrdiff_t update_stride(std::ptrdiff_t c) const {
        return update_rows() - c / kRows * kRows;
    }
    std::size_t update_size() const {
        const std::ptrdiff_t end = padded(boundary);
        return static_cast<std::size_t>(update_column(end) + end);
    }
};

// Where the columns of a child's update are added: a front's work memory, whose rows are those of
// the front, or its update, whose rows begin below the pivots.
template <typename T>
struct AddTarget {
    FrontShape shape;
    bool update;
    T* data;

    // Entry (r, c) is at column(c) + r, in rows of the front.
    COLORDEPLOY_EVERYWHERE std::ptrdiff_t column(std::ptrdiff_t c) const {
        const std::ptrdiff_t pivots = padded(shape.pivots);
        return update ? shape.update_column(c - pivots) - pivots : c * shape.rows();
    }
};

// A front while it is eliminated. work: rows() x padded(pivots), column-major. packed: the result.
template <typename T>
struct FrontData {
    FrontShape shape;
    T* work;
    T* packed;
};

// `length` consecutive boundary unknowns of a child, from `from`, that are consecutive rows of its
// parent, from `to`.
struct Run {
    std::int32_t from, to, length;
};

// A front of a cell (see cells.hpp): `pivots` unknowns of the cell are eliminated, `boundary`
// others updated. Its entries are a strict lower triangle by columns, with a row more for the
// ground.
struct CellFront {
    std::int32_t first = 0;  // the first pivot
    std::int32_t pivots = 0, boundary = 0;
    std::int32_t child[2] = {-1, -1};
    std::int32_t rows = 0;  // offset of its boundary's unknowns in CellProgram::rows
    std::int32_t edges = 0, edge_count = 0;
    std::int32_t work = 0;  // offset of its entries in work memory
};

struct CellEdge {
    std::int32_t edge;   // direction * pixels + first pixel, for a cell at pixel 0
    std::int32_t entry;  // of the front
};

// How cells that are alike are eliminated. The last front's boundary is that of the cell.
struct CellProgram {
    std::int32_t front_count;
    const CellFront* fronts;
    const std::int32_t* rows;       // by front: the unknowns of its boundary
    const std::int32_t* in_parent;  // the same unknowns' rows in the parent
    const CellEdge* edges;
    const std::int32_t* pixels;  // of the pivots, for a cell at pixel 0
};

// A row of an update, and where the column of the same unknown begins: entry (r, it) is at
// begin + r.
struct UpdatePlace {
    std::int32_t row, begin;
};

// What the weights of a cell are made of.
struct CellSystem {
    const double* local;  // see graph.hpp
    double alpha, phi, screening;
    const std::uint8_t* mask;
};

struct AffinityKernels {
    // out[i] = exp(-out[i] / 2).
    void (*gaussian)(double* out, std::ptrdiff_t n);
    // out[i] = sum_c ((b[c * stride + i] - a[c]) * inverse_sigma)^2.
    void (*distances)(const double* a, const double* b, std::ptrdiff_t stride,
                      std::ptrdiff_t channels, std::ptrdiff_t n, double inverse_sigma, double* out);
    // out[i] = sum_c ((b[c * stride + i] - a[c * stride + i]) * inverse_sigma)^2.
    void (*paired_distances)(const double* a, const double* b, std::ptrdiff_t stride,
                             std::ptrdiff_t channels, std::ptrdiff_t n, double inverse_sigma,
                             double* out);
};

// Of a factor in double or in single precision.
template <typename T>
struct Kernels {
    // work(block_begin..block_end, c0..c1) += L(., 0..c0) L(c0..c1, 0..c0)^T, and the sums of these
    // columns over these blocks to sums[c1 - c0], unless that is null.
    void (*gather)(const FrontData<T>& front, std::ptrdiff_t c0, std::ptrdiff_t c1,
                   std::ptrdiff_t block_begin, std::ptrdiff_t block_end, T* sums);
    // Eliminates the pivots c0..c1 in their own rows. tail: for each of these columns the sum of
    // all rows below c1, ground included; overwritten. Returns -1, or the column whose pivot is
    // not a positive finite number.
    std::ptrdiff_t (*eliminate)(const FrontData<T>& front, std::ptrdiff_t c0, std::ptrdiff_t c1,
                                T* tail);
    // The inverse of the triangle that eliminate has left of these columns: by it the rows below
    // are multiplied, none of which then waits for the column before. It has no negative entry
    // either. inverse: kPanel^2 entries; (c, k) is at
    // (c / kRows * kPanel + k) * kRows + c % kRows, c and k from c0 on.
    void (*invert)(const FrontShape& shape, const T* packed, std::ptrdiff_t c0, std::ptrdiff_t c1,
                   T* inverse);
    // The same columns in the blocks of rows below.
    void (*solve_rows)(const FrontData<T>& front, std::ptrdiff_t c0, std::ptrdiff_t c1,
                       std::ptrdiff_t block_begin, std::ptrdiff_t block_end, const T* inverse);
    // update(i, j) = sum_k L(i, k) L(j, k) for the columns begin <= j < end, i >= j; both multiples
    // of kRows, the last one within the padding of the boundary.
    void (*update)(const FrontShape& shape, const T* packed, T* update, std::ptrdiff_t begin,
                   std::ptrdiff_t end);
    // Adds of a child's update what belongs to the columns [begin, end) of its parent.
    void (*extend_add)(const Run* runs, std::ptrdiff_t count, const FrontShape& child,
                       const T* source, std::ptrdiff_t begin, std::ptrdiff_t end,
                       const AddTarget<T>& target);
    // Substitution in one front; t: rows() values for each of `channels` right-hand sides, one
    // plane (plane_stride apart) a channel. forward adds to the rows below the pivots.
    void (*forward)(const FrontShape& shape, const T* packed, T* t, std::ptrdiff_t plane_stride,
                    std::ptrdiff_t channels);
    void (*backward)(const FrontShape& shape, const T* packed, T* t, std::ptrdiff_t plane_stride,
                     std::ptrdiff_t channels);

    // Cells, `lanes` at a time; entry i of lane l is at i * lanes + l.
    std::ptrdiff_t lanes;
    // origins: the first pixel of each. failed: for each -1, or the pivot that is not a positive
    // finite number.
    void (*eliminate_cells)(const CellProgram& program, const CellSystem& system,
                            const std::int64_t* origins, T* work, T* factor, std::int32_t* failed);
    // What one of those just eliminated adds to its parent. places: of each unknown of the
    // boundary, in the update.
    void (*scatter_cell)(const CellProgram& program, const T* work, std::ptrdiff_t lane,
                         const UpdatePlace* places, T* update);
    // t: for each unknown `channels` (1 or 2) vectors; scratch: as much.
    void (*forward_cells)(const CellProgram& program, const T* factor, T* t,
                          std::ptrdiff_t channels);
    void (*backward_cells)(const CellProgram& program, const T* factor_end, T* t, T* scratch,
                           std::ptrdiff_t channels);
};

struct Table {
    const char* name;
    AffinityKernels affinities;
    Kernels<double> in_double;
    Kernels<float> in_single;
};

// The table for this processor.
const Table& kernel_table();

template <typename T>
const Kernels<T>& kernels();
template <>
inline const Kernels<double>& kernels<double>() {
    return kernel_table().in_double;
}
template <>
inline const Kernels<float>& kernels<float>() {
    return kernel_table().in_single;
}

}  // namespace colordeploy::propagation
