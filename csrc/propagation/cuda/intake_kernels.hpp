// What callers give, looked at on the device.
#pragma once

#include "launch.hpp"

namespace colordeploy::propagation::cuda {

// Notes whether any pixel is marked. Block.x: a piece of the pixels.
struct FindMark {
    static constexpr int kMost = 256;
    static constexpr int kAtOnce = 1;
    static constexpr int kPiece = 4096;

    const std::uint8_t* mask;
    std::int64_t pixels;
    int* found;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        block.each(kPiece, [&](std::int64_t i) {
            const std::int64_t pixel = block.x * kPiece + i;
            if (pixel < pixels && mask[pixel]) mark(found);
        });
    }
};

// A device array of another type as double; marks what is not finite.
template <typename T>
struct Convert {
    static constexpr int kMost = 256;
    static constexpr int kAtOnce = 1;
    static constexpr int kPiece = 1024;

    const T* source;
    double* target;
    std::int64_t count;
    int* odd;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        block.each(kPiece, [&](std::int64_t i) {
            const std::int64_t at = block.x * kPiece + i;
            if (at >= count) return;
            const double value = static_cast<double>(source[at]);
            if (!(value - value == 0.0)) mark(odd);
            target[at] = value;
        });
    }
};

}  // namespace colordeploy::propagation::cuda
