#pragma once

#include "pixels_impl.hpp"

namespace colordeploy::color::COLORDEPLOY_TARGET {

namespace {

COLORDEPLOY_INLINE void luma_pixels(F light, F u, F v, Output output, const RowTables& tables,
                                    int at, Block& block) {
    srgb_pixels(srgb_of_luma(light, u, v, tables.chroma_to_rgb), output, tables, at, block);
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
        float base[2][BLOCK];
        if (row.base_u != nullptr) {
            for (std::ptrdiff_t j = 0; j < BLOCK; ++j) {
                const std::ptrdiff_t at = (begin + (j < n ? j : 0)) * row.base_stride;
                base[0][j] = row.base_u[at];
                base[1][j] = row.base_v[at];
            }
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
            if (row.base_u != nullptr) {
                u += load(base[0] + p * LANES);
                v += load(base[1] + p * LANES);
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

void to_lab(const float* rgb, std::ptrdiff_t n, const RowTables& tables, float* lab) {
    for (std::ptrdiff_t begin = 0; begin < n; begin += LANES) {
        const std::ptrdiff_t count = n - begin < LANES ? n - begin : LANES;
        float values[3][LANES] = {};
        for (std::ptrdiff_t j = 0; j < count; ++j) {
            for (int c = 0; c < 3; ++c) values[c][j] = rgb[3 * (begin + j) + c];
        }
        const Three found = lab_of_linear(
            {{decoded(load(values[0]), tables.decoded), decoded(load(values[1]), tables.decoded),
              decoded(load(values[2]), tables.decoded)}},
            tables.rgb_to_xyz);
        for (int c = 0; c < 3; ++c) store(values[c], found.c[c]);
        for (std::ptrdiff_t j = 0; j < count; ++j) {
            for (int c = 0; c < 3; ++c) lab[3 * (begin + j) + c] = values[c][j];
        }
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

extern const ColorTable color_table = {blend, compose, compose_lab, to_lightness, to_lab};

}  // namespace colordeploy::color::COLORDEPLOY_TARGET
