// A host's pictures, of every format, as the planes that methods work on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../cancel.hpp"
#include "../view.hpp"

namespace colordeploy::pictures {

enum class Sample { bytes, words, floats };

// A picture in somebody else's memory, gamma-encoded sRGB: bytes, words, or floats in [0, 1]; grey,
// red, green and blue, or with straight alpha, which is laid over white.
struct Image {
    const void* data;
    Sample sample;
    int channels;   // 1, 3 or 4
    bool reversed;  // blue, green, red
    std::ptrdiff_t rows, columns;
    std::ptrdiff_t row_bytes, column_bytes;  // of any sign

    const unsigned char* row(std::ptrdiff_t y) const {
        return static_cast<const unsigned char*>(data) + y * row_bytes;
    }
};

// Luma (BT.601) in [0, 1], and CIE L in [0, 100]: rows * columns values. Throw InputError for
// floats that are not finite or outside of [0, 1] by more than rounding, and Cancelled.
std::vector<float> luma_of(const Image& image, int threads, const CancelFlag* cancel);
std::vector<float> lightness_of(const Image& image, int threads, const CancelFlag* cancel);

// Values in [0, 1], three to a pixel: grey ones are repeated.
std::vector<float> rgb_of(const Image& image, int threads, const CancelFlag* cancel);

// Samples over white: three to a pixel, or of grey ones, one; those of bytes as they are, others in
// [0, 1].
std::vector<float> floats_of(const Image& image, int threads, const CancelFlag* cancel);
std::vector<std::uint8_t> bytes_of(const Image& image, int threads, const CancelFlag* cancel);

// Tells one picture from another: of its size, its format and all its samples.
std::string fingerprint(const Image& image);

}  // namespace colordeploy::pictures
