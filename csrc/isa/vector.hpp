// Vectors as wide as the machine's, for files that are compiled once for each instruction set.
//
// Such files must not call inline functions of other headers, the standard library's included: the
// linker keeps one copy of each for the whole library, which may be the one that needs AVX-512.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__)
#define COLORDEPLOY_LANES 16
#elif defined(__AVX2__)
#define COLORDEPLOY_LANES 8
#else
#define COLORDEPLOY_LANES 4
#endif

#define COLORDEPLOY_INLINE static inline __attribute__((always_inline))

namespace colordeploy::COLORDEPLOY_TARGET {

constexpr int LANES = COLORDEPLOY_LANES;
typedef float F __attribute__((vector_size(4 * COLORDEPLOY_LANES)));
typedef std::int32_t I __attribute__((vector_size(4 * COLORDEPLOY_LANES)));
typedef std::uint32_t U __attribute__((vector_size(4 * COLORDEPLOY_LANES)));

COLORDEPLOY_INLINE F splat(float value) { return value - F{}; }

COLORDEPLOY_INLINE F load(const float* from) {
    F value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

COLORDEPLOY_INLINE void store(float* to, F value) { std::memcpy(to, &value, sizeof value); }
COLORDEPLOY_INLINE void store(std::int32_t* to, I value) { std::memcpy(to, &value, sizeof value); }

COLORDEPLOY_INLINE F bits_to_float(U bits) { return reinterpret_cast<F>(bits); }
COLORDEPLOY_INLINE U float_to_bits(F value) { return reinterpret_cast<U>(value); }

COLORDEPLOY_INLINE F min(F a, F b) { return a < b ? a : b; }
COLORDEPLOY_INLINE F max(F a, F b) { return a > b ? a : b; }
COLORDEPLOY_INLINE F absolute(F a) { return bits_to_float(float_to_bits(a) & 0x7fffffffU); }

// Into [0, high]; NaN becomes 0.
COLORDEPLOY_INLINE F clamped(F a, F high) {
    const F some = a > 0.0F ? a : F{};
    return some < high ? some : high;
}

COLORDEPLOY_INLINE F finite_or_zero(F a) { return a - a == 0.0F ? a : F{}; }

COLORDEPLOY_INLINE bool any(I mask) {
    std::uint64_t words[sizeof(I) / 8], together = 0;
    std::memcpy(words, &mask, sizeof mask);
    for (std::uint64_t word : words) together |= word;
    return together != 0;
}

COLORDEPLOY_INLINE I truncated(F a) { return __builtin_convertvector(a, I); }
COLORDEPLOY_INLINE F as_float(I a) { return __builtin_convertvector(a, F); }

// Cube root of positive values: a third of the exponent, then two steps of Halley's, each of which
// triples the digits: right to the last but one of a float.
COLORDEPLOY_INLINE F cube_root(F value) {
    F root = bits_to_float(float_to_bits(value) / 3 + 0x2a514067U);
    for (int step = 0; step < 2; ++step) {
        const F cube = root * root * root;
        root *= (cube + 2.0F * value) / (2.0F * cube + value);
    }
    return root;
}

// exp(x) to about two units in the last place, for x within +-87; what lies outside counts as that.
COLORDEPLOY_INLINE F exponential(F x) {
    // exp(x) = 2^n exp(r), |r| <= ln(2) / 2; adding 1.5 * 2^23 rounds to an integer.
    const float shift = 12582912.0F;
    const F limited = min(max(x, splat(-87.0F)), splat(87.0F));
    const F shifted = limited * 1.44269504F + shift;
    const F n = shifted - shift;
    const F r = (limited - n * 0.693359375F) + n * 2.12194440e-4F;
    F sum = splat(1.0F / 5040.0F);
    sum = sum * r + 1.0F / 720.0F;
    sum = sum * r + 1.0F / 120.0F;
    sum = sum * r + 1.0F / 24.0F;
    sum = sum * r + 1.0F / 6.0F;
    sum = sum * r + 0.5F;
    sum = sum * r + 1.0F;
    sum = sum * r + 1.0F;
    return sum * bits_to_float((float_to_bits(shifted) - 0x4b400000U + 127U) << 23);
}

COLORDEPLOY_INLINE F square_root(F value) {
#pragma GCC unroll 16
    for (int lane = 0; lane < LANES; ++lane) value[lane] = __builtin_sqrtf(value[lane]);
    return value;
}

}  // namespace colordeploy::COLORDEPLOY_TARGET
