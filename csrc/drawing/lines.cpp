#include "lines.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "../share.hpp"
#include "../simd.hpp"
#include "bilinear.hpp"

static_assert(std::endian::native == std::endian::little, "pixels are packed from words");

namespace colordeploy::drawing {

namespace {

constexpr int LANES = 4;                      // three channels, filled up to a vector register
constexpr std::ptrdiff_t PIXELS = 1 << 14;    // a thread takes at a time
constexpr float LEAST_COVER = 1.0F / 255.0F;  // where there is less, ink has no colour

std::uint8_t byte_of(float value) {
    const float inside = value > 0.0F ? (value < 1.0F ? value : 1.0F) : 0.0F;  // NaN: 0
    return static_cast<std::uint8_t>(inside * 255.0F + 0.5F);
}

float share_of(float value) { return value; }
float share_of(std::uint8_t value) { return static_cast<float>(value) / 255.0F; }

// Four floats a region, so that a pixel is one vector.
std::vector<float> widened(const float* palette, std::ptrdiff_t count) {
    std::vector<float> wide(count * LANES, 0.0F);
    for (std::ptrdiff_t k = 0; k < count; ++k) {
        std::copy_n(palette + 3 * k, 3, wide.data() + LANES * k);
    }
    return wide;
}

void check(const std::int32_t* marks, std::ptrdiff_t n, std::ptrdiff_t count) {
    std::int32_t least = 0, most = 0;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        least = std::min(least, marks[i]);
        most = std::max(most, marks[i]);
    }
    if (least < 0 || most >= count) throw std::out_of_range("label");
}

// Colours less their region's, rows * columns * LANES.
std::vector<float> differences(const Shading& shading, const std::vector<float>& palette,
                               std::ptrdiff_t count) {
    const Colors& colors = shading.colors;
    const std::ptrdiff_t n = colors.rows * colors.columns;
    check(shading.ground, n, count);
    std::vector<float> planes(n * LANES, 0.0F);
    for (std::ptrdiff_t y = 0; y < colors.rows; ++y) {
        for (std::ptrdiff_t x = 0; x < colors.columns; ++x) {
            const std::ptrdiff_t i = y * colors.columns + x;
            const std::int32_t label = shading.ground[i];
            if (label == 0) continue;
            for (int c = 0; c < 3; ++c) {
                planes[LANES * i + c] = colors.at(y, x, c) - palette[LANES * label + c];
            }
        }
    }
    return planes;
}

// A row of the picture with LANES bytes a pixel, so that all steps take many pixels at a time.
struct RowSpace {
    RowSpace(std::ptrdiff_t columns, std::ptrdiff_t width)
        : shading(width), sums(LANES * columns), pixels(columns) {}

    std::vector<float> shading;  // at this row's height
    std::vector<float> sums;
    std::vector<std::uint32_t> pixels;
};

void flat_row(const std::int32_t* marks, std::ptrdiff_t columns, const float* palette,
              float* sums) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        std::copy_n(palette + LANES * marks[x], LANES, sums + LANES * x);
    }
}

COLORDEPLOY_SIMD void shaded_row(const std::int32_t* marks, std::ptrdiff_t columns,
                                 const float* palette, const float* row, const Pair* across,
                                 float* sums) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        const Pair& pair = across[x];
        const float *left = row + LANES * pair.first, *right = row + LANES * pair.second;
        const float* color = palette + LANES * marks[x];
#pragma omp simd
        for (int c = 0; c < LANES; ++c) {
            sums[LANES * x + c] = color[c] + (left[c] + pair.share * (right[c] - left[c]));
        }
    }
}

// As byte_of, four values to a pixel.
COLORDEPLOY_SIMD void round_row(const float* sums, std::ptrdiff_t n, std::uint8_t* bytes) {
#pragma omp simd
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        const float some = sums[i] > 0.0F ? sums[i] : 0.0F;  // NaN: 0
        const float inside = some < 1.0F ? some : 1.0F;
        bytes[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(inside * 255.0F + 0.5F));
    }
}

// (below * (255 - opacity) + ink * opacity) / 255, to the nearest: there are no ties.
std::uint8_t mixed(unsigned below, unsigned ink, unsigned opacity) {
    const unsigned sum = below * (255 - opacity) + ink * opacity + 128;
    return static_cast<std::uint8_t>((sum + (sum >> 8)) >> 8);
}

// The same with black ink, two values of a pixel at a time in halves of a word.
COLORDEPLOY_SIMD void lay_black_lines(const std::uint8_t* opacity, std::ptrdiff_t columns,
                                      std::uint32_t* pixels) {
    constexpr std::uint32_t LOW = 0x00ff00ff, HALF = 0x00800080;
#pragma omp simd
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        const std::uint32_t clear = 255U - opacity[x];
        const std::uint32_t even = (pixels[x] & LOW) * clear + HALF;
        const std::uint32_t odd = ((pixels[x] >> 8) & LOW) * clear + HALF;
        pixels[x] =
            (((even + ((even >> 8) & LOW)) >> 8) & LOW) | ((odd + ((odd >> 8) & LOW)) & ~LOW);
    }
}

void lay_lines(const Lines& lines, std::ptrdiff_t begin, std::ptrdiff_t columns,
               std::uint32_t* pixels) {
    const std::uint8_t* opacity = lines.opacity + begin;
    if (lines.ink == nullptr) {
        lay_black_lines(opacity, columns, pixels);
        return;
    }
    const std::uint8_t* ink = lines.ink + 3 * begin;
    auto* bytes = reinterpret_cast<std::uint8_t*>(pixels);
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        if (opacity[x] == 0) continue;
        for (int c = 0; c < 3; ++c) {
            bytes[LANES * x + c] = mixed(bytes[LANES * x + c], ink[3 * x + c], opacity[x]);
        }
    }
}

// Three of each four bytes. A store takes four, of which the next one overwrites the last; so the
// last pixel, which other threads' rows may follow, is stored by itself.
void pack_row(const std::uint32_t* pixels, std::ptrdiff_t columns, std::uint8_t* rgb) {
    for (std::ptrdiff_t x = 0; x + 1 < columns; ++x) std::memcpy(rgb + 3 * x, pixels + x, LANES);
    std::memcpy(rgb + 3 * (columns - 1), pixels + columns - 1, 3);
}

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

void compose_drawing(const float* palette, std::ptrdiff_t count, const Labels& labels,
                     const Shading* shading, const Lines* lines, int threads, std::uint8_t* rgb) {
    const std::ptrdiff_t columns = labels.columns;
    const std::vector<float> wide = widened(palette, count);
    std::vector<float> small;
    std::vector<Pair> down, across;
    std::ptrdiff_t width = 0;  // of a row of the shading, in floats
    if (shading != nullptr) {
        small = differences(*shading, wide, count);
        down = pairs_of(shading->colors.rows, labels.rows);
        across = pairs_of(shading->colors.columns, columns);
        width = shading->colors.columns * LANES;
    }
    const auto make = [&] { return RowSpace(columns, width); };
    share(labels.rows, ROWS, threads, make,
          [&](std::ptrdiff_t begin, std::ptrdiff_t end, RowSpace& space) {
              for (std::ptrdiff_t y = begin; y < end; ++y) {
                  const std::int32_t* marks = labels.marks + y * columns;
                  check(marks, columns, count);
                  if (shading == nullptr) {
                      flat_row(marks, columns, wide.data(), space.sums.data());
                  } else {
                      const float* upper = small.data() + down[y].first * width;
                      const float* lower = small.data() + down[y].second * width;
                      for (std::ptrdiff_t i = 0; i < width; ++i) {
                          space.shading[i] = upper[i] + down[y].share * (lower[i] - upper[i]);
                      }
                      shaded_row(marks, columns, wide.data(), space.shading.data(), across.data(),
                                 space.sums.data());
                  }
                  std::uint32_t* pixels = space.pixels.data();
                  round_row(space.sums.data(), LANES * columns,
                            reinterpret_cast<std::uint8_t*>(pixels));
                  if (lines != nullptr) lay_lines(*lines, y * columns, columns, pixels);
                  pack_row(pixels, columns, rgb + 3 * y * columns);
              }
          });
}

}  // namespace colordeploy::drawing
