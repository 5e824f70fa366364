// Formulas of pixels, many at a time, and how pixels are written.
#pragma once

#include "../isa/vector.hpp"
#include "rows.hpp"
#include "spaces.hpp"

namespace colordeploy::color::COLORDEPLOY_TARGET {

using namespace colordeploy::COLORDEPLOY_TARGET;

namespace {

constexpr int PARTS = BLOCK / LANES;
constexpr int CELLS = Tables::CELLS;
constexpr int BISECTIONS = 12;
// Within so many units of L of black and white the gamut's forgiveness fades to nothing.
constexpr float FADE = 8.0F;

struct Three {
    F c[3];
};

COLORDEPLOY_INLINE F decoded(F srgb, const float* table) {
    const F place = clamped(srgb, splat(1.0F)) * static_cast<float>(CELLS);
    const I cell = truncated(place);
    F low, high;
#pragma GCC unroll 16
    for (int j = 0; j < LANES; ++j) {
        low[j] = table[cell[j]];
        high[j] = table[cell[j] + 1];
    }
    return low + (high - low) * (place - as_float(cell));
}

COLORDEPLOY_INLINE F cubed(F root) {
    return root > LINE_BELOW ? root * root * root : (root - LINE_AT_ZERO) * LINE_SLOPE;
}

COLORDEPLOY_INLINE F rooted(F value) {
    constexpr float edge = LINE_BELOW * LINE_BELOW * LINE_BELOW, slope = 1.0F / LINE_SLOPE;
    const F root = cube_root(max(value, splat(edge)));
    return value > edge ? root : slope * value + LINE_AT_ZERO;
}

COLORDEPLOY_INLINE F combined(const float* m, F a, F b, F c) {
    return m[0] * a + m[1] * b + m[2] * c;
}

COLORDEPLOY_INLINE Three linear_rgb(F light, F a, F b, const float* m) {
    const F y = (light + 16.0F) / 116.0F;
    const F x = cubed(y + a / 500.0F), z = cubed(y - b / 200.0F), w = cubed(y);
    return {{combined(m, x, w, z), combined(m + 3, x, w, z), combined(m + 6, x, w, z)}};
}

COLORDEPLOY_INLINE Three lab_of_linear(const Three& rgb, const float* m) {
    const F x = rooted(combined(m, rgb.c[0], rgb.c[1], rgb.c[2]));
    const F y = rooted(combined(m + 3, rgb.c[0], rgb.c[1], rgb.c[2]));
    const F z = rooted(combined(m + 6, rgb.c[0], rgb.c[1], rgb.c[2]));
    return {{116.0F * y - 16.0F, 500.0F * (x - y), 200.0F * (y - z)}};
}

// A gray value and what makes it a colour. Outside of [0, 1] colours keep luma and hue and lose
// chroma until they fit.
COLORDEPLOY_INLINE Three fitted(F y, const Three& offset) {
    const F one = splat(1.0F);
    F part = one;
#pragma GCC unroll 3
    for (int c = 0; c < 3; ++c) {
        const F room = offset.c[c] > 0.0F ? 1.0F - y : y;
        const F magnitude = absolute(offset.c[c]);
        part = magnitude > room ? min(part, room / magnitude) : part;
    }
    Three rgb;
#pragma GCC unroll 3
    for (int c = 0; c < 3; ++c) rgb.c[c] = clamped(y + part * offset.c[c], one);
    return rgb;
}

COLORDEPLOY_INLINE Three srgb_of_luma(F luma, F u, F v, const float* m) {
    Three offset;
#pragma GCC unroll 3
    for (int c = 0; c < 3; ++c) offset.c[c] = u * m[c] + v * m[3 + c];
    return fitted(clamped(luma, splat(1.0F)), offset);
}

COLORDEPLOY_INLINE I fits(const Three& rgb, F low, F high) {
    return (min(min(rgb.c[0], rgb.c[1]), rgb.c[2]) >= low) &
           (max(max(rgb.c[0], rgb.c[1]), rgb.c[2]) <= high);
}

// The part of the chroma with which a colour lies inside of sRGB: by bisection, for sRGB is
// star-shaped around its gray axis. Half a level of eight bits outside is forgiven, so that sRGB's
// own colours pass; but not at black and white, which would lose their purity to it.
COLORDEPLOY_INLINE F part_inside(F light, F a, F b, const RowTables& tables, Three& rgb) {
    rgb = linear_rgb(light, a, b, tables.xyz_to_rgb);
    const F one = splat(1.0F);
    const F fade = min(min(light / FADE, (100.0F - light) / FADE), one);
    const F low = tables.below * fade, high = 1.0F + (tables.above - 1.0F) * fade;
    const I inside_already = fits(rgb, low, high);
    if (!any(~inside_already)) return one;
    F inside = splat(0.0F), outside = one;
    for (int k = 0; k < BISECTIONS; ++k) {
        const F middle = 0.5F * (inside + outside);
        const I fitting =
            fits(linear_rgb(light, a * middle, b * middle, tables.xyz_to_rgb), low, high);
        inside = fitting ? middle : inside;
        outside = fitting ? outside : middle;
    }
    inside = inside_already ? one : inside;
    rgb = linear_rgb(light, a * inside, b * inside, tables.xyz_to_rgb);
    return inside;
}

// Rounded sRGB by thresholds, exactly as the formula rounds.
COLORDEPLOY_INLINE I encoded8(F linear, const RowTables& tables) {
    const F inside = clamped(linear, splat(1.0F));
    I cell = truncated(inside * static_cast<float>(CELLS));
    cell = cell < CELLS - 1 ? cell : CELLS - 1 - I{};
    I level;
    F next;
#pragma GCC unroll 16
    for (int j = 0; j < LANES; ++j) {
        level[j] = tables.levels[cell[j]];
        next[j] = tables.thresholds[level[j] + 1];
    }
    return level - (inside >= next);  // true is -1
}

COLORDEPLOY_INLINE I rounded(F value, float most) {
    return truncated(clamped(value, splat(1.0F)) * most + 0.5F);
}

// The curve of sRGB: x^(1/2.4) is c sqrt(sqrt(c)) of the cube root c.
COLORDEPLOY_INLINE F gamma(F linear) {
    const F inside = clamped(linear, splat(1.0F));
    const F root = cube_root(max(inside, splat(0.0031308F)));
    const F curve = 1.055F * root * square_root(square_root(root)) - 0.055F;
    return inside <= 0.0031308F ? 12.92F * inside : curve;
}

union Block {
    std::int32_t whole[3][BLOCK];
    float real[3][BLOCK];
};

// sRGB in [0, 1].
COLORDEPLOY_INLINE void srgb_pixels(const Three& rgb, Output output, const RowTables& tables,
                                    int at, Block& block) {
    if (output == Output::lab) {
        const Three linear = {{decoded(rgb.c[0], tables.decoded), decoded(rgb.c[1], tables.decoded),
                               decoded(rgb.c[2], tables.decoded)}};
        const Three lab = lab_of_linear(linear, tables.rgb_to_xyz);
        for (int c = 0; c < 3; ++c) store(block.real[c] + at, lab.c[c]);
        return;
    }
    const float most = output == Output::rgb8 ? 255.0F : 65535.0F;
#pragma GCC unroll 3
    for (int c = 0; c < 3; ++c) store(block.whole[c] + at, rounded(rgb.c[c], most));
}

template <typename T, typename Source>
COLORDEPLOY_INLINE void put_strided(const Source (*from)[BLOCK], std::ptrdiff_t n, T* to,
                                    std::ptrdiff_t column_stride, std::ptrdiff_t channel_stride) {
    for (std::ptrdiff_t j = 0; j < n; ++j) {
        for (int c = 0; c < 3; ++c) {
            to[j * column_stride + c * channel_stride] = static_cast<T>(from[c][j]);
        }
    }
}

// The three low bytes of each word.
COLORDEPLOY_INLINE void put_words(const std::uint32_t* words, std::ptrdiff_t n, std::uint8_t* to,
                                  std::ptrdiff_t column_stride, std::ptrdiff_t channel_stride) {
    std::ptrdiff_t j = 0;
#if defined(__SSSE3__)
    // Each store's last four bytes are the next one's first, but for the last one's.
    if (column_stride == 3 && channel_stride == 1) {
        typedef std::uint8_t Bytes __attribute__((vector_size(16)));
        for (; j + 4 <= n; j += 4) {
            Bytes four;
            std::memcpy(&four, words + j, 16);
            four = __builtin_shufflevector(four, four, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7,
                                           11, 15);
            if (j + 8 <= n) {
                std::memcpy(to + 3 * j, &four, 16);
            } else {
                std::memcpy(to + 3 * j, &four, 12);
            }
        }
    }
#endif
    for (; j < n; ++j) {
        std::uint8_t* pixel = to + j * column_stride;
        pixel[0] = static_cast<std::uint8_t>(words[j]);
        pixel[channel_stride] = static_cast<std::uint8_t>(words[j] >> 8);
        pixel[2 * channel_stride] = static_cast<std::uint8_t>(words[j] >> 16);
    }
}

COLORDEPLOY_INLINE void put(const Block& block, std::ptrdiff_t n, Output output, void* target,
                            std::ptrdiff_t begin, std::ptrdiff_t column_stride,
                            std::ptrdiff_t channel_stride) {
    const std::ptrdiff_t at = begin * column_stride;
    if (output == Output::rgb8) {
        std::uint32_t words[BLOCK];
#pragma omp simd
        for (int j = 0; j < BLOCK; ++j) {
            words[j] = static_cast<std::uint32_t>(block.whole[0][j] | block.whole[1][j] << 8 |
                                                  block.whole[2][j] << 16);
        }
        put_words(words, n, static_cast<std::uint8_t*>(target) + at, column_stride, channel_stride);
    } else if (output == Output::rgb16) {
        put_strided(block.whole, n, static_cast<std::uint16_t*>(target) + at, column_stride,
                    channel_stride);
    } else {
        put_strided(block.real, n, static_cast<float*>(target) + at, column_stride, channel_stride);
    }
}

}  // namespace

}  // namespace colordeploy::color::COLORDEPLOY_TARGET
