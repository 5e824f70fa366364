#include "compose.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "../share.hpp"
#include "../simd.hpp"

namespace colordeploy::color {

namespace {

constexpr double ROUNDING = 0.5 / 255.0;  // outside of [0, 1] by so much is forgiven
constexpr int CELLS = 4096;
constexpr int BISECTIONS = 12;

double linear_of(double srgb) {
    return srgb <= 0.04045 ? srgb / 12.92 : std::pow((srgb + 0.055) / 1.055, 2.4);
}

// From linear light to eight bits of sRGB by thresholds: the rounding of the formula, exactly.
class Encoder {
 public:
    Encoder() {
        for (int k = 0; k < 256; ++k) {
            thresholds_[k] = static_cast<float>(linear_of((k - 0.5) / 255.0));
        }
        thresholds_[256] = 2.0F;
        int level = 0;
        for (int cell = 0; cell < CELLS; ++cell) {
            const float begin = static_cast<float>(cell) / CELLS;
            while (begin >= thresholds_[level + 1]) ++level;
            levels_[cell] = static_cast<std::uint8_t>(level);
        }
    }

    std::uint8_t operator()(float linear) const {
        const float inside = std::clamp(linear, 0.0F, 1.0F);
        int level = levels_[std::min(static_cast<int>(inside * CELLS), CELLS - 1)];
        while (inside >= thresholds_[level + 1]) ++level;
        return static_cast<std::uint8_t>(level);
    }

 private:
    std::array<float, 257> thresholds_;  // the least linear value of each level
    std::array<std::uint8_t, CELLS> levels_;
};

// From sRGB to linear light by a table, linearly in between: off by 3e-8 at most.
class Decoder {
 public:
    Decoder() {
        for (int k = 0; k <= CELLS; ++k) {
            values_[k] = static_cast<float>(linear_of(static_cast<double>(k) / CELLS));
        }
        values_[CELLS + 1] = values_[CELLS];
    }

    float operator()(float srgb) const {
        const float place = std::clamp(srgb, 0.0F, 1.0F) * CELLS;
        const int cell = static_cast<int>(place);
        return values_[cell] + (values_[cell + 1] - values_[cell]) * (place - cell);
    }

 private:
    std::array<float, CELLS + 2> values_;
};

struct Rgb {
    float r, g, b;
};

float cubed(float root) {
    constexpr float edge = 6.0F / 29.0F, slope = 3.0F * edge * edge;
    return root > edge ? root * root * root : (root - 4.0F / 29.0F) * slope;
}

Rgb linear_rgb(float light, float a, float b, const Matrix& m) {
    const float y = (light + 16.0F) / 116.0F;
    const float x = cubed(y + a / 500.0F), z = cubed(y - b / 200.0F), w = cubed(y);
    return {m[0] * x + m[1] * w + m[2] * z, m[3] * x + m[4] * w + m[5] * z,
            m[6] * x + m[7] * w + m[8] * z};
}

}  // namespace

// Luminance to lightness, in place. The cube root is a third of the exponent, then two steps of
// Halley's, each of which triples the digits: right to the last but one of a float, and unlike
// std::cbrt it works on many values at a time.
COLORDEPLOY_SIMD void to_lightness(float* y, std::ptrdiff_t n) {
    constexpr float edge = 6.0F / 29.0F, slope = 1.0F / (3.0F * edge * edge);
#pragma omp simd
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        const float value = std::max(y[i], edge * edge * edge);
        float root = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) / 3 + 0x2a514067U);
        for (int step = 0; step < 2; ++step) {
            const float cube = root * root * root;
            root *= (cube + 2.0F * value) / (2.0F * cube + value);
        }
        root = y[i] > edge * edge * edge ? root : slope * y[i] + 4.0F / 29.0F;
        y[i] = 116.0F * root - 16.0F;
    }
}

namespace {

constexpr std::ptrdiff_t PIECE = 8192;  // pixels a thread takes at a time

// What each of the 256 values of a channel adds to a sum.
class Tables {
 public:
    template <typename Value>
    Tables(const std::array<float, 3>& weights, const Value& value) {
        for (int v = 0; v < 256; ++v) {
            for (int c = 0; c < 3; ++c) entries_[c][v] = weights[c] * value(v);
        }
    }
    float operator()(const std::uint8_t* rgb) const {
        return entries_[0][rgb[0]] + entries_[1][rgb[1]] + entries_[2][rgb[2]];
    }

 private:
    std::array<std::array<float, 256>, 3> entries_;
};

}  // namespace

void lightness_of(const std::uint8_t* rgb, std::ptrdiff_t n, const std::array<float, 3>& to_y,
                  int threads, float* lightness) {
    const Tables luminance(
        to_y, [](int v) { return static_cast<float>(linear_of(static_cast<double>(v) / 255)); });
    share(
        n, PIECE, threads, [] { return 0; },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, int) {
            for (std::ptrdiff_t i = begin; i < end; ++i) lightness[i] = luminance(rgb + 3 * i);
            to_lightness(lightness + begin, end - begin);
        });
}

void luma_of(const std::uint8_t* rgb, std::ptrdiff_t n, const std::array<float, 3>& weights,
             int threads, float* luma) {
    const Tables sum(weights, [](int v) { return static_cast<float>(v) / 255.0F; });
    share(
        n, PIECE, threads, [] { return 0; },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, int) {
            for (std::ptrdiff_t i = begin; i < end; ++i) {
                luma[i] = std::min(sum(rgb + 3 * i), 1.0F);  // white may round to a little more
            }
        });
}

void lightness_of(const float* rgb, std::ptrdiff_t n, const std::array<float, 3>& to_y, int threads,
                  float* lightness) {
    static const Decoder decode;
    share(
        n, PIECE, threads, [] { return 0; },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, int) {
            for (std::ptrdiff_t i = begin; i < end; ++i) {
                lightness[i] = to_y[0] * decode(rgb[3 * i]) + to_y[1] * decode(rgb[3 * i + 1]) +
                               to_y[2] * decode(rgb[3 * i + 2]);
            }
            to_lightness(lightness + begin, end - begin);
        });
}

void compose_lab(const float* lightness, const float* ab, std::ptrdiff_t n, const Matrix& to_rgb,
                 std::uint8_t* rgb) {
    static const Encoder encode;
    static const auto low = static_cast<float>(linear_of(-ROUNDING));
    static const auto high = static_cast<float>(linear_of(1.0 + ROUNDING));
    const auto fits = [](const Rgb& c) {
        return std::min({c.r, c.g, c.b}) >= low && std::max({c.r, c.g, c.b}) <= high;
    };
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        const float light = std::clamp(lightness[i], 0.0F, 100.0F);
        const float a = ab[2 * i], b = ab[2 * i + 1];
        Rgb color = linear_rgb(light, a, b, to_rgb);
        if (!fits(color)) {  // bisection: sRGB is star-shaped around its gray axis
            float inside = 0.0F, outside = 1.0F;
            for (int k = 0; k < BISECTIONS; ++k) {
                const float middle = 0.5F * (inside + outside);
                (fits(linear_rgb(light, a * middle, b * middle, to_rgb)) ? inside : outside) =
                    middle;
            }
            color = linear_rgb(light, a * inside, b * inside, to_rgb);
        }
        rgb[3 * i] = encode(color.r);
        rgb[3 * i + 1] = encode(color.g);
        rgb[3 * i + 2] = encode(color.b);
    }
}

}  // namespace colordeploy::color
