#include "image.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "../color/chroma.hpp"
#include "../color/lightness.hpp"
#include "../errors.hpp"
#include "../share.hpp"
#include "../text.hpp"

namespace colordeploy::pictures {

namespace {

constexpr float OUTSIDE = 1e-3F;  // by which floats may leave [0, 1]: resampling and rounding do

float value_of(std::uint8_t sample) { return static_cast<float>(sample) / 255.0F; }
float value_of(std::uint16_t sample) { return static_cast<float>(sample) / 65535.0F; }
float value_of(float sample) { return std::clamp(sample, 0.0F, 1.0F); }

float over_white(float value, float cover) { return value * cover + (1.0F - cover); }
std::uint8_t over_white(std::uint8_t value, std::uint8_t cover) {
    return static_cast<std::uint8_t>((value * cover + 255 * (255 - cover) + 127) / 255);
}

// A row as it is, or over white: `count` values of each pixel, in the order of red, green and blue.
template <typename T, typename Value, typename Convert>
void fill_row(const Image& image, std::ptrdiff_t y, Value* row, const Convert& convert) {
    const unsigned char* at = image.row(y);
    const int count = image.channels == 1 ? 1 : 3;
    for (std::ptrdiff_t x = 0; x < image.columns; ++x, at += image.column_bytes) {
        const T* pixel = reinterpret_cast<const T*>(at);
        for (int c = 0; c < count; ++c) {
            Value value = convert(pixel[image.reversed ? 2 - c : c]);
            if (image.channels == 4) value = over_white(value, convert(pixel[3]));
            *row++ = value;
        }
    }
}

void float_row(const Image& image, std::ptrdiff_t y, float* row) {
    const auto convert = [](auto sample) { return value_of(sample); };
    switch (image.sample) {
        case Sample::bytes:
            fill_row<std::uint8_t>(image, y, row, convert);
            break;
        case Sample::words:
            fill_row<std::uint16_t>(image, y, row, convert);
            break;
        case Sample::floats:
            fill_row<float>(image, y, row, convert);
            break;
    }
}

void byte_row(const Image& image, std::ptrdiff_t y, std::uint8_t* row) {
    fill_row<std::uint8_t>(image, y, row, [](std::uint8_t sample) { return sample; });
}

void require_in_range(const Image& image) {
    if (image.sample != Sample::floats) return;
    float lowest = 0.0F, highest = 0.0F;
    bool finite = true;
    for (std::ptrdiff_t y = 0; y < image.rows; ++y) {
        const unsigned char* at = image.row(y);
        for (std::ptrdiff_t x = 0; x < image.columns; ++x, at += image.column_bytes) {
            const float* pixel = reinterpret_cast<const float*>(at);
            for (int c = 0; c < image.channels; ++c) {
                finite = finite && std::isfinite(pixel[c]);
                lowest = std::min(lowest, pixel[c]);
                highest = std::max(highest, pixel[c]);
            }
        }
    }
    if (!finite) throw InputError("the image holds NaN or infinite values; replace them");
    if (lowest >= -OUTSIDE && highest <= 1.0F + OUTSIDE) return;
    const char* remedy = "clip it, or divide by its white";
    if (lowest >= 0.0F && highest <= 255.5F) {
        remedy = "divide it by 255";
    } else if (lowest >= 0.0F && highest <= 65535.5F) {
        remedy = "divide it by 65535";
    }
    throw InputError(text("a float image must lie in [0, 1]; the image reaches from %g to %g: %s",
                          static_cast<double>(lowest), static_cast<double>(highest), remedy));
}

// Calls fill(y, scratch) for every row.
template <typename Scratch, typename Fill>
void by_rows(const Image& image, int threads, const CancelFlag* cancel, std::size_t values,
             const Fill& fill) {
    share(
        image.rows, ROWS, threads, [&] { return std::vector<Scratch>(values); },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, std::vector<Scratch>& scratch) {
            for (std::ptrdiff_t y = begin; y < end; ++y) {
                throw_if_set(cancel);
                fill(y, scratch.data());
            }
        });
}

struct Formulas {
    void (*bytes)(const std::uint8_t*, std::ptrdiff_t, int, float*);  // of triples
    void (*floats)(const float*, std::ptrdiff_t, int, float*);        // of triples
    void (*gray_bytes)(const std::uint8_t*, std::ptrdiff_t, int, float*);
    void (*gray_floats)(const float*, std::ptrdiff_t, int, float*);
};

std::vector<float> plane_of(const Image& image, int threads, const CancelFlag* cancel,
                            const Formulas& formulas) {
    require_in_range(image);
    std::vector<float> plane(static_cast<std::size_t>(image.rows * image.columns));
    const bool gray = image.channels == 1;
    const auto values = static_cast<std::size_t>(image.columns * (gray ? 1 : 3));
    if (image.sample == Sample::bytes) {
        const auto formula = gray ? formulas.gray_bytes : formulas.bytes;
        by_rows<std::uint8_t>(image, threads, cancel, values,
                              [&](std::ptrdiff_t y, std::uint8_t* row) {
                                  byte_row(image, y, row);
                                  formula(row, image.columns, 1, plane.data() + y * image.columns);
                              });
    } else {
        const auto formula = gray ? formulas.gray_floats : formulas.floats;
        by_rows<float>(image, threads, cancel, values, [&](std::ptrdiff_t y, float* row) {
            float_row(image, y, row);
            formula(row, image.columns, 1, plane.data() + y * image.columns);
        });
    }
    return plane;
}

}  // namespace

std::vector<float> luma_of(const Image& image, int threads, const CancelFlag* cancel) {
    const Formulas formulas{
        color::luma_of, color::luma_of,
        [](const std::uint8_t* gray, std::ptrdiff_t n, int, float* luma) {
            for (std::ptrdiff_t i = 0; i < n; ++i) luma[i] = value_of(gray[i]);
        },
        [](const float* gray, std::ptrdiff_t n, int, float* luma) { std::copy_n(gray, n, luma); }};
    return plane_of(image, threads, cancel, formulas);
}

std::vector<float> lightness_of(const Image& image, int threads, const CancelFlag* cancel) {
    return plane_of(image, threads, cancel,
                    {color::lightness_of, color::lightness_of, color::lightness_of_gray,
                     color::lightness_of_gray});
}

std::vector<float> rgb_of(const Image& image, int threads, const CancelFlag* cancel) {
    require_in_range(image);
    std::vector<float> rgb(static_cast<std::size_t>(3 * image.rows * image.columns));
    by_rows<float>(image, threads, cancel, static_cast<std::size_t>(image.columns),
                   [&](std::ptrdiff_t y, float* gray) {
                       float* row = rgb.data() + 3 * y * image.columns;
                       float_row(image, y, image.channels == 1 ? gray : row);
                       if (image.channels != 1) return;
                       for (std::ptrdiff_t x = 0; x < image.columns; ++x) {
                           std::fill_n(row + 3 * x, 3, gray[x]);
                       }
                   });
    return rgb;
}

std::vector<float> floats_of(const Image& image, int threads, const CancelFlag* cancel) {
    const std::ptrdiff_t values = image.columns * (image.channels == 1 ? 1 : 3);
    std::vector<float> floats(static_cast<std::size_t>(image.rows * values));
    by_rows<float>(image, threads, cancel, 0, [&](std::ptrdiff_t y, float*) {
        float_row(image, y, floats.data() + y * values);
    });
    return floats;
}

std::vector<std::uint8_t> bytes_of(const Image& image, int threads, const CancelFlag* cancel) {
    const std::ptrdiff_t values = image.columns * (image.channels == 1 ? 1 : 3);
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(image.rows * values));
    by_rows<std::uint8_t>(image, threads, cancel, 0, [&](std::ptrdiff_t y, std::uint8_t*) {
        byte_row(image, y, bytes.data() + y * values);
    });
    return bytes;
}

std::string fingerprint(const Image& image) {
    // Two sums of products, each step of which can be undone: no two pictures that differ in one
    // place have the same.
    std::array<std::uint64_t, 2> sums{0x9E3779B97F4A7C15ULL, 0xC2B2AE3D27D4EB4FULL};
    const auto add = [&](std::uint64_t word) {
        sums[0] = (sums[0] ^ word) * 0x9FB21C651E98DF25ULL;
        sums[0] ^= sums[0] >> 32;
        sums[1] = (sums[1] + word) * 0xD6E8FEB86659FD93ULL;
        sums[1] ^= sums[1] >> 29;
    };
    add(static_cast<std::uint64_t>(image.rows));
    add(static_cast<std::uint64_t>(image.columns));
    add(static_cast<std::uint64_t>(image.channels * 8 + static_cast<int>(image.sample) * 2 +
                                   (image.reversed ? 1 : 0)));
    const std::size_t size = image.sample == Sample::bytes   ? 1
                             : image.sample == Sample::words ? 2
                                                             : 4;
    const std::size_t bytes = size * static_cast<std::size_t>(image.channels);
    std::vector<unsigned char> row((static_cast<std::size_t>(image.columns) * bytes + 7) / 8 * 8);
    for (std::ptrdiff_t y = 0; y < image.rows; ++y) {
        for (std::ptrdiff_t x = 0; x < image.columns; ++x) {
            std::memcpy(row.data() + static_cast<std::size_t>(x) * bytes,
                        image.row(y) + x * image.column_bytes, bytes);
        }
        for (std::size_t i = 0; i < row.size(); i += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, row.data() + i, 8);
            add(word);
        }
    }
    return {reinterpret_cast<const char*>(sums.data()), sizeof(sums)};
}

}  // namespace colordeploy::pictures
