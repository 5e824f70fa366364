#include "places.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <stdexcept>

#include "../clustering/kmeans.hpp"

namespace colordeploy::anchors {

namespace {

constexpr int AROUND = 9;  // cells: three by three
constexpr double NOTHING = 1e-8;

}  // namespace

std::vector<float> pooled(const Channels<const float>& values, std::ptrdiff_t channels,
                          const Association& association, const Grid& grid) {
    if (values.rows != grid.height || values.columns != grid.width || grid.cell < 1 ||
        values.rows < 1 || values.columns < 1 || channels < 1) {
        throw std::invalid_argument("values must be of the grid's size, not empty");
    }
    const std::ptrdiff_t rows = grid.rows(), columns = grid.columns(), framed = columns + 2;
    const std::ptrdiff_t size = channels + 1;  // and the weights' sum
    std::vector<double> sums((rows + 2) * framed * size, 0.0);
    const auto add = [&](std::ptrdiff_t place, double weight, std::ptrdiff_t y, std::ptrdiff_t x) {
        double* sum = sums.data() + place * size;
        for (std::ptrdiff_t c = 0; c < channels; ++c) sum[c] += weight * values.at(y, x, c);
        sum[channels] += weight;
    };
    for (std::ptrdiff_t y = 0; y < grid.height; ++y) {
        for (std::ptrdiff_t x = 0; x < grid.width; ++x) {
            const std::ptrdiff_t first = y / grid.cell * framed + x / grid.cell;
            if (association.data == nullptr) {
                add(first + framed + 1, 1.0, y, x);
                continue;
            }
            for (int k = 0; k < AROUND; ++k) {
                add(first + k / 3 * framed + k % 3, association.at(y, x, k), y, x);
            }
        }
    }
    std::vector<float> means(channels * rows * columns);
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        for (std::ptrdiff_t row = 0; row < rows; ++row) {
            for (std::ptrdiff_t column = 0; column < columns; ++column) {
                const double* sum = sums.data() + ((row + 1) * framed + column + 1) * size;
                means[(c * rows + row) * columns + column] =
                    static_cast<float>(sum[c] / std::max(sum[channels], NOTHING));
            }
        }
    }
    return means;
}

std::vector<std::int64_t> located(const Channels<const float>& features, std::ptrdiff_t channels,
                                  const Plane<const float>& sizes, std::ptrdiff_t count,
                                  std::uint64_t seed) {
    const std::ptrdiff_t n = features.rows * features.columns;
    const bool sized = sizes.data != nullptr;
    if (count < 1 || count > n || channels < 1 ||
        (sized && (sizes.rows != features.rows || sizes.columns != features.columns))) {
        throw std::invalid_argument("anchors must be at least 1 and at most as many as places");
    }
    std::vector<double> points(n * channels);
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        for (std::ptrdiff_t c = 0; c < channels; ++c) {
            points[i * channels + c] = features.at(i / features.columns, i % features.columns, c);
        }
    }
    const std::vector<std::int64_t> start = clustering::choose(n, count, seed);
    std::vector<double> centres;
    centres.reserve(count * channels);
    for (const std::int64_t i : start) {
        const double* point = points.data() + i * channels;
        centres.insert(centres.end(), point, point + channels);
    }
    std::vector<std::int32_t> labels(n);
    clustering::kmeans(points.data(), n, channels, count, {}, centres.data(), labels.data());
    std::vector<double> best(count, -std::numeric_limits<double>::infinity());
    std::vector<std::int64_t> chosen(count, -1);
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        const std::int32_t cluster = labels[i];
        double score = 0.0;
        if (sized) {
            score = sizes.at(i / features.columns, i % features.columns);
        } else {
            for (std::ptrdiff_t c = 0; c < channels; ++c) {
                const double apart = points[i * channels + c] - centres[cluster * channels + c];
                score -= apart * apart;
            }
        }
        if (chosen[cluster] < 0 || score > best[cluster]) {
            best[cluster] = score;
            chosen[cluster] = i;
        }
    }
    const std::set<std::int64_t> places(chosen.begin(), chosen.end());
    return {places.upper_bound(-1), places.end()};
}

}  // namespace colordeploy::anchors
