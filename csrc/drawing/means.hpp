// Mean colours of regions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colordeploy::drawing {

// Three planes or interleaved triples, not owned; strides in values.
struct Colors {
    const float* values;
    std::ptrdiff_t rows, columns;
    std::ptrdiff_t row_stride, column_stride, channel_stride;

    float at(std::ptrdiff_t y, std::ptrdiff_t x, int c) const {
        return values[y * row_stride + x * column_stride + c * channel_stride];
    }
};

// A label for each pixel; contiguous rows, not owned.
struct Labels {
    const std::int32_t* marks;
    std::ptrdiff_t rows, columns;
};

// Mean colour of every label that is `wanted`, 0 to count - 1: `means` is count triples, `pixels`
// how many pixels each of them has; zeros for others. Colours are enlarged bilinearly to the
// labels' size. The result does not depend on `threads`. Throws std::out_of_range for other labels.
void region_means(const Colors& colors, const Labels& labels, const std::uint8_t* wanted,
                  std::ptrdiff_t count, int threads, float* means, std::int64_t* pixels);

}  // namespace colordeploy::drawing
