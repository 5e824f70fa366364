// What pictures are given as, and where they go.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colordeploy::color {

enum class Output {
    rgb8,   // std::uint8_t sRGB
    rgb16,  // std::uint16_t sRGB
    lab     // float CIE L, a, b
};

struct Target {
    void* data;  // of the output's type
    Output output;
    // In values, of any sign. Channels 0 to 2 are written and nothing in between.
    std::ptrdiff_t row_stride, column_stride, channel_stride;

    void* row(std::ptrdiff_t y) const {
        const std::ptrdiff_t at = y * row_stride;
        if (output == Output::rgb8) return static_cast<std::uint8_t*>(data) + at;
        if (output == Output::rgb16) return static_cast<std::uint16_t*>(data) + at;
        return static_cast<float*>(data) + at;
    }
};

// Constants of the formulas in the form that loops over pixels take.
struct RowTables {
    const std::int32_t* levels;
    const float *thresholds, *decoded;
    float below, above;  // half a level of eight bits outside of [0, 1], in linear light
    const float *luma, *chroma_to_rgb, *rgb_to_xyz, *xyz_to_rgb;
};

}  // namespace colordeploy::color
