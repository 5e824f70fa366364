#include "affinity_map.hpp"

#include <cmath>

namespace colordeploy::propagation {

std::vector<float> affinity_map(const View3<const float>& features, double sigma, std::ptrdiff_t y,
                                std::ptrdiff_t x) {
    const float* own = features.pixel(y, x);
    const double scale = -0.5 / (sigma * sigma);
    std::vector<float> map;
    map.reserve(static_cast<std::size_t>(features.height * features.width));
    for (std::ptrdiff_t row = 0; row < features.height; ++row) {
        for (std::ptrdiff_t column = 0; column < features.width; ++column) {
            const float* other = features.pixel(row, column);
            double distance = 0.0;
            for (std::ptrdiff_t c = 0; c < features.channels; ++c) {
                const double difference =
                    static_cast<double>(other[c]) - static_cast<double>(own[c]);
                distance += difference * difference;
            }
            map.push_back(static_cast<float>(std::exp(distance * scale)));
        }
    }
    return map;
}

}  // namespace colordeploy::propagation
