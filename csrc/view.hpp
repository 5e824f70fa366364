// Pixels in somebody else's memory: not owned, strides of any sign, counted in values.
#pragma once

#include <cstddef>

namespace colordeploy {

template <typename T>
struct Plane {
    T* data;
    std::ptrdiff_t rows, columns;
    std::ptrdiff_t row_stride, column_stride;

    T& at(std::ptrdiff_t y, std::ptrdiff_t x) const {
        return data[y * row_stride + x * column_stride];
    }
};

template <typename T>
struct Channels {
    T* data;
    std::ptrdiff_t rows, columns;
    std::ptrdiff_t row_stride, column_stride, channel_stride;

    T& at(std::ptrdiff_t y, std::ptrdiff_t x, std::ptrdiff_t c) const {
        return data[y * row_stride + x * column_stride + c * channel_stride];
    }
};

// Part of a picture; ends are exclusive.
struct Rectangle {
    std::ptrdiff_t y0, x0, y1, x1;

    std::ptrdiff_t rows() const { return y1 - y0; }
    std::ptrdiff_t columns() const { return x1 - x0; }
    bool lies_in(std::ptrdiff_t height, std::ptrdiff_t width) const {
        return 0 <= y0 && y0 < y1 && y1 <= height && 0 <= x0 && x0 < x1 && x1 <= width;
    }
};

}  // namespace colordeploy
