#include "lightness.hpp"

#include <algorithm>
#include <array>

#include "../share.hpp"
#include "spaces.hpp"
#include "tables.hpp"

namespace colordeploy::color {

namespace {

constexpr std::ptrdiff_t PIECE = 8192;  // pixels a thread takes at a time
constexpr std::array<double, 3> LUMINANCE{RGB_TO_XYZ[3], RGB_TO_XYZ[4], RGB_TO_XYZ[5]};

// What each of the 256 values of a channel adds to a sum.
class Sums {
 public:
    template <typename Value>
    Sums(const std::array<double, 3>& weights, const Value& value) {
        const std::array<float, 3> factors = rounded(weights);
        for (int v = 0; v < 256; ++v) {
            for (int c = 0; c < 3; ++c) entries_[c][v] = factors[c] * value(v);
        }
    }
    float operator()(const std::uint8_t* rgb) const {
        return entries_[0][rgb[0]] + entries_[1][rgb[1]] + entries_[2][rgb[2]];
    }

 private:
    std::array<std::array<float, 256>, 3> entries_;
};

float decoded(float srgb) {
    const float some = srgb > 0.0F ? srgb : 0.0F;  // NaN: 0
    const float place = (some < 1.0F ? some : 1.0F) * Tables::CELLS;
    const int cell = static_cast<int>(place);
    const auto& values = tables().decoded;
    return values[cell] + (values[cell + 1] - values[cell]) * (place - static_cast<float>(cell));
}

template <typename Value>
void fill(std::ptrdiff_t n, int threads, float* plane, bool as_lightness, const Value& value) {
    share(
        n, PIECE, threads, [] { return 0; },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, int) {
            for (std::ptrdiff_t i = begin; i < end; ++i) plane[i] = value(i);
            if (as_lightness) color_table().to_lightness(plane + begin, end - begin);
        });
}

}  // namespace

void lightness_of(const std::uint8_t* rgb, std::ptrdiff_t n, int threads, float* lightness) {
    static const Sums luminance(LUMINANCE, [](int v) {
        return static_cast<float>(linear_of(static_cast<double>(v) / 255));
    });
    fill(n, threads, lightness, true, [&](std::ptrdiff_t i) { return luminance(rgb + 3 * i); });
}

void luma_of(const std::uint8_t* rgb, std::ptrdiff_t n, int threads, float* luma) {
    static const Sums sum(LUMA, [](int v) { return static_cast<float>(v) / 255.0F; });
    fill(n, threads, luma, false, [&](std::ptrdiff_t i) {
        return std::min(sum(rgb + 3 * i), 1.0F);  // white may round to a little more
    });
}

void lightness_of(const float* rgb, std::ptrdiff_t n, int threads, float* lightness) {
    constexpr std::array<float, 3> weights = rounded(LUMINANCE);
    fill(n, threads, lightness, true, [&](std::ptrdiff_t i) {
        return weights[0] * decoded(rgb[3 * i]) + weights[1] * decoded(rgb[3 * i + 1]) +
               weights[2] * decoded(rgb[3 * i + 2]);
    });
}

void lightness_of_gray(const float* gray, std::ptrdiff_t n, int threads, float* lightness) {
    fill(n, threads, lightness, true, [&](std::ptrdiff_t i) { return decoded(gray[i]); });
}

void lightness_of_gray(const std::uint8_t* gray, std::ptrdiff_t n, int threads, float* lightness) {
    static const std::array<float, 256> levels = [] {
        std::array<float, 256> values;
        for (int v = 0; v < 256; ++v) {
            values[v] = static_cast<float>(linear_of(static_cast<double>(v) / 255));
        }
        color_table().to_lightness(values.data(), 256);
        return values;
    }();
    fill(n, threads, lightness, false, [&](std::ptrdiff_t i) { return levels[gray[i]]; });
}

void lab_of(const float* rgb, std::ptrdiff_t n, int threads, float* lab) {
    share(
        n, PIECE, threads, [] { return 0; },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, int) {
            color_table().to_lab(rgb + 3 * begin, end - begin, row_tables(), lab + 3 * begin);
        });
}

}  // namespace colordeploy::color
