// Substitution in dense fronts.
#pragma once

#include "vectors.hpp"

namespace colordeploy::propagation {
namespace COLORDEPLOY_KERNELS {
namespace {

// result += sum over k of a row block's columns times t, for Channels planes of t.
template <typename T, int Channels>
COLORDEPLOY_INLINE void product(const T* block, Index depth, const T* t, Index plane,
                                Vector<T>* result) {
    Vector<T> odd[Channels] = {};
    Index k = 0;
    for (; k + 2 <= depth; k += 2) {
        const Vector<T> a = load(block + k * kRows), b = load(block + (k + 1) * kRows);
        for (int c = 0; c < Channels; ++c) {
            add_product(result[c], a, t[c * plane + k]);
            add_product(odd[c], b, t[c * plane + k + 1]);
        }
    }
    if (k < depth) {
        const Vector<T> a = load(block + k * kRows);
        for (int c = 0; c < Channels; ++c) add_product(result[c], a, t[c * plane + k]);
    }
    for (int c = 0; c < Channels; ++c) add(result[c], odd[c]);
}

template <typename T, int Channels>
void forward_channels(const FrontShape& shape, const T* packed, T* t, Index plane) {
    const Index pivots = shape.pivots, stride = pivots * kRows;
    const Index own = shape.pivot_blocks(), blocks = shape.blocks();
    for (Index block = 0; block < own; ++block) {
        const T* row = packed + block * stride;
        const Index first = block * kRows, width = smaller(kRows, pivots - first);
        Vector<T> x[Channels];
        for (int c = 0; c < Channels; ++c) x[c] = load(t + c * plane + first);
        product<T, Channels>(row, first, t, plane, x);
#pragma GCC unroll 8
        for (Index m = 0; m < kRows; ++m) {
            if (m == width) break;
            const T* column = row + (first + m) * kRows;
            const T scale = column[m];
            const Vector<T> a = load(column);
            for (int c = 0; c < Channels; ++c) {
                const T value = x[c][m] * scale;
                add_product(x[c], a, value);
                t[c * plane + first + m] = value;
            }
        }
    }
    for (Index block = own; block < blocks; ++block) {
        Vector<T> x[Channels];
        for (int c = 0; c < Channels; ++c) x[c] = load(t + c * plane + block * kRows);
        product<T, Channels>(packed + block * stride, pivots, t, plane, x);
        for (int c = 0; c < Channels; ++c) store(t + c * plane + block * kRows, x[c]);
    }
}

// Sums over the rows of the blocks [begin, end) of `Columns` columns times t.
template <typename T, int Channels, int Columns>
COLORDEPLOY_INLINE void sums_of_columns(const T* columns, Index stride, Index begin, Index end,
                                        const T* t, Index plane, T (*sum)[Channels]) {
    Vector<T> s[Columns][Channels] = {};
    for (Index block = begin; block < end; ++block) {
        const T* a = columns + block * stride;
        for (int c = 0; c < Channels; ++c) {
            const Vector<T> x = load(t + c * plane + block * kRows);
            for (int g = 0; g < Columns; ++g) add_product(s[g][c], load(a + g * kRows), x);
        }
    }
    for (int g = 0; g < Columns; ++g) {
        for (int c = 0; c < Channels; ++c) sum[g][c] = total(s[g][c]);
    }
}

template <typename T, int Channels>
void backward_channels(const FrontShape& shape, const T* packed, T* t, Index plane) {
    constexpr Index kGroup = Registers<T>::kParts > 1 ? 2 : 4;  // whose sums are in registers
    const Index pivots = shape.pivots, stride = pivots * kRows, blocks = shape.blocks();
    for (Index own = shape.pivot_blocks() - 1; own >= 0; --own) {
        const Index first = own * kRows, width = smaller(kRows, pivots - first);
        T sum[kRows][Channels];
        Index m = 0;
        for (; m + kGroup <= width; m += kGroup) {
            sums_of_columns<T, Channels, kGroup>(packed + (first + m) * kRows, stride, own + 1,
                                                 blocks, t, plane, sum + m);
        }
        for (; m < width; ++m) {
            sums_of_columns<T, Channels, 1>(packed + (first + m) * kRows, stride, own + 1, blocks,
                                            t, plane, sum + m);
        }
        const T* d = packed + own * stride + first * kRows;
        for (int c = 0; c < Channels; ++c) {
            T* x = t + c * plane + first;
            // One product into each sum at a time: the compiler would not fuse those of one sum
            // on every processor.
            for (Index n = width - 1; n >= 0; --n) {
                x[n] = (x[n] + sum[n][c]) * d[n * kRows + n];
                for (Index k = 0; k < n; ++k) sum[k][c] += d[k * kRows + n] * x[n];
            }
        }
    }
}

template <typename T>
void forward(const FrontShape& shape, const T* packed, T* t, Index plane, Index channels) {
    for (; channels >= 2; channels -= 2, t += 2 * plane) {
        forward_channels<T, 2>(shape, packed, t, plane);
    }
    if (channels > 0) forward_channels<T, 1>(shape, packed, t, plane);
}

template <typename T>
void backward(const FrontShape& shape, const T* packed, T* t, Index plane, Index channels) {
    for (; channels >= 2; channels -= 2, t += 2 * plane) {
        backward_channels<T, 2>(shape, packed, t, plane);
    }
    if (channels > 0) backward_channels<T, 1>(shape, packed, t, plane);
}

}  // namespace
}  // namespace COLORDEPLOY_KERNELS
}  // namespace colordeploy::propagation
