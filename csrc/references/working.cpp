#include "working.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>

#include "../color/lightness.hpp"
#include "../color/resize.hpp"

namespace colordeploy::references {

namespace {

constexpr double MIDDLE = 50.0;     // L of what the encoder sees as 0, and its scale
constexpr double AB_SCALE = 110.0;  // of a and b

}  // namespace

template <typename T>
Working working(const Channels<const T>& samples, std::ptrdiff_t rows, std::ptrdiff_t columns,
                std::ptrdiff_t multiple, int threads, const CancelFlag* cancel) {
    if (multiple < 1) throw std::invalid_argument("multiple must be at least 1");
    const std::ptrdiff_t n = rows * columns;
    Working result{std::vector<float>(3 * n), {}, 0.0F};
    for (int c = 0; c < 3; ++c) {
        const Plane<const T> channel{samples.data + c * samples.channel_stride, samples.rows,
                                     samples.columns, samples.row_stride, samples.column_stride};
        color::resize<T>(channel, {result.rgb.data() + c, rows, columns, 3 * columns, 3}, threads,
                         cancel);
    }
    for (float& value : result.rgb) value = std::clamp(value, 0.0F, 1.0F);
    std::vector<float> lab(3 * n);
    color::lab_of(result.rgb.data(), n, threads, lab.data());
    const std::ptrdiff_t height = (rows + multiple - 1) / multiple * multiple;
    const std::ptrdiff_t width = (columns + multiple - 1) / multiple * multiple;
    result.planes.resize(3 * height * width);
    for (std::ptrdiff_t y = 0; y < height; ++y) {
        for (std::ptrdiff_t x = 0; x < width; ++x) {
            const float* pixel =
                lab.data() + 3 * (std::min(y, rows - 1) * columns + std::min(x, columns - 1));
            float* to = result.planes.data() + y * width + x;
            to[0] = static_cast<float>(pixel[0] / MIDDLE - 1.0);
            to[height * width] = static_cast<float>(pixel[1] / AB_SCALE);
            to[2 * height * width] = static_cast<float>(pixel[2] / AB_SCALE);
        }
    }
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        result.chroma = std::max(result.chroma, std::hypot(lab[3 * i + 1], lab[3 * i + 2]));
    }
    return result;
}

template Working working<float>(const Channels<const float>&, std::ptrdiff_t, std::ptrdiff_t,
                                std::ptrdiff_t, int, const CancelFlag*);
template Working working<std::uint8_t>(const Channels<const std::uint8_t>&, std::ptrdiff_t,
                                       std::ptrdiff_t, std::ptrdiff_t, int, const CancelFlag*);

}  // namespace colordeploy::references
