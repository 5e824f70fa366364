// Bicubic resampling (a = -0.5, centres aligned, weights at the border normalized, antialiased when
// a picture shrinks): Pillow's rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../cancel.hpp"
#include "../view.hpp"

namespace colordeploy::color {

// For the outputs begin to end of `full` many: which of `small` many sources they are made of.
// Weight is float or double.
template <typename Weight>
class Taps {
 public:
    Taps(std::ptrdiff_t small, std::ptrdiff_t full, std::ptrdiff_t begin, std::ptrdiff_t end);

    struct Output {
        std::ptrdiff_t first;  // source
        std::ptrdiff_t count;
        std::ptrdiff_t weights;  // where they begin
    };
    std::ptrdiff_t begin() const { return begin_; }
    std::ptrdiff_t end() const { return begin_ + static_cast<std::ptrdiff_t>(outputs_.size()); }
    const Output& operator[](std::ptrdiff_t output) const { return outputs_[output - begin_]; }
    const Weight* weights(const Output& output) const { return weights_.data() + output.weights; }

 private:
    std::ptrdiff_t begin_;
    std::vector<Output> outputs_;
    std::vector<Weight> weights_;
};

// The plane at another size. T is float or std::uint8_t; bytes are rounded to the nearest.
template <typename T>
void resample(const Plane<const T>& source, const Plane<T>& result, int threads,
              const CancelFlag* cancel);

// What is compiled for each instruction set.
struct ResampleTable {
    // sums[x] += weight * row[x] for `n` values.
    void (*add_floats)(const float* row, float weight, std::ptrdiff_t n, float* sums);
    void (*add_bytes)(const std::uint8_t* row, float weight, std::ptrdiff_t n, float* sums);
    // Sum of products, of a multiple of 16 of them, in an order that is the same everywhere.
    float (*dot)(const float* a, const float* b, std::ptrdiff_t n);
};

}  // namespace colordeploy::color
