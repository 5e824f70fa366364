// Colour formulas and their constants, each once: sRGB, BT.601 luma and chroma, CIE Lab (D65).
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace colordeploy::color {

// Weights of red, green and blue in luma (BT.601).
constexpr std::array<double, 3> LUMA{0.299, 0.587, 0.114};
constexpr double U_SCALE = 0.492, V_SCALE = 0.877;

// (U, V) times this is (R - Y, G - Y, B - Y); 2x3, row-major.
constexpr std::array<double, 6> CHROMA_TO_RGB{
    0.0,           -LUMA[2] / LUMA[1] / U_SCALE, 1.0 / U_SCALE,
    1.0 / V_SCALE, -LUMA[0] / LUMA[1] / V_SCALE, 0.0};

// Linear sRGB to CIE XYZ relative to the white point D65 (0.950456, 1, 1.088754), so that white is
// (1, 1, 1); 3x3, row-major. And its inverse.
constexpr std::array<double, 9> RGB_TO_XYZ{
    0.412453 / 0.950456, 0.357580 / 0.950456, 0.180423 / 0.950456, 0.212671, 0.715160, 0.072169,
    0.019334 / 1.088754, 0.119193 / 1.088754, 0.950227 / 1.088754};
constexpr std::array<double, 9> XYZ_TO_RGB{
    3.0799349355329992,  -1.537151516271318,  -0.5427834192616812,
    -0.9212341827539382, 1.8759900014898907,  0.04524418126404751,
    0.0528896820458639,  -0.2040413383665112, 1.1511516563206472};

constexpr bool are_inverse(const std::array<double, 9>& a, const std::array<double, 9>& b) {
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
            double sum = i == j ? -1.0 : 0.0;
            for (int k = 0; k < 3; ++k) sum += a[3 * i + k] * b[3 * k + j];
            if (sum > 1e-15 || sum < -1e-15) return false;
        }
    }
    return true;
}
static_assert(are_inverse(RGB_TO_XYZ, XYZ_TO_RGB));

// CIE Lab's cube root is a straight line below this root.
constexpr float LINE_BELOW = 6.0F / 29.0F;
constexpr float LINE_AT_ZERO = 4.0F / 29.0F;
constexpr float LINE_SLOPE = 3.0F * LINE_BELOW * LINE_BELOW;  // of the inverse

inline double linear_of(double srgb) {
    return srgb <= 0.04045 ? srgb / 12.92 : std::pow((srgb + 0.055) / 1.055, 2.4);
}

template <std::size_t N>
constexpr std::array<float, N> rounded(const std::array<double, N>& values) {
    std::array<float, N> result{};
    for (std::size_t i = 0; i < N; ++i) result[i] = static_cast<float>(values[i]);
    return result;
}

// Tables for eight-bit sRGB and back.
struct Tables {
    static constexpr int CELLS = 4096;
    // The level whose cell a linear value in [0, 1] falls into, or one too low where the next
    // level's threshold lies in the cell: no cell has two.
    std::array<std::int32_t, CELLS> levels;
    std::array<float, 257> thresholds;  // the least linear value of each level
    // Linear values of sRGB ones, linearly in between: off by 3e-8 at most.
    std::array<float, CELLS + 2> decoded;
};
const Tables& tables();

}  // namespace colordeploy::color
