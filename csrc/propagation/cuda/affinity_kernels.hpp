// Edge weights on the device, see ../graph.hpp (LGA-Net, Eq. 1).
#pragma once

#include <cmath>

#include "directions.hpp"
#include "launch.hpp"
#include "solver.hpp"

namespace colordeploy::propagation::cuda {

template <typename T>
struct Features {
    const T* values;
    FeatureLayout layout;
    double inverse_sigma;

    COLORDEPLOY_DEVICE const T* of(std::int64_t y, std::int64_t x) const {
        return values + y * layout.down + x * layout.right;
    }
    COLORDEPLOY_DEVICE double affinity(const T* a, const T* b) const {
        double sum = 0.0;
        for (std::int64_t c = 0; c < layout.channels; ++c) {
            const double difference =
                (static_cast<double>(*a) - static_cast<double>(*b)) * inverse_sigma;
            sum += difference * difference;
            a += layout.across;
            b += layout.across;
        }
        return std::exp(-0.5 * sum);
    }
    COLORDEPLOY_DEVICE bool finite(const T* a) const {
        bool all = true;
        for (std::int64_t c = 0; c < layout.channels; ++c, a += layout.across) {
            all = all && *a - *a == T{0};
        }
        return all;
    }
};

// Four planes, as ../graph.hpp says. Block.x: a piece of the pixels.
template <typename T>
struct LocalAffinities {
    static constexpr int kMost = 256;
    static constexpr int kAtOnce = 1;
    static constexpr int kPiece = 256;

    Features<T> features;
    std::int64_t height, width;
    double* local;
    int* odd;  // marked when a feature is not finite

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        block.each(kPiece, [&](std::int64_t i) {
            const std::int64_t pixel = block.x * kPiece + i, plane = height * width;
            if (pixel >= plane) return;
            const std::int64_t y = pixel / width, x = pixel - y * width;
            const T* own = features.of(y, x);
            if (!features.finite(own)) mark(odd);
#pragma unroll 1
            for (int d = 0; d < 4; ++d) {  // kDirections
                const std::int64_t y2 = y + dy_of(d), x2 = x + dx_of(d);
                const bool inside = y2 < height && x2 >= 0 && x2 < width;
                local[d * plane + pixel] =
                    inside ? features.affinity(own, features.of(y2, x2)) : 0.0;
            }
        });
    }
};

// The packed strict lower triangle. Block.x: the pair's first point.
template <typename T>
struct GlobalAffinities {
    static constexpr int kMost = 128;
    static constexpr int kAtOnce = 1;
    Features<T> features;
    const std::int32_t* points;
    std::int64_t width;
    double* global;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        const std::int64_t i = block.x;
        const T* own = of(points[i]);
        block.each(i, [&](std::int64_t j) {
            global[i * (i - 1) / 2 + j] = features.affinity(own, of(points[j]));
        });
    }

 private:
    COLORDEPLOY_DEVICE const T* of(std::int64_t pixel) const {
        return features.of(pixel / width, pixel % width);
    }
};

}  // namespace colordeploy::propagation::cuda
