// kRows values in registers of the machine's own width. Included by one file for each instruction
// set, through table.hpp, which says what is to be defined. Nothing in this folder may call an
// inline function of a header that is not always inlined: the linker could keep the copy with the
// wrong instructions.
#pragma once

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#include "../kernels.hpp"

namespace colordeploy::propagation {
namespace COLORDEPLOY_KERNELS {
namespace {

using Index = std::ptrdiff_t;

#define COLORDEPLOY_INLINE __attribute__((always_inline)) static inline

COLORDEPLOY_INLINE constexpr Index smaller(Index a, Index b) { return a < b ? a : b; }

COLORDEPLOY_INLINE double square_root(double value) { return __builtin_sqrt(value); }
COLORDEPLOY_INLINE float square_root(float value) { return __builtin_sqrtf(value); }

template <typename T>
struct Largest;
template <>
struct Largest<double> {
    static constexpr double kValue = 1.7976931348623157e308;
};
template <>
struct Largest<float> {
    static constexpr float kValue = 3.4028234664e38F;
};

// One register, and how many of them are a block of kRows values.
template <typename T>
struct Registers {
    static constexpr Index kLanes =
        COLORDEPLOY_VECTOR_BYTES / sizeof(T) < kRows ? COLORDEPLOY_VECTOR_BYTES / sizeof(T) : kRows;
    static constexpr Index kParts = kRows / kLanes;
    typedef T Part __attribute__((vector_size(kLanes * sizeof(T))));
    typedef T Unaligned
        __attribute__((vector_size(kLanes * sizeof(T)), aligned(alignof(T)), may_alias));
};

template <typename T>
using Part = typename Registers<T>::Part;

template <typename T>
COLORDEPLOY_INLINE Part<T> load_part(const T* a) {
    return *reinterpret_cast<const typename Registers<T>::Unaligned*>(a);
}
template <typename T>
COLORDEPLOY_INLINE void store_part(T* a, Part<T> v) {
    *reinterpret_cast<typename Registers<T>::Unaligned*>(a) = v;
}

template <typename T>
struct Vector {
    static constexpr Index kLanes = Registers<T>::kLanes, kParts = Registers<T>::kParts;
    Part<T> part[kParts];

    // i is a constant wherever this is called, once loops are unrolled.
    __attribute__((always_inline)) T operator[](Index i) const {
        return part[i / kLanes][i % kLanes];
    }
};

template <typename T>
COLORDEPLOY_INLINE Vector<T> load(const T* a) {
    Vector<T> v;
    for (Index p = 0; p < v.kParts; ++p) v.part[p] = load_part<T>(a + p * v.kLanes);
    return v;
}
template <typename T>
COLORDEPLOY_INLINE void store(T* a, const Vector<T>& v) {
    for (Index p = 0; p < v.kParts; ++p) store_part<T>(a + p * v.kLanes, v.part[p]);
}
template <typename T>
COLORDEPLOY_INLINE void add(Vector<T>& sum, const Vector<T>& v) {
    for (Index p = 0; p < v.kParts; ++p) sum.part[p] += v.part[p];
}
template <typename T>
COLORDEPLOY_INLINE void add_product(Vector<T>& sum, const Vector<T>& v, T factor) {
    for (Index p = 0; p < v.kParts; ++p) sum.part[p] += v.part[p] * factor;
}
template <typename T>
COLORDEPLOY_INLINE void add_product(Vector<T>& sum, const Vector<T>& v, const Vector<T>& w) {
    for (Index p = 0; p < v.kParts; ++p) sum.part[p] += v.part[p] * w.part[p];
}

// ((v0 + v4) + (v2 + v6)) + ((v1 + v5) + (v3 + v7)): one order for every width of registers.
template <typename T>
COLORDEPLOY_INLINE T total(const Vector<T>& v) {
    typedef T Half __attribute__((vector_size(kRows / 2 * sizeof(T))));
    typedef T Quarter __attribute__((vector_size(kRows / 4 * sizeof(T))));
    Quarter sum;
    if constexpr (Vector<T>::kParts == 4) {
        sum = (v.part[0] + v.part[2]) + (v.part[1] + v.part[3]);
    } else {
        Half half;
        if constexpr (Vector<T>::kParts == 2) {
            half = v.part[0] + v.part[1];
        } else {
            half = __builtin_shufflevector(v.part[0], v.part[0], 0, 1, 2, 3) +
                   __builtin_shufflevector(v.part[0], v.part[0], 4, 5, 6, 7);
        }
        sum = __builtin_shufflevector(half, half, 0, 1) + __builtin_shufflevector(half, half, 2, 3);
    }
    return sum[0] + sum[1];
}

}  // namespace
}  // namespace COLORDEPLOY_KERNELS
}  // namespace colordeploy::propagation
