#include "guided.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "../share.hpp"

namespace colordeploy::color {

namespace {

constexpr int TAPS = 4;
constexpr int LANES = 8;           // PLANES, filled up to a vector register
constexpr double NOTHING = 1e-12;  // slopes below it change no pixel

// The four source positions of an output position, and their weights.
struct Taps {
    std::array<std::ptrdiff_t, TAPS> at;
    std::array<float, TAPS> weight;
};

double bicubic(double x) {
    constexpr double a = -0.5;
    x = std::abs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
    return 0.0;
}

std::vector<Taps> taps_of(std::ptrdiff_t small, std::ptrdiff_t full) {
    std::vector<Taps> result(full);
    const double scale = static_cast<double>(small) / static_cast<double>(full);
    for (std::ptrdiff_t i = 0; i < full; ++i) {
        const double middle = (static_cast<double>(i) + 0.5) * scale;
        const auto first = static_cast<std::ptrdiff_t>(std::floor(middle - 0.5)) - 1;
        std::array<double, TAPS> weight;
        double total = 0.0;
        for (int k = 0; k < TAPS; ++k) {
            const std::ptrdiff_t at = first + k;
            const bool inside = at >= 0 && at < small;
            weight[k] = inside ? bicubic(static_cast<double>(at) + 0.5 - middle) : 0.0;
            total += weight[k];
            result[i].at[k] = std::clamp<std::ptrdiff_t>(at, 0, small - 1);
        }
        for (int k = 0; k < TAPS; ++k) {
            result[i].weight[k] = static_cast<float>(weight[k] / total);
        }
    }
    return result;
}

// One row of the small planes at the height of an output row: columns * LANES.
void blend_rows(const Small& small, const Taps& taps, float* row) {
    std::array<const float*, TAPS> source;
    for (int k = 0; k < TAPS; ++k) {
        source[k] = small.planes + taps.at[k] * small.columns * PLANES;
    }
    for (std::ptrdiff_t x = 0; x < small.columns; ++x) {
        for (int c = 0; c < PLANES; ++c) {
            float sum = 0.0F;
            for (int k = 0; k < TAPS; ++k) sum += taps.weight[k] * source[k][x * PLANES + c];
            row[x * LANES + c] = sum;
        }
    }
}

// Full-size chroma of one row: columns pairs.
void guide_row(const float* light, const float* row, const std::vector<Taps>& across,
               float* chroma) {
    for (std::size_t x = 0; x < across.size(); ++x) {
        std::array<float, LANES> sum{};
        for (int k = 0; k < TAPS; ++k) {
            const float weight = across[x].weight[k];
            const float* source = row + across[x].at[k] * LANES;
            for (int c = 0; c < LANES; ++c) sum[c] += weight * source[c];
        }
        const float detail = light[x] - sum[4];
        chroma[2 * x] = sum[0] + sum[2] * detail;
        chroma[2 * x + 1] = sum[1] + sum[3] * detail;
    }
}

std::uint8_t rounded(float value) {
    return static_cast<std::uint8_t>(std::clamp(value, 0.0F, 1.0F) * 255.0F + 0.5F);
}

// Colours outside of [0, 1] keep luma and hue and lose chroma until they fit.
void compose_luma(const float* luma, const float* chroma, std::ptrdiff_t n, const float* m,
                  std::uint8_t* rgb) {
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        const float y = std::clamp(luma[i], 0.0F, 1.0F);
        const float u = chroma[2 * i], v = chroma[2 * i + 1];
        float share = 1.0F;
        std::array<float, 3> offset;
        for (int c = 0; c < 3; ++c) {
            offset[c] = u * m[c] + v * m[3 + c];
            const float room = offset[c] > 0.0F ? 1.0F - y : y;
            const float magnitude = std::abs(offset[c]);
            if (magnitude > room) share = std::min(share, room / magnitude);
        }
        for (int c = 0; c < 3; ++c) rgb[3 * i + c] = rounded(y + share * offset[c]);
    }
}

// Mean over square windows, pixels at the border repeated; in place, through `passed`.
void box_mean(std::vector<double>& plane, std::vector<double>& passed, std::ptrdiff_t rows,
              std::ptrdiff_t columns, int radius) {
    const double share = 1.0 / (2 * radius + 1);
    for (std::ptrdiff_t y = 0; y < rows; ++y) {
        const double* row = plane.data() + y * columns;
        for (std::ptrdiff_t x = 0; x < columns; ++x) {
            double sum = 0.0;
            for (std::ptrdiff_t k = x - radius; k <= x + radius; ++k) {
                sum += row[std::clamp<std::ptrdiff_t>(k, 0, columns - 1)];
            }
            passed[y * columns + x] = share * sum;
        }
    }
    std::fill(plane.begin(), plane.end(), 0.0);
    for (std::ptrdiff_t y = 0; y < rows; ++y) {
        double* row = plane.data() + y * columns;
        for (std::ptrdiff_t k = y - radius; k <= y + radius; ++k) {
            const double* source =
                passed.data() + std::clamp<std::ptrdiff_t>(k, 0, rows - 1) * columns;
            for (std::ptrdiff_t x = 0; x < columns; ++x) row[x] += share * source[x];
        }
    }
}

// Calls compose(light, chroma, columns, rgb) for every row, in threads.
template <typename Compose>
void compose_rows(const float* light, std::ptrdiff_t rows, std::ptrdiff_t columns,
                  const Small& small, int threads, std::uint8_t* rgb, const Compose& compose) {
    const std::vector<Taps> down = taps_of(small.rows, rows),
                            across = taps_of(small.columns, columns);
    struct Scratch {
        std::vector<float> row, chroma;
    };
    const auto make = [&] {
        return Scratch{std::vector<float>(small.columns * LANES, 0.0F),
                       std::vector<float>(2 * columns)};
    };
    share(rows, ROWS, threads, make, [&](std::ptrdiff_t begin, std::ptrdiff_t end, Scratch& own) {
        for (std::ptrdiff_t y = begin; y < end; ++y) {
            blend_rows(small, down[y], own.row.data());
            guide_row(light + y * columns, own.row.data(), across, own.chroma.data());
            compose(light + y * columns, own.chroma.data(), columns, rgb + 3 * y * columns);
        }
    });
}

}  // namespace

void fit_slopes(float* planes, std::ptrdiff_t rows, std::ptrdiff_t columns, const Slopes& slopes) {
    const std::ptrdiff_t n = rows * columns;
    std::vector<double> passed(n);
    const auto mean_of = [&](const auto& value) {
        std::vector<double> plane(n);
        for (std::ptrdiff_t i = 0; i < n; ++i) plane[i] = value(planes + i * PLANES);
        box_mean(plane, passed, rows, columns, slopes.radius);
        return plane;
    };
    const auto squared = [](double x) { return x * x; };
    const auto weight_of = [&](double x) {  // the default power needs no pow
        return slopes.power == 8.0 ? squared(squared(squared(x))) : std::pow(x, slopes.power);
    };
    const std::vector<double> light = mean_of([](const float* p) { return double{p[4]}; });
    std::vector<double> variance = mean_of([&](const float* p) { return squared(p[4]); });
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        variance[i] = std::max(variance[i] - squared(light[i]), 0.0);
    }
    for (int c = 0; c < 2; ++c) {
        const std::vector<double> chroma = mean_of([&](const float* p) { return double{p[c]}; });
        const std::vector<double> both =
            mean_of([&](const float* p) { return double{p[4]} * p[c]; });
        std::vector<double> slope = mean_of([&](const float* p) { return squared(p[c]); });
        for (std::ptrdiff_t i = 0; i < n; ++i) {
            const double covariance = both[i] - light[i] * chroma[i];
            const double spread = std::max(slope[i] - squared(chroma[i]), 0.0);
            const double determination = squared(covariance) / ((variance[i] + slopes.flat_light) *
                                                                (spread + slopes.flat_chroma));
            slope[i] = weight_of(determination) * covariance / (variance[i] + slopes.epsilon);
        }
        box_mean(slope, passed, rows, columns, slopes.radius);
        for (std::ptrdiff_t i = 0; i < n; ++i) {
            // Denormal numbers would make every multiplication with them slow.
            const double seen = std::abs(slope[i]) < NOTHING ? 0.0 : slope[i];
            planes[i * PLANES + 2 + c] = static_cast<float>(seen);
        }
    }
}

void compose_guided_luma(const float* light, std::ptrdiff_t rows, std::ptrdiff_t columns,
                         const Small& small, const float* to_rgb, int threads, std::uint8_t* rgb) {
    compose_rows(light, rows, columns, small, threads, rgb,
                 [&](const float* luma, const float* chroma, std::ptrdiff_t n, std::uint8_t* out) {
                     compose_luma(luma, chroma, n, to_rgb, out);
                 });
}

void compose_guided_lab(const float* light, std::ptrdiff_t rows, std::ptrdiff_t columns,
                        const Small& small, float ab_scale, const Matrix& to_rgb, int threads,
                        std::uint8_t* rgb) {
    compose_rows(light, rows, columns, small, threads, rgb,
                 [&](const float* row, const float* chroma, std::ptrdiff_t n, std::uint8_t* out) {
                     constexpr std::ptrdiff_t PIECE = 256;
                     std::array<float, PIECE> lightness;
                     std::array<float, 2 * PIECE> ab;
                     for (std::ptrdiff_t begin = 0; begin < n; begin += PIECE) {
                         const std::ptrdiff_t count = std::min(PIECE, n - begin);
                         for (std::ptrdiff_t i = 0; i < count; ++i) {
                             lightness[i] = 100.0F * row[begin + i];
                         }
                         for (std::ptrdiff_t i = 0; i < 2 * count; ++i) {
                             ab[i] = ab_scale * chroma[2 * begin + i];
                         }
                         compose_lab(lightness.data(), ab.data(), count, to_rgb, out + 3 * begin);
                     }
                 });
}

}  // namespace colordeploy::color
