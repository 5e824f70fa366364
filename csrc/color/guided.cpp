#include "guided.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace colordeploy::color {

namespace {

constexpr double NOTHING = 1e-12;  // slopes below it change no pixel
constexpr float MOST = 1e6F;       // no chroma is larger; products of finite values stay finite

float tamed(float value) { return std::isfinite(value) ? std::clamp(value, -MOST, MOST) : 0.0F; }

// Mean over square windows, pixels at the border repeated; in place, through `passed`.
void box_mean(std::vector<double>& plane, std::vector<double>& passed, std::ptrdiff_t rows,
              std::ptrdiff_t columns, int radius) {
    const double part = 1.0 / (2 * radius + 1);
    for (std::ptrdiff_t y = 0; y < rows; ++y) {
        const double* row = plane.data() + y * columns;
        double* mean = passed.data() + y * columns;
        const auto at_border = [&](std::ptrdiff_t x) {
            double sum = 0.0;
            for (std::ptrdiff_t k = x - radius; k <= x + radius; ++k) {
                sum += row[std::clamp<std::ptrdiff_t>(k, 0, columns - 1)];
            }
            mean[x] = part * sum;
        };
        const std::ptrdiff_t begin = std::min<std::ptrdiff_t>(radius, columns);
        const std::ptrdiff_t end = std::max(begin, columns - radius);
        for (std::ptrdiff_t x = 0; x < begin; ++x) at_border(x);
#pragma omp simd
        for (std::ptrdiff_t x = begin; x < end; ++x) {
            double sum = 0.0;
            for (std::ptrdiff_t k = -radius; k <= radius; ++k) sum += row[x + k];
            mean[x] = part * sum;
        }
        for (std::ptrdiff_t x = end; x < columns; ++x) at_border(x);
    }
    std::fill(plane.begin(), plane.end(), 0.0);
    for (std::ptrdiff_t y = 0; y < rows; ++y) {
        double* row = plane.data() + y * columns;
        for (std::ptrdiff_t k = y - radius; k <= y + radius; ++k) {
            const double* source =
                passed.data() + std::clamp<std::ptrdiff_t>(k, 0, rows - 1) * columns;
            for (std::ptrdiff_t x = 0; x < columns; ++x) row[x] += part * source[x];
        }
    }
}

}  // namespace

GuidedChroma::GuidedChroma(const Channels<const float>& chroma, const Plane<const float>& lightness,
                           Space space, const std::optional<Slopes>& slopes)
    : rows_(chroma.rows), columns_(chroma.columns), space_(space), sloped_(slopes.has_value()) {
    if (rows_ < 1 || columns_ < 1 || lightness.rows != rows_ || lightness.columns != columns_) {
        throw std::invalid_argument("chroma and lightness must be of one size, not empty");
    }
    if (slopes && !(slopes->radius >= 0 && slopes->epsilon > 0.0 && slopes->power >= 0.0 &&
                    slopes->flat_light > 0.0 && slopes->flat_chroma > 0.0)) {
        throw std::invalid_argument("parameters of the slopes must be above zero");
    }
    const std::ptrdiff_t n = rows_ * columns_;
    planes_.resize(PLANES * n, 0.0F);
    for (std::ptrdiff_t y = 0; y < rows_; ++y) {
        for (std::ptrdiff_t x = 0; x < columns_; ++x) {
            const std::ptrdiff_t i = y * columns_ + x;
            planes_[i] = tamed(chroma.at(y, x, 0));
            planes_[n + i] = tamed(chroma.at(y, x, 1));
            planes_[4 * n + i] = tamed(lightness.at(y, x));
        }
    }
    if (slopes) fit(*slopes);
}

void GuidedChroma::fit(const Slopes& slopes) {
    const std::ptrdiff_t n = rows_ * columns_;
    const float* lightness = plane(4);
    std::vector<double> passed(n);
    const auto mean_of = [&](const auto& value) {
        std::vector<double> plane(n);
        for (std::ptrdiff_t i = 0; i < n; ++i) plane[i] = value(i);
        box_mean(plane, passed, rows_, columns_, slopes.radius);
        return plane;
    };
    const auto squared = [](double x) { return x * x; };
    const auto weight_of = [&](double x) {  // the default power needs no pow
        return slopes.power == 8.0 ? squared(squared(squared(x))) : std::pow(x, slopes.power);
    };
    const std::vector<double> light = mean_of([&](auto i) { return double{lightness[i]}; });
    std::vector<double> variance = mean_of([&](auto i) { return squared(lightness[i]); });
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        variance[i] = std::max(variance[i] - squared(light[i]), 0.0);
    }
    for (int c = 0; c < 2; ++c) {
        const float* own = plane(c);
        const std::vector<double> chroma = mean_of([&](auto i) { return double{own[i]}; });
        const std::vector<double> both =
            mean_of([&](auto i) { return double{lightness[i]} * own[i]; });
        std::vector<double> slope = mean_of([&](auto i) { return squared(own[i]); });
        for (std::ptrdiff_t i = 0; i < n; ++i) {
            const double covariance = both[i] - light[i] * chroma[i];
            const double spread = std::max(slope[i] - squared(chroma[i]), 0.0);
            const double determination = squared(covariance) / ((variance[i] + slopes.flat_light) *
                                                                (spread + slopes.flat_chroma));
            slope[i] = weight_of(determination) * covariance / (variance[i] + slopes.epsilon);
        }
        box_mean(slope, passed, rows_, columns_, slopes.radius);
        for (std::ptrdiff_t i = 0; i < n; ++i) {
            // Denormal numbers would make every multiplication with them slow.
            const double seen = std::abs(slope[i]) < NOTHING ? 0.0 : slope[i];
            planes_[(2 + c) * n + i] = tamed(static_cast<float>(seen));
        }
    }
}

}  // namespace colordeploy::color
