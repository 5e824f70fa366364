#include "chroma.hpp"

#include <array>

#include "../share.hpp"
#include "spaces.hpp"

namespace colordeploy::color {

namespace {

constexpr std::ptrdiff_t PIECE = 8192;  // pixels a thread takes at a time
constexpr std::array<float, 3> WEIGHTS = rounded(LUMA);

float luma(const float* rgb) {
    return WEIGHTS[0] * rgb[0] + WEIGHTS[1] * rgb[1] + WEIGHTS[2] * rgb[2];
}

template <typename Work>
void by_pieces(std::ptrdiff_t n, int threads, const Work& work) {
    share(
        n, PIECE, threads, [] { return 0; },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, int) {
            for (std::ptrdiff_t i = begin; i < end; ++i) work(i);
        });
}

}  // namespace

void luma_of(const float* rgb, std::ptrdiff_t n, int threads, float* values) {
    by_pieces(n, threads, [&](std::ptrdiff_t i) { values[i] = luma(rgb + 3 * i); });
}

void chroma_of(const float* rgb, std::ptrdiff_t n, int threads, float* chroma) {
    constexpr auto u = static_cast<float>(U_SCALE), v = static_cast<float>(V_SCALE);
    by_pieces(n, threads, [&](std::ptrdiff_t i) {
        const float y = luma(rgb + 3 * i);
        chroma[2 * i] = u * (rgb[3 * i + 2] - y);
        chroma[2 * i + 1] = v * (rgb[3 * i] - y);
    });
}

}  // namespace colordeploy::color
