#include "lines.hpp"

#include <algorithm>
#include <atomic>

#include "../share.hpp"

namespace colordeploy::drawing {

namespace {

constexpr std::ptrdiff_t PIXELS = 1 << 14;    // a thread takes at a time
constexpr float LEAST_COVER = 1.0F / 255.0F;  // where there is less, ink has no colour

std::uint8_t byte_of(float value) {
    const float inside = value > 0.0F ? (value < 1.0F ? value : 1.0F) : 0.0F;  // NaN: 0
    return static_cast<std::uint8_t>(inside * 255.0F + 0.5F);
}

float share_of(float value) { return value; }
float share_of(std::uint8_t value) { return static_cast<float>(value) / 255.0F; }

}  // namespace

template <typename T>
std::uint8_t separate_lines(const T* values, std::ptrdiff_t pixels, int channels, int threads,
                            std::uint8_t* opacity, std::uint8_t* ink) {
    std::atomic<int> lightest{0};
    const auto nothing = [] { return 0; };
    share(pixels, PIXELS, threads, nothing, [&](std::ptrdiff_t begin, std::ptrdiff_t end, int) {
        if (channels == 1) {
            for (std::ptrdiff_t i = begin; i < end; ++i) {
                opacity[i] = byte_of(1.0F - share_of(values[i]));
            }
            return;
        }
        std::uint8_t most = 0;
        for (std::ptrdiff_t i = begin; i < end; ++i) {
            const float value[3] = {share_of(values[3 * i]), share_of(values[3 * i + 1]),
                                    share_of(values[3 * i + 2])};
            const float cover = 1.0F - std::min({value[0], value[1], value[2]});
            opacity[i] = byte_of(cover);
            for (int c = 0; c < 3; ++c) {
                const float over = value[c] - (1.0F - cover);
                const std::uint8_t pure = cover > LEAST_COVER ? byte_of(over / cover) : 0;
                ink[3 * i + c] = pure;
                most = std::max(most, pure);
            }
        }
        int seen = lightest.load();
        while (seen < most && !lightest.compare_exchange_weak(seen, most)) {
        }
    });
    return static_cast<std::uint8_t>(lightest.load());
}

template std::uint8_t separate_lines<float>(const float*, std::ptrdiff_t, int, int, std::uint8_t*,
                                            std::uint8_t*);
template std::uint8_t separate_lines<std::uint8_t>(const std::uint8_t*, std::ptrdiff_t, int, int,
                                                   std::uint8_t*, std::uint8_t*);

}  // namespace colordeploy::drawing
