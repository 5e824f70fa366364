// Rows of pixels from lightness and chroma: what is compiled for each instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "output.hpp"

namespace colordeploy::color {

constexpr int BLOCK = 16;  // pixels that are composed at a time, whatever the instruction set

// Chroma, slope (chroma a unit of lightness) and lightness of the small size.
constexpr int PLANES = 5;

enum class Space {
    luma,  // BT.601: luma in [0, 1], U and V
    lab    // CIE Lab: lightness in hundredths, a and b in units of AB_SCALE
};
constexpr float AB_SCALE = 110.0F;

// Sources of BLOCK neighbouring pixels: pixel j is the sum over k of weights[k * BLOCK + j] times
// source first + k.
struct Band {
    std::ptrdiff_t first, taps;
    std::ptrdiff_t weights;  // where they begin
};

// Where a row's pixels come from and go to.
struct Row {
    const float* light;
    std::ptrdiff_t light_stride, pixels;
    const float *base_u, *base_v;  // chroma that the sources' is added to; null: none
    std::ptrdiff_t base_stride;
    const float* planes;        // at the row's height: PLANES rows of the sources
    std::ptrdiff_t plane_size;  // from one to the next
    const Band* bands;
    const float* weights;
    bool sloped;  // planes 2 to 4 matter
    Space space;
    Output output;
    float saturation;
    void* target;
    std::ptrdiff_t column_stride, channel_stride;
    const RowTables* tables;
};

struct ColorTable {
    // sums = the sum of rows times weights, `n` values each.
    void (*blend)(const float* rows, std::ptrdiff_t row_stride, const float* weights,
                  std::ptrdiff_t taps, std::ptrdiff_t n, float* sums);
    void (*compose)(const Row& row);
    // Lab triples' parts to eight bits, `n` of them; strides 1 and 2, 3.
    void (*compose_lab)(const float* lightness, const float* ab, std::ptrdiff_t n,
                        const RowTables& tables, std::uint8_t* rgb);
    // Luminance to lightness, in place.
    void (*to_lightness)(float* y, std::ptrdiff_t n);
    // sRGB triples to Lab triples, `n` of them.
    void (*to_lab)(const float* rgb, std::ptrdiff_t n, const RowTables& tables, float* lab);
};

}  // namespace colordeploy::color
