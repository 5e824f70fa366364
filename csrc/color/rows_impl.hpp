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

// Colours outside of [0, 1] keep luma and hue and lose chroma until they fit.
COLORDEPLOY_INLINE Three srgb_of_luma(F luma, F u, F v, const float* m) {
    const F one = splat(1.0F), y = clamped(luma, one);
    F part = one;
    Three offset;
#pragma GCC unroll 3
    for (int c = 0; c < 3; ++c) {
        offset.c[c] = u * m[c] + v * m[3 + c];
        const F room = offset.c[c] > 0.0F ? 1.0F - y : y;
        const F magnitude = absolute(offset.c[c]);
        part = magnitude > room ? min(part, room / magnitude) : part;
    }
    Three rgb;
#pragma GCC unroll 3
    for (int c = 0; c < 3; ++c) rgb.c[c] = clamped(y + part * offset.c[c], one);
    return rgb;
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

COLORDEPLOY_INLINE void luma_pixels(F light, F u, F v, Output output, const RowTables& tables,
                                    int at, Block& block) {
    const Three rgb = srgb_of_luma(light, u, v, tables.chroma_to_rgb);
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

// light in [0, 100].
COLORDEPLOY_INLINE void lab_pixels(F light, F a, F b, Output output, const RowTables& tables,
                                   int at, Block& block) {
    light = clamped(light, splat(100.0F));
    Three rgb;
    const F part = part_inside(light, a, b, tables, rgb);
    if (output == Output::lab) {
        store(block.real[0] + at, light);
        store(block.real[1] + at, part * a);
        store(block.real[2] + at, part * b);
        return;
    }
#pragma GCC unroll 3
    for (int c = 0; c < 3; ++c) {
        store(block.whole[c] + at, output == Output::rgb8 ? encoded8(rgb.c[c], tables)
                                                          : rounded(gamma(rgb.c[c]), 65535.0F));
    }
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

// BLOCK packed triples of bytes.
COLORDEPLOY_INLINE void put_packed(const std::int32_t (*from)[BLOCK], std::uint8_t* to) {
#if defined(__SSSE3__)
    typedef std::uint32_t Words __attribute__((vector_size(16)));
    typedef std::uint8_t Bytes __attribute__((vector_size(16)));
    Bytes packed[4];
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
        Words r, g, b;
        std::memcpy(&r, from[0] + 4 * q, 16);
        std::memcpy(&g, from[1] + 4 * q, 16);
        std::memcpy(&b, from[2] + 4 * q, 16);
        const Bytes pixels = reinterpret_cast<Bytes>(r | g << 8 | b << 16);
        packed[q] = __builtin_shufflevector(pixels, pixels, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14,
                                            3, 7, 11, 15);
    }
    // Each store's last four bytes are the next one's first.
    for (int q = 0; q < 3; ++q) std::memcpy(to + 12 * q, &packed[q], 16);
    std::memcpy(to + 36, &packed[3], 12);
#else
    for (int j = 0; j < BLOCK; ++j) {
        for (int c = 0; c < 3; ++c) to[3 * j + c] = static_cast<std::uint8_t>(from[c][j]);
    }
#endif
}

COLORDEPLOY_INLINE void put(const Block& block, std::ptrdiff_t n, Output output, void* target,
                            std::ptrdiff_t begin, std::ptrdiff_t column_stride,
                            std::ptrdiff_t channel_stride) {
    const std::ptrdiff_t at = begin * column_stride;
    if (output == Output::rgb8) {
        auto* to = static_cast<std::uint8_t*>(target) + at;
        if (n == BLOCK && column_stride == 3 && channel_stride == 1) {
            put_packed(block.whole, to);
        } else {
            put_strided(block.whole, n, to, column_stride, channel_stride);
        }
    } else if (output == Output::rgb16) {
        put_strided(block.whole, n, static_cast<std::uint16_t*>(target) + at, column_stride,
                    channel_stride);
    } else {
        put_strided(block.real, n, static_cast<float*>(target) + at, column_stride, channel_stride);
    }
}

// The sums of a band for `count` planes, PARTS vectors each.
template <int COUNT>
COLORDEPLOY_INLINE void gather(const Row& row, const Band& band, F (*sums)[PARTS]) {
    for (std::ptrdiff_t k = 0; k < band.taps; ++k) {
        const float* weights = row.weights + band.weights + k * BLOCK;
        const float* source = row.planes + band.first + k;
#pragma GCC unroll 5
        for (int c = 0; c < COUNT; ++c) {
            const float value = source[c * row.plane_size];
#pragma GCC unroll 4
            for (int p = 0; p < PARTS; ++p) sums[c][p] += load(weights + p * LANES) * value;
        }
    }
}

template <Space SPACE, Output OUTPUT, bool SLOPED>
void compose_row(const Row& row) {
    const RowTables& tables = *row.tables;
    float padded[BLOCK] = {};
    for (std::ptrdiff_t begin = 0; begin < row.pixels; begin += BLOCK) {
        const std::ptrdiff_t left = row.pixels - begin;
        const std::ptrdiff_t n = left < BLOCK ? left : BLOCK;
        const float* light = row.light + begin * row.light_stride;
        if (n < BLOCK || row.light_stride != 1) {
            for (std::ptrdiff_t j = 0; j < n; ++j) padded[j] = light[j * row.light_stride];
            light = padded;
        }
        F sums[PLANES][PARTS] = {};
        gather<SLOPED ? PLANES : 2>(row, row.bands[begin / BLOCK], sums);
        Block block;
#pragma GCC unroll 4
        for (int p = 0; p < PARTS; ++p) {
            const F seen = load(light + p * LANES);
            F u = sums[0][p], v = sums[1][p];
            if (SLOPED) {
                const F detail = seen - sums[4][p];
                u += sums[2][p] * detail;
                v += sums[3][p] * detail;
            }
            if (SPACE == Space::luma) {
                luma_pixels(seen, finite_or_zero(u * row.saturation),
                            finite_or_zero(v * row.saturation), OUTPUT, tables, p * LANES, block);
            } else {
                lab_pixels(100.0F * seen, finite_or_zero(AB_SCALE * u * row.saturation),
                           finite_or_zero(AB_SCALE * v * row.saturation), OUTPUT, tables, p * LANES,
                           block);
            }
        }
        put(block, n, OUTPUT, row.target, begin, row.column_stride, row.channel_stride);
    }
}

template <Space SPACE, Output OUTPUT>
void compose_row_sloped(const Row& row) {
    row.sloped ? compose_row<SPACE, OUTPUT, true>(row) : compose_row<SPACE, OUTPUT, false>(row);
}

template <Space SPACE>
void compose_row_in(const Row& row) {
    switch (row.output) {
        case Output::rgb8:
            return compose_row_sloped<SPACE, Output::rgb8>(row);
        case Output::rgb16:
            return compose_row_sloped<SPACE, Output::rgb16>(row);
        case Output::lab:
            return compose_row_sloped<SPACE, Output::lab>(row);
    }
}

void compose(const Row& row) {
    row.space == Space::luma ? compose_row_in<Space::luma>(row) : compose_row_in<Space::lab>(row);
}

void compose_lab(const float* lightness, const float* ab, std::ptrdiff_t n, const RowTables& tables,
                 std::uint8_t* rgb) {
    for (std::ptrdiff_t begin = 0; begin < n; begin += BLOCK) {
        const std::ptrdiff_t count = n - begin < BLOCK ? n - begin : BLOCK;
        float values[3][BLOCK] = {};
        for (std::ptrdiff_t j = 0; j < count; ++j) {
            values[0][j] = lightness[begin + j];
            values[1][j] = ab[2 * (begin + j)];
            values[2][j] = ab[2 * (begin + j) + 1];
        }
        Block block;
#pragma GCC unroll 4
        for (int p = 0; p < PARTS; ++p) {
            lab_pixels(load(values[0] + p * LANES), finite_or_zero(load(values[1] + p * LANES)),
                       finite_or_zero(load(values[2] + p * LANES)), Output::rgb8, tables, p * LANES,
                       block);
        }
        put(block, count, Output::rgb8, rgb, begin, 3, 1);
    }
}

void to_lightness(float* y, std::ptrdiff_t n) {
    for (std::ptrdiff_t begin = 0; begin < n; begin += LANES) {
        const std::ptrdiff_t count = n - begin < LANES ? n - begin : LANES;
        float values[LANES] = {};
        std::memcpy(values, y + begin, count * sizeof(float));
        store(values, 116.0F * rooted(load(values)) - 16.0F);
        std::memcpy(y + begin, values, count * sizeof(float));
    }
}

void blend(const float* rows, std::ptrdiff_t row_stride, const float* weights, std::ptrdiff_t taps,
           std::ptrdiff_t n, float* __restrict sums) {
    std::memset(sums, 0, n * sizeof(float));
    for (std::ptrdiff_t k = 0; k < taps; ++k) {
        const float weight = weights[k];
        const float* __restrict row = rows + k * row_stride;
#pragma omp simd
        for (std::ptrdiff_t x = 0; x < n; ++x) sums[x] += weight * row[x];
    }
}

}  // namespace

extern const ColorTable color_table = {blend, compose, compose_lab, to_lightness};

}  // namespace colordeploy::color::COLORDEPLOY_TARGET
