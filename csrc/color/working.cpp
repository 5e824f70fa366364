#include "working.hpp"

#include <algorithm>
#include <stdexcept>

#include "compose.hpp"
#include "guided.hpp"

namespace colordeploy::color {

namespace {

constexpr std::ptrdiff_t PARTS = 8;      // partial sums
constexpr std::ptrdiff_t LONGEST = 128;  // a run beyond is cut in two

float sum_of(const float* values, std::ptrdiff_t n, std::ptrdiff_t stride) {
    if (n < PARTS) {
        float sum = 0.0F;
        for (std::ptrdiff_t i = 0; i < n; ++i) sum += values[i * stride];
        return sum;
    }
    if (n > LONGEST) {
        const std::ptrdiff_t half = n / 2 - n / 2 % PARTS;
        return sum_of(values, half, stride) + sum_of(values + half * stride, n - half, stride);
    }
    float parts[PARTS];
    for (std::ptrdiff_t j = 0; j < PARTS; ++j) parts[j] = values[j * stride];
    std::ptrdiff_t i = PARTS;
    for (; i + PARTS <= n; i += PARTS) {
        for (std::ptrdiff_t j = 0; j < PARTS; ++j) parts[j] += values[(i + j) * stride];
    }
    float sum = ((parts[0] + parts[1]) + (parts[2] + parts[3])) +
                ((parts[4] + parts[5]) + (parts[6] + parts[7]));
    for (; i < n; ++i) sum += values[i * stride];
    return sum;
}

}  // namespace

void block_means(const Plane<const float>& plane, const Plane<float>& means) {
    if (means.rows < 1 || means.columns < 1 || plane.rows < 1 || plane.rows % means.rows != 0 ||
        plane.columns < 1 || plane.columns % means.columns != 0) {
        throw std::invalid_argument("blocks must fill the plane");
    }
    const std::ptrdiff_t height = plane.rows / means.rows, width = plane.columns / means.columns;
    for (std::ptrdiff_t y = 0; y < means.rows; ++y) {
        for (std::ptrdiff_t x = 0; x < means.columns; ++x) {
            float sum = 0.0F;
            for (std::ptrdiff_t k = 0; k < height; ++k) {
                sum += sum_of(&plane.at(y * height + k, x * width), width, plane.column_stride);
            }
            means.at(y, x) = sum / static_cast<float>(height * width);
        }
    }
}

std::vector<float> chroma_at_working_size(const Channels<const float>& ab,
                                          const Plane<const float>& gray, std::ptrdiff_t rows,
                                          std::ptrdiff_t columns, int threads,
                                          const CancelFlag* cancel) {
    if (rows < 1 || columns < 1 || rows > gray.rows || columns > gray.columns) {
        throw std::invalid_argument("the working size must lie within what the network saw");
    }
    std::vector<float> pairs(2 * rows * columns);
    if (ab.rows == gray.rows && ab.columns == gray.columns) {
        for (std::ptrdiff_t y = 0; y < rows; ++y) {
            for (std::ptrdiff_t x = 0; x < columns; ++x) {
                for (int c = 0; c < 2; ++c) pairs[2 * (y * columns + x) + c] = ab.at(y, x, c);
            }
        }
        return pairs;
    }
    const std::ptrdiff_t n = ab.rows * ab.columns;
    std::vector<float> light(gray.rows * gray.columns), means(n), scaled(2 * n);
    for (std::ptrdiff_t y = 0; y < gray.rows; ++y) {
        for (std::ptrdiff_t x = 0; x < gray.columns; ++x) {
            light[y * gray.columns + x] = (gray.at(y, x) + 1.0F) / 2.0F;
        }
    }
    for (std::ptrdiff_t y = 0; y < ab.rows; ++y) {
        for (std::ptrdiff_t x = 0; x < ab.columns; ++x) {
            for (int c = 0; c < 2; ++c) {
                scaled[2 * (y * ab.columns + x) + c] = ab.at(y, x, c) / AB_SCALE;
            }
        }
    }
    const Plane<const float> whole{light.data(), gray.rows, gray.columns, gray.columns, 1};
    block_means(whole, {means.data(), ab.rows, ab.columns, ab.columns, 1});
    const GuidedChroma small({scaled.data(), ab.rows, ab.columns, 2 * ab.columns, 2, 1},
                             {means.data(), ab.rows, ab.columns, ab.columns, 1}, Space::lab,
                             Slopes{});
    std::vector<float> lab(3 * rows * columns);
    compose(small, whole, {0, 0, rows, columns}, {}, {lab.data(), Output::lab, 3 * columns, 3, 1},
            threads, cancel);
    for (std::ptrdiff_t i = 0; i < rows * columns; ++i) {
        std::copy_n(lab.data() + 3 * i + 1, 2, pairs.data() + 2 * i);
    }
    return pairs;
}

}  // namespace colordeploy::color
