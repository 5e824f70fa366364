// Edge weights on the device, see ../graph.hpp (LGA-Net, Eq. 1).
#pragma once

#include <cmath>

#include "../graph.hpp"
#include "launch.hpp"
#include "solver.hpp"

namespace colordeploy::propagation::cuda {

template <typename T>
struct Features {
    const T* values;
    FeatureLayout layout;
    std::int64_t width;
    double inverse_sigma;

    COLORDEPLOY_DEVICE double value(std::int64_t pixel, std::int64_t c) const {
        const std::int64_t y = pixel / width, x = pixel % width;
        return static_cast<double>(values[y * layout.down + x * layout.right + c * layout.across]);
    }
    COLORDEPLOY_DEVICE double affinity(std::int64_t a, std::int64_t b) const {
        double sum = 0.0;
        for (std::int64_t c = 0; c < layout.channels; ++c) {
            const double difference = (value(a, c) - value(b, c)) * inverse_sigma;
            sum += difference * difference;
        }
        return std::exp(-0.5 * sum);
    }
};

// Four planes, as ../graph.hpp says. Block.x: a piece of the pixels.
template <typename T>
struct LocalAffinities {
    static constexpr int kPiece = 256;

    Features<T> features;
    std::int64_t height;
    double* local;
    int* odd;  // marked when a feature is not finite

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        constexpr int kDown[4] = {0, 1, 1, 1}, kRight[4] = {1, -1, 0, 1};  // kDirections
        block.each(kPiece, [&](std::int64_t i) {
            const std::int64_t pixel = block.x * kPiece + i;
            const std::int64_t width = features.width;
            if (pixel >= height * width) return;
            for (std::int64_t c = 0; c < features.layout.channels; ++c) {
                const double value = features.value(pixel, c);
                if (!(value - value == 0.0)) mark(odd);
            }
            const std::int64_t y = pixel / width, x = pixel % width;
            for (int d = 0; d < 4; ++d) {
                const std::int64_t y2 = y + kDown[d], x2 = x + kRight[d];
                const bool inside = y2 < height && x2 >= 0 && x2 < width;
                local[d * height * width + pixel] =
                    inside ? features.affinity(pixel, y2 * width + x2) : 0.0;
            }
        });
    }
};

// The packed strict lower triangle. Block.x: the pair's first point.
template <typename T>
struct GlobalAffinities {
    Features<T> features;
    const std::int32_t* points;
    double* global;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        const std::int64_t i = block.x;
        block.each(i, [&](std::int64_t j) {
            global[i * (i - 1) / 2 + j] = features.affinity(points[i], points[j]);
        });
    }
};

}  // namespace colordeploy::propagation::cuda
