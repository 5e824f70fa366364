// Rows of coloured drawings: what is compiled for each instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../color/output.hpp"

namespace colordeploy::drawing {

constexpr int CHANNELS = 4;  // three, filled up to a vector register

// The two source positions of an output position; the second has this share.
struct Pair {
    std::ptrdiff_t first, second;
    float share;
};

struct DrawingRow {
    const std::int32_t* marks;  // all of them have a colour
    std::ptrdiff_t pixels;
    const float* palette;        // CHANNELS values a region
    const std::uint32_t* words;  // the same in bytes, for them unshaded; null: not given
    const float* shading;        // at the row's height, CHANNELS values a source; null: none
    const Pair* across;
    const std::uint8_t* opacity;  // of the lines; null: none
    const std::uint8_t* ink;      // triples; null: black
    float saturation;
    color::Output output;
    void* target;
    std::ptrdiff_t column_stride, channel_stride;
    const color::RowTables* tables;
};

struct DrawingTable {
    // upper + share * (lower - upper), n values.
    void (*blend)(const float* upper, const float* lower, float share, std::ptrdiff_t n,
                  float* row);
    void (*compose)(const DrawingRow& row);
};

}  // namespace colordeploy::drawing
