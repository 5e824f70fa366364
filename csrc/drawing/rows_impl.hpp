#pragma once

#include "../color/pixels_impl.hpp"
#include "rows.hpp"

namespace colordeploy::drawing::COLORDEPLOY_TARGET {

namespace {

using namespace colordeploy::COLORDEPLOY_TARGET;
using namespace colordeploy::color::COLORDEPLOY_TARGET;
using color::BLOCK;
using color::Output;

constexpr std::ptrdiff_t PIECE = 256;  // pixels that stay in the fastest memory

void blend(const float* __restrict upper, const float* __restrict lower, float share,
           std::ptrdiff_t n, float* __restrict row) {
#pragma omp simd
    for (std::ptrdiff_t i = 0; i < n; ++i) row[i] = upper[i] + share * (lower[i] - upper[i]);
}

// Colours of `n` pixels from `begin` on, CHANNELS values each.
COLORDEPLOY_INLINE void add_up(const DrawingRow& row, std::ptrdiff_t begin, std::ptrdiff_t n,
                               float* sums) {
    typedef float Four __attribute__((vector_size(16)));
    const auto four = [](const float* from) __attribute__((always_inline)) {
        Four values;
        std::memcpy(&values, from, sizeof values);
        return values;
    };
    for (std::ptrdiff_t j = 0; j < n; ++j) {
        Four color = four(row.palette + CHANNELS * row.marks[begin + j]);
        if (row.shading != nullptr) {
            const Pair& pair = row.across[begin + j];
            const Four left = four(row.shading + CHANNELS * pair.first);
            const Four right = four(row.shading + CHANNELS * pair.second);
            color = color + (left + pair.share * (right - left));
        }
        std::memcpy(sums + CHANNELS * j, &color, sizeof color);
    }
}

COLORDEPLOY_INLINE Three colors_of(const float* sums) {
    Three rgb;
#pragma GCC unroll 3
    for (int c = 0; c < 3; ++c) {
        F plane{};
        for (int j = 0; j < LANES; ++j) plane[j] = sums[CHANNELS * j + c];
        rgb.c[c] = plane;
    }
    return rgb;
}

// More or less chroma at the same luma.
COLORDEPLOY_INLINE Three saturated(const Three& rgb, float saturation, const float* weights) {
    const F one = splat(1.0F);
    const F r = clamped(rgb.c[0], one), g = clamped(rgb.c[1], one), b = clamped(rgb.c[2], one);
    const F luma = combined(weights, r, g, b);
    return fitted(clamped(luma, one),
                  {{(r - luma) * saturation, (g - luma) * saturation, (b - luma) * saturation}});
}

COLORDEPLOY_INLINE void saturate(float* sums, std::ptrdiff_t n, const DrawingRow& row) {
    for (std::ptrdiff_t at = 0; at < n; at += LANES) {
        const Three rgb =
            saturated(colors_of(sums + CHANNELS * at), row.saturation, row.tables->luma);
        for (int j = 0; j < LANES; ++j) {
            for (int c = 0; c < 3; ++c) sums[CHANNELS * (at + j) + c] = rgb.c[c][j];
        }
    }
}

COLORDEPLOY_INLINE void round_values(const float* sums, std::ptrdiff_t n, std::uint8_t* bytes) {
#pragma omp simd
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        const float some = sums[i] > 0.0F ? sums[i] : 0.0F;  // NaN: 0
        const float inside = some < 1.0F ? some : 1.0F;
        bytes[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(inside * 255.0F + 0.5F));
    }
}

// (below * (255 - opacity) + ink * opacity) / 255, to the nearest: there are no ties.
COLORDEPLOY_INLINE std::uint8_t mixed(unsigned below, unsigned ink, unsigned opacity) {
    const unsigned sum = below * (255 - opacity) + ink * opacity + 128;
    return static_cast<std::uint8_t>((sum + (sum >> 8)) >> 8);
}

// The same with black ink, two values of a pixel at a time in halves of a word.
COLORDEPLOY_INLINE void lay_black_lines(const std::uint8_t* opacity, std::ptrdiff_t n,
                                        std::uint32_t* words) {
    constexpr std::uint32_t LOW = 0x00ff00ff, HALF = 0x00800080;
#pragma omp simd
    for (std::ptrdiff_t x = 0; x < n; ++x) {
        const std::uint32_t clear = 255U - opacity[x];
        const std::uint32_t even = (words[x] & LOW) * clear + HALF;
        const std::uint32_t odd = ((words[x] >> 8) & LOW) * clear + HALF;
        words[x] =
            (((even + ((even >> 8) & LOW)) >> 8) & LOW) | ((odd + ((odd >> 8) & LOW)) & ~LOW);
    }
}

COLORDEPLOY_INLINE void lay_lines(const std::uint8_t* opacity, const std::uint8_t* ink,
                                  std::ptrdiff_t n, std::uint8_t* bytes) {
    for (std::ptrdiff_t x = 0; x < n; ++x) {
        if (opacity[x] == 0) continue;
        for (int c = 0; c < 3; ++c) {
            bytes[CHANNELS * x + c] = mixed(bytes[CHANNELS * x + c], ink[3 * x + c], opacity[x]);
        }
    }
}

// Eight bits: lines are laid over rounded colours.
COLORDEPLOY_INLINE void lay_over(const DrawingRow& row, std::ptrdiff_t begin, std::ptrdiff_t n,
                                 std::uint32_t* words) {
    if (row.opacity != nullptr && row.ink != nullptr) {
        std::uint8_t bytes[CHANNELS * PIECE];
        std::memcpy(bytes, words, CHANNELS * n);
        lay_lines(row.opacity + begin, row.ink + 3 * begin, n, bytes);
        std::memcpy(words, bytes, CHANNELS * n);
    } else if (row.opacity != nullptr) {
        lay_black_lines(row.opacity + begin, n, words);
    }
    put_words(words, n, static_cast<std::uint8_t*>(row.target) + begin * row.column_stride,
              row.column_stride, row.channel_stride);
}

COLORDEPLOY_INLINE void compose_bytes(const DrawingRow& row, std::ptrdiff_t begin, std::ptrdiff_t n,
                                      float* sums) {
    std::uint32_t words[PIECE];
    std::uint8_t bytes[CHANNELS * PIECE];
    if (row.saturation != 1.0F) saturate(sums, n, row);
    round_values(sums, CHANNELS * n, bytes);
    std::memcpy(words, bytes, CHANNELS * n);
    lay_over(row, begin, n, words);
}

// The same unrounded, for the outputs that hold more.
COLORDEPLOY_INLINE void compose_reals(const DrawingRow& row, std::ptrdiff_t begin, std::ptrdiff_t n,
                                      const float* sums) {
    const F one = splat(1.0F);
    for (std::ptrdiff_t at = 0; at < n; at += BLOCK) {
        const std::ptrdiff_t count = n - at < BLOCK ? n - at : BLOCK;
        float cover[BLOCK] = {}, ink[3][BLOCK] = {};
        for (std::ptrdiff_t j = 0; row.opacity != nullptr && j < count; ++j) {
            cover[j] = static_cast<float>(row.opacity[begin + at + j]) / 255.0F;
            for (int c = 0; row.ink != nullptr && c < 3; ++c) {
                ink[c][j] = static_cast<float>(row.ink[3 * (begin + at + j) + c]) / 255.0F;
            }
        }
        Block block;
        for (int p = 0; p < BLOCK; p += LANES) {
            Three rgb = colors_of(sums + CHANNELS * (at + p));
            if (row.saturation != 1.0F) rgb = saturated(rgb, row.saturation, row.tables->luma);
            const F over = load(cover + p);
            for (int c = 0; c < 3; ++c) {
                rgb.c[c] = clamped(rgb.c[c], one) * (1.0F - over) + load(ink[c] + p) * over;
            }
            srgb_pixels(rgb, row.output, *row.tables, p, block);
        }
        put(block, count, row.output, row.target, begin + at, row.column_stride,
            row.channel_stride);
    }
}

void compose(const DrawingRow& row) {
    float sums[CHANNELS * PIECE] = {};
    for (std::ptrdiff_t begin = 0; begin < row.pixels; begin += PIECE) {
        const std::ptrdiff_t n = row.pixels - begin < PIECE ? row.pixels - begin : PIECE;
        if (row.words != nullptr) {
            std::uint32_t words[PIECE];
            for (std::ptrdiff_t j = 0; j < n; ++j) words[j] = row.words[row.marks[begin + j]];
            lay_over(row, begin, n, words);
            continue;
        }
        add_up(row, begin, n, sums);
        if (row.output == Output::rgb8) {
            compose_bytes(row, begin, n, sums);
        } else {
            compose_reals(row, begin, n, sums);
        }
    }
}

}  // namespace

extern const DrawingTable drawing_table = {blend, compose};

}  // namespace colordeploy::drawing::COLORDEPLOY_TARGET
