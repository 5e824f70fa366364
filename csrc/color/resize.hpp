// Planes at the size that networks see: bit for bit as Pillow resizes a plane of floats (bicubic,
// a = -0.5, antialiased), columns first, in sums of double precision. Pictures that people see are
// resampled faster, see resample.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../cancel.hpp"
#include "../view.hpp"

namespace colordeploy::color {

// T is float or std::uint8_t, 255 of which is 1. A plane that has the size already is copied.
template <typename T>
void resize(const Plane<const T>& source, const Plane<float>& result, int threads,
            const CancelFlag* cancel);

struct Size {
    std::ptrdiff_t rows, columns;

    bool operator==(const Size&) const = default;
};

// How a picture comes to its working size.
struct Fitting {
    bool bounded = false;   // long strips are kept down to the area of an 8:1 picture
    bool enlarged = false;  // a picture of at least a quarter of it is brought up to it
};

// The size at which a method works on a picture: with that short side, aspect ratio kept.
Size working_size(Size picture, std::ptrdiff_t short_side, Fitting fitting);

constexpr std::ptrdiff_t RESIZED_ROWS = 8;  // that are resized side by side

// What is compiled for each instruction set.
struct ResizeTable {
    // sums[j] = the sum over k of weights[k] * block[k * RESIZED_ROWS + j].
    void (*across)(const float* block, const double* weights, std::ptrdiff_t taps, float* sums);
    // sums[x] += weight * row[x] for `n` values.
    void (*add)(const float* row, double weight, std::ptrdiff_t n, double* sums);
};

}  // namespace colordeploy::color
