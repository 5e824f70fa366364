// Distances of features and their Gaussians.
#pragma once

#include "vectors.hpp"

namespace colordeploy::propagation {
namespace COLORDEPLOY_KERNELS {
namespace {

using Real = Part<double>;
constexpr Index kWide = Registers<double>::kLanes;
typedef std::int64_t Integers __attribute__((vector_size(sizeof(Real))));

// exp(-x / 2) for x >= 0, to about two units in the last place; 0 below the smallest normal number.
COLORDEPLOY_INLINE Real gaussian_of(Real distance) {
    const Real x = distance * -0.5;
    const Real limited = x > -708.0 ? x : Real{} - 708.0;
    // exp(x) = 2^n exp(r), |r| <= ln(2) / 2; adding 1.5 * 2^52 rounds to an integer.
    const double shift = 6755399441055744.0;
    const Real shifted = limited * 1.4426950408889634 + shift;
    const Real n = shifted - shift;
    const Real r = (limited - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
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
    Real p = Real{} + kFactors[0];
    for (std::size_t i = 1; i < sizeof(kFactors) / sizeof(*kFactors); ++i) p = p * r + kFactors[i];
    const Integers exponent = (Integers)shifted - (Integers)(Real{} + shift) + 1023;
    const Real result = p * (Real)(exponent << 52);
    return x > -708.0 ? result : Real{};
}

// So many (all lanes, or fewer at the end of a row) values, in a register: what is left over must
// be computed by the same instructions as the rest, or its last bit would depend on their width.
COLORDEPLOY_INLINE Real load_some(const double* a, Index count) {
    if (count == kWide) return load_part(a);
    double rest[kWide] = {};
    for (Index m = 0; m < count; ++m) rest[m] = a[m];
    return load_part(rest);
}
COLORDEPLOY_INLINE void store_some(double* a, Index count, Real value) {
    if (count == kWide) {
        store_part(a, value);
        return;
    }
    double rest[kWide];
    store_part(rest, value);
    for (Index m = 0; m < count; ++m) a[m] = rest[m];
}

void gaussian(double* out, Index n) {
    for (Index i = 0; i < n; i += kWide) {
        const Index count = smaller(kWide, n - i);
        store_some(out + i, count, gaussian_of(load_some(out + i, count)));
    }
}

// Of `count` pixels; A: how far apart those of `a` are, 0 for one pixel.
template <Index A>
COLORDEPLOY_INLINE Real squared_distance(const double* a, Index a_stride, const double* b,
                                         Index stride, Index channels, double inverse_sigma,
                                         Index count) {
    Real sum = {};
    for (Index c = 0; c < channels; ++c, a += a_stride, b += stride) {
        const Real value = A ? load_some(a, count) : Real{} + *a;
        const Real d = (load_some(b, count) - value) * inverse_sigma;
        sum += d * d;
    }
    return sum;
}

template <Index A>
COLORDEPLOY_INLINE void squared_distances(const double* a, Index a_stride, const double* b,
                                          Index stride, Index channels, Index n,
                                          double inverse_sigma, double* out) {
    Index i = 0;
    for (; i + kWide <= n; i += kWide) {
        store_part(out + i, squared_distance<A>(a + A * i, a_stride, b + i, stride, channels,
                                                inverse_sigma, kWide));
    }
    if (i < n) {
        store_some(out + i, n - i,
                   squared_distance<A>(a + A * i, a_stride, b + i, stride, channels, inverse_sigma,
                                       n - i));
    }
}

void distances(const double* a, const double* b, Index stride, Index channels, Index n,
               double inverse_sigma, double* out) {
    squared_distances<0>(a, 1, b, stride, channels, n, inverse_sigma, out);
}

void paired_distances(const double* a, const double* b, Index stride, Index channels, Index n,
                      double inverse_sigma, double* out) {
    squared_distances<1>(a, stride, b, stride, channels, n, inverse_sigma, out);
}

}  // namespace
}  // namespace COLORDEPLOY_KERNELS
}  // namespace colordeploy::propagation
