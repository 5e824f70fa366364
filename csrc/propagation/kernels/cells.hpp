// Cells: as many at a time as a register has lanes, each a lane of every vector.
#pragma once

#include "vectors.hpp"

namespace colordeploy::propagation {
namespace COLORDEPLOY_KERNELS {
namespace {

// A whole register, unlike the Part of a block of rows, which is at most kRows values.
template <typename T>
struct Cells {
    static constexpr Index kLanes = COLORDEPLOY_VECTOR_BYTES / sizeof(T);
    typedef T Value __attribute__((vector_size(COLORDEPLOY_VECTOR_BYTES)));
    typedef T Unaligned
        __attribute__((vector_size(COLORDEPLOY_VECTOR_BYTES), aligned(alignof(T)), may_alias));
};

template <typename T>
using Value = typename Cells<T>::Value;

template <typename T>
COLORDEPLOY_INLINE Value<T> get(const T* entries, Index i) {
    return *reinterpret_cast<const typename Cells<T>::Unaligned*>(entries + i * Cells<T>::kLanes);
}
template <typename T>
COLORDEPLOY_INLINE void set(T* entries, Index i, Value<T> v) {
    *reinterpret_cast<typename Cells<T>::Unaligned*>(entries + i * Cells<T>::kLanes) = v;
}

#if defined(__AVX512F__)
COLORDEPLOY_INLINE Value<double> square_roots(Value<double> v) {
    return _mm512_maskz_sqrt_pd(0xff, v);
}
COLORDEPLOY_INLINE Value<float> square_roots(Value<float> v) {
    return _mm512_maskz_sqrt_ps(0xffff, v);
}
#elif defined(__AVX2__)
COLORDEPLOY_INLINE Value<double> square_roots(Value<double> v) { return _mm256_sqrt_pd(v); }
COLORDEPLOY_INLINE Value<float> square_roots(Value<float> v) { return _mm256_sqrt_ps(v); }
#else
COLORDEPLOY_INLINE Value<double> square_roots(Value<double> v) {
    for (Index l = 0; l < Cells<double>::kLanes; ++l) v[l] = square_root(v[l]);
    return v;
}
COLORDEPLOY_INLINE Value<float> square_roots(Value<float> v) {
    for (Index l = 0; l < Cells<float>::kLanes; ++l) v[l] = square_root(v[l]);
    return v;
}
#endif

COLORDEPLOY_INLINE Index size_of(const CellFront& front) {
    return front.pivots + front.boundary + 1;
}
// Entry (row, k) of a triangle of `size` rows is at column_of(size, k) + row.
COLORDEPLOY_INLINE Index column_of(Index size, Index k) {
    return k * (size - 1) - k * (k - 1) / 2 - k - 1;
}

// Adds to the columns from `first` on what `Pivots` columns from k0 on add to them.
template <typename T, int Pivots>
COLORDEPLOY_INLINE void add_outer(T* entries, Index size, Index k0, Index first) {
    constexpr Index kLanes = Cells<T>::kLanes;
    const T* source[Pivots];
    for (int p = 0; p < Pivots; ++p) source[p] = entries + column_of(size, k0 + p) * kLanes;
    Index a = first;
    for (; a + 2 < size; a += 2) {
        Value<T> left[Pivots], right[Pivots];
        for (int p = 0; p < Pivots; ++p) {
            left[p] = get(source[p], a);
            right[p] = get(source[p], a + 1);
        }
        T* one = entries + column_of(size, a) * kLanes;
        T* two = entries + column_of(size, a + 1) * kLanes;
        Value<T> corner = get(one, a + 1);
        for (int p = 0; p < Pivots; ++p) corner += right[p] * left[p];
        set(one, a + 1, corner);
        for (Index i = a + 2; i < size; ++i) {
            Value<T> x = get(one, i), y = get(two, i);
            for (int p = 0; p < Pivots; ++p) {
                const Value<T> v = get(source[p], i);
                x += v * left[p];
                y += v * right[p];
            }
            set(one, i, x);
            set(two, i, y);
        }
    }
    for (; a + 1 < size; ++a) {
        T* one = entries + column_of(size, a) * kLanes;
        for (Index i = a + 1; i < size; ++i) {
            Value<T> x = get(one, i);
            for (int p = 0; p < Pivots; ++p) x += get(source[p], i) * get(source[p], a);
            set(one, i, x);
        }
    }
}

// Scales the column k by the root of its sum and notes pivots that are no positive finite numbers.
// Returns the reciprocal of the root, which is what is kept of the diagonal.
template <typename T>
COLORDEPLOY_INLINE Value<T> scale_column(T* entries, Index size, Index k, Index number,
                                         std::int32_t* failed) {
    T* column = entries + column_of(size, k) * Cells<T>::kLanes;
    Value<T> even = {}, odd = {};
    Index i = k + 1;
    for (; i + 1 < size; i += 2) {
        even += get(column, i);
        odd += get(column, i + 1);
    }
    if (i < size) even += get(column, i);
    const Value<T> pivot = even + odd;
    for (Index l = 0; l < Cells<T>::kLanes; ++l) {
        const bool good = pivot[l] > T(0) && pivot[l] <= Largest<T>::kValue;
        if (!good && failed[l] < 0) failed[l] = static_cast<std::int32_t>(number);
    }
    const Value<T> scale = T(1) / square_roots(pivot);
    for (i = k + 1; i < size; ++i) set(column, i, get(column, i) * scale);
    return scale;
}

// `Pivots` columns from k0 on, and what they add to the rest. reciprocals: one for each.
template <typename T, int Pivots>
COLORDEPLOY_INLINE void eliminate_columns(T* entries, Index size, Index k0, Index number,
                                          Value<T>* reciprocals, std::int32_t* failed) {
    constexpr Index kLanes = Cells<T>::kLanes;
    for (Index k = k0; k < k0 + Pivots; ++k) {
        reciprocals[k - k0] = scale_column(entries, size, k, number + k, failed);
        const T* source = entries + column_of(size, k) * kLanes;
        for (Index m = k + 1; m < k0 + Pivots; ++m) {
            T* column = entries + column_of(size, m) * kLanes;
            const Value<T> factor = get(source, m);
            for (Index i = m + 1; i < size; ++i) {
                set(column, i, get(column, i) + get(source, i) * factor);
            }
        }
    }
    add_outer<T, Pivots>(entries, size, k0, k0 + Pivots);
}

constexpr Index kTogether = 4;  // pivots whose columns are added to the rest at a time

// Packs the columns without the ground: the reciprocal, then the rows below the diagonal.
template <typename T>
COLORDEPLOY_INLINE T* pack(const T* entries, Index size, Index k0, Index count,
                           const Value<T>* reciprocals, T* factor) {
    for (Index k = k0; k < k0 + count; ++k) {
        const T* column = entries + column_of(size, k) * Cells<T>::kLanes;
        set(factor, 0, reciprocals[k - k0]);
        for (Index i = k + 1; i + 1 < size; ++i) set(factor, i - k, get(column, i));
        factor += (size - 1 - k) * Cells<T>::kLanes;
    }
    return factor;
}

template <typename T>
void eliminate_cells(const CellProgram& program, const CellSystem& system,
                     const std::int64_t* origins, T* work, T* factor, std::int32_t* failed) {
    constexpr Index kLanes = Cells<T>::kLanes;
    for (Index l = 0; l < kLanes; ++l) failed[l] = -1;
    for (Index f = 0; f < program.front_count; ++f) {
        const CellFront& front = program.fronts[f];
        const Index size = size_of(front), pivots = front.pivots;
        T* entries = work + front.work * kLanes;
        for (Index i = 0; i < size * (size - 1) / 2; ++i) set(entries, i, Value<T>{});
        for (Index e = front.edges; e < front.edges + front.edge_count; ++e) {
            const CellEdge& edge = program.edges[e];
            Value<T> weight;
            for (Index l = 0; l < kLanes; ++l) {
                weight[l] = static_cast<T>(system.alpha * system.local[origins[l] + edge.edge] +
                                           system.phi);
            }
            set(entries, edge.entry, weight);
        }
        const T screening = static_cast<T>(system.screening);
        for (Index k = 0; k < pivots; ++k) {
            Value<T> ground;
            for (Index l = 0; l < kLanes; ++l) {
                const Index pixel = origins[l] + program.pixels[front.first + k];
                ground[l] = system.mask[pixel] ? T(1) : screening;
            }
            set(entries, column_of(size, k) + size - 1, ground);
        }
        for (Index c = 0; c < 2; ++c) {
            if (front.child[c] < 0) continue;
            const CellFront& child = program.fronts[front.child[c]];
            const Index child_size = size_of(child);
            const std::int32_t* rows = program.in_parent + child.rows;
            const T* source = work + child.work * kLanes;
            for (Index j = 0; j < child.boundary; ++j) {
                const T* from =
                    source + (column_of(child_size, child.pivots + j) + child.pivots) * kLanes;
                T* to = entries + column_of(size, rows[j]) * kLanes;
                for (Index i = j + 1; i < child.boundary; ++i) {
                    set(to, rows[i], get(to, rows[i]) + get(from, i));
                }
                set(to, size - 1, get(to, size - 1) + get(from, child.boundary));
            }
        }
        Index k = 0;
        Value<T> reciprocals[kTogether];
        for (; k + kTogether <= pivots; k += kTogether) {
            eliminate_columns<T, kTogether>(entries, size, k, front.first, reciprocals, failed);
            factor = pack(entries, size, k, kTogether, reciprocals, factor);
        }
        for (; k < pivots; ++k) {
            eliminate_columns<T, 1>(entries, size, k, front.first, reciprocals, failed);
            factor = pack(entries, size, k, 1, reciprocals, factor);
        }
    }
}

// One lane of what a cell adds to its parent. places: of each unknown of the boundary, its row
// there and where its column begins.
template <typename T>
void scatter_cell(const CellProgram& program, const T* work, Index lane, const UpdatePlace* places,
                  T* update) {
    constexpr Index kLanes = Cells<T>::kLanes;
    const CellFront& front = program.fronts[program.front_count - 1];
    const Index size = size_of(front), boundary = front.boundary;
    const T* entries = work + front.work * kLanes + lane;
    for (Index j = 0; j < boundary; ++j) {
        const T* from = entries + (column_of(size, front.pivots + j) + front.pivots) * kLanes;
        const UpdatePlace own = places[j];
        for (Index i = j + 1; i < boundary; ++i) {
            const UpdatePlace other = places[i];
            const Index at = other.row > own.row ? own.begin + other.row : other.begin + own.row;
            update[at] = from[i * kLanes];
        }
        update[own.begin + boundary] = from[boundary * kLanes];
    }
}

// t: by unknown, Channels values of each lane.
template <typename T, int Channels>
COLORDEPLOY_INLINE void forward_some(const CellProgram& program, const T* factor, T* t) {
    constexpr Index kLanes = Cells<T>::kLanes;
    for (Index f = 0; f < program.front_count; ++f) {
        const CellFront& front = program.fronts[f];
        const std::int32_t* rows = program.rows + front.rows;
        T* own = t + front.first * Channels * kLanes;
        for (Index k = 0; k < front.pivots; ++k) {
            Value<T> x[Channels];
            const Value<T> scale = get(factor, 0);
            for (int c = 0; c < Channels; ++c) {
                x[c] = get(own, k * Channels + c) * scale;
                set(own, k * Channels + c, x[c]);
            }
            factor += kLanes;
            for (Index i = k + 1; i < front.pivots; ++i, factor += kLanes) {
                const Value<T> l = get(factor, 0);
                for (int c = 0; c < Channels; ++c) {
                    set(own, i * Channels + c, get(own, i * Channels + c) + l * x[c]);
                }
            }
            for (Index i = 0; i < front.boundary; ++i, factor += kLanes) {
                const Value<T> l = get(factor, 0);
                for (int c = 0; c < Channels; ++c) {
                    const Index to = static_cast<Index>(rows[i]) * Channels + c;
                    set(t, to, get(t, to) + l * x[c]);
                }
            }
        }
    }
}

// Adds to each of `Columns` sums (those of their channels side by side) the products of that
// column's `count` entries with t.
template <typename T, int Channels, int Columns>
COLORDEPLOY_INLINE void add_products(const T* const* column, Index count, const T* t,
                                     Value<T> (*sum)[Channels]) {
    for (Index i = 0; i < count; ++i) {
        Value<T> x[Channels];
        for (int c = 0; c < Channels; ++c) x[c] = get(t, i * Channels + c);
        for (int p = 0; p < Columns; ++p) {
            const Value<T> l = get(column[p], i);
            for (int c = 0; c < Channels; ++c) sum[p][c] += l * x[c];
        }
    }
}

// The pivots k .. k + Columns of a front, whose columns end at `factor`; returns where they begin.
// t: of the front's boundary.
template <typename T, int Channels, int Columns>
COLORDEPLOY_INLINE const T* backward_columns(const CellFront& front, Index k, const T* factor,
                                             T* own, const T* t) {
    constexpr Index kLanes = Cells<T>::kLanes;
    const T* begin[Columns];  // of the rows from k + Columns on
    Value<T> sum[Columns][Channels] = {};
    for (int p = Columns - 1; p >= 0; --p) {
        factor -= (front.pivots - k - p + front.boundary) * kLanes;
        begin[p] = factor + (Columns - p) * kLanes;
    }
    const Index later = front.pivots - k - Columns;
    add_products<T, Channels, Columns>(begin, later, own + (k + Columns) * Channels * kLanes, sum);
    for (int p = 0; p < Columns; ++p) begin[p] += later * kLanes;
    add_products<T, Channels, Columns>(begin, front.boundary, t, sum);
    for (int p = Columns - 1; p >= 0; --p) {
        const T* diagonal = begin[p] - (later + Columns - p) * kLanes;
        for (int c = 0; c < Channels; ++c) {
            Value<T> x = get(own, (k + p) * Channels + c) + sum[p][c];
            for (int q = p + 1; q < Columns; ++q) {
                x += get(diagonal, q - p) * get(own, (k + q) * Channels + c);
            }
            set(own, (k + p) * Channels + c, x * get(diagonal, 0));
        }
    }
    return factor;
}

// scratch: as large as t.
template <typename T, int Channels>
COLORDEPLOY_INLINE void backward_some(const CellProgram& program, const T* factor, T* t,
                                      T* scratch) {
    constexpr Index kLanes = Cells<T>::kLanes;
    for (Index f = program.front_count; f-- > 0;) {
        const CellFront& front = program.fronts[f];
        const std::int32_t* rows = program.rows + front.rows;
        for (Index i = 0; i < front.boundary; ++i) {
            for (int c = 0; c < Channels; ++c) {
                set(scratch, i * Channels + c, get(t, static_cast<Index>(rows[i]) * Channels + c));
            }
        }
        T* own = t + front.first * Channels * kLanes;
        Index k = front.pivots;
        for (; k >= 4; k -= 4) {
            factor = backward_columns<T, Channels, 4>(front, k - 4, factor, own, scratch);
        }
        for (; k > 0; --k) {
            factor = backward_columns<T, Channels, 1>(front, k - 1, factor, own, scratch);
        }
    }
}

// channels: 1 or 2.
template <typename T>
void forward_cells(const CellProgram& program, const T* factor, T* t, Index channels) {
    if (channels == 2) {
        forward_some<T, 2>(program, factor, t);
    } else {
        forward_some<T, 1>(program, factor, t);
    }
}

template <typename T>
void backward_cells(const CellProgram& program, const T* factor_end, T* t, T* scratch,
                    Index channels) {
    if (channels == 2) {
        backward_some<T, 2>(program, factor_end, t, scratch);
    } else {
        backward_some<T, 1>(program, factor_end, t, scratch);
    }
}

}  // namespace
}  // namespace COLORDEPLOY_KERNELS
}  // namespace colordeploy::propagation
