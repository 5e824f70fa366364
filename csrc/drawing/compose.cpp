#include "compose.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "../color/tables.hpp"
#include "../isa/isa.hpp"
#include "../share.hpp"
#include "bilinear.hpp"
#include "rows.hpp"

static_assert(std::endian::native == std::endian::little, "pixels are packed from words");

namespace colordeploy::drawing {

COLORDEPLOY_DECLARE_TABLES(DrawingTable, drawing_table)

namespace {

std::vector<float> widened(const float* palette, std::ptrdiff_t count) {
    std::vector<float> wide(count * CHANNELS, 0.0F);
    for (std::ptrdiff_t k = 0; k < count; ++k) {
        std::copy_n(palette + 3 * k, 3, wide.data() + CHANNELS * k);
    }
    return wide;
}

// Colours less their region's, CHANNELS values each.
std::vector<float> differences(const Shading& shading, const float* palette, std::ptrdiff_t count) {
    const Channels<const float>& colors = shading.colors;
    const bool relative = shading.reference != nullptr;
    const float* base = relative ? shading.reference : palette;
    if (relative || shading.limits != nullptr) count = std::min(count, shading.count);
    std::vector<float> planes(colors.rows * colors.columns * CHANNELS, 0.0F);
    for (std::ptrdiff_t y = 0; y < colors.rows; ++y) {
        for (std::ptrdiff_t x = 0; x < colors.columns; ++x) {
            const std::int32_t label = shading.ground.at(y, x);
            if (label < 0 || label >= count) throw std::out_of_range("label");
            if (label == 0) continue;
            float* difference = planes.data() + (y * colors.columns + x) * CHANNELS;
            for (int c = 0; c < 3; ++c) {
                difference[c] = colors.at(y, x, c) - base[3 * label + c];
                if (shading.limits != nullptr) {
                    const float most = shading.limits[label];
                    difference[c] = std::clamp(difference[c], -most, most);
                }
            }
        }
    }
    return planes;
}

// What one row of all regions composes to, each in its bytes.
std::vector<std::uint32_t> packed(const DrawingTable& table, const std::vector<float>& palette,
                                  float saturation) {
    const auto count = static_cast<std::ptrdiff_t>(palette.size()) / CHANNELS;
    std::vector<std::uint32_t> words(count, 0);
    std::vector<std::int32_t> marks(count);
    std::iota(marks.begin(), marks.end(), 0);
    DrawingRow row{};
    row.marks = marks.data();
    row.pixels = count;
    row.palette = palette.data();
    row.saturation = saturation;
    row.output = color::Output::rgb8;
    row.target = words.data();
    row.column_stride = sizeof(std::uint32_t);
    row.channel_stride = 1;
    row.tables = &color::row_tables();
    table.compose(row);
    return words;
}

// Others may write to the caller's arrays meanwhile: what is checked is what is used.
struct RowSpace {
    std::vector<float> shading;  // at the row's height
    std::vector<std::int32_t> marks;
    std::vector<std::uint8_t> opacity, ink;
};

template <typename T>
const T* copied(const Plane<const T>& plane, std::ptrdiff_t y, std::ptrdiff_t x0,
                std::vector<T>& row) {
    const T* from = &plane.at(y, x0);
    const auto n = static_cast<std::ptrdiff_t>(row.size());
    for (std::ptrdiff_t x = 0; x < n; ++x) row[x] = from[x * plane.column_stride];
    return row.data();
}

const std::uint8_t* ink_of(const Channels<const std::uint8_t>& ink, std::ptrdiff_t y,
                           std::ptrdiff_t x0, std::vector<std::uint8_t>& row) {
    if (ink.channel_stride == 1 && ink.column_stride == 3) return &ink.at(y, x0, 0);
    for (std::size_t i = 0; i < row.size(); ++i) {
        const auto at = static_cast<std::ptrdiff_t>(i);
        row[i] = ink.at(y, x0 + at / 3, at % 3);
    }
    return row.data();
}

void check(const std::int32_t* marks, std::ptrdiff_t n, std::ptrdiff_t count) {
    std::int32_t least = 0, most = 0;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        least = std::min(least, marks[i]);
        most = std::max(most, marks[i]);
    }
    if (least < 0 || most >= count) throw std::out_of_range("label");
}

}  // namespace

void compose_drawing(const float* palette, std::ptrdiff_t count,
                     const Plane<const std::int32_t>& labels, const Shading* shading,
                     const Lines* lines, const Rectangle& part, float saturation,
                     const color::Target& target, int threads, const CancelFlag* cancel) {
    if (!part.lies_in(labels.rows, labels.columns)) {
        throw std::invalid_argument("the part must lie in the picture and must not be empty");
    }
    if (threads < 1) throw std::invalid_argument("threads must be at least 1");
    if (!(saturation >= 0.0F && saturation <= 2.0F)) {
        throw std::invalid_argument("saturation must lie between 0 and 2");
    }
    const DrawingTable& table = COLORDEPLOY_CHOOSE_TABLE(drawing_table);
    const std::ptrdiff_t columns = part.columns();
    const std::vector<float> wide = widened(palette, count);
    std::vector<float> small;
    std::vector<Pair> down, across;
    std::ptrdiff_t first = 0, sources = 0;  // of the shading's columns that the part needs
    if (shading != nullptr) {
        small = differences(*shading, palette, count);
        down = pairs_of(shading->colors.rows, labels.rows, part.y0, part.y1);
        across = pairs_of(shading->colors.columns, labels.columns, part.x0, part.x1);
        first = across.front().first;
        sources = across.back().second + 1 - first;
        for (Pair& pair : across) {
            pair.first -= first;
            pair.second -= first;
        }
    }
    std::vector<std::uint32_t> words;
    if (shading == nullptr && target.output == color::Output::rgb8) {
        words = packed(table, wide, saturation);
    }
    const bool lined = lines != nullptr, inked = lined && lines->ink.data != nullptr;
    const auto make = [&] {
        return RowSpace{std::vector<float>(sources * CHANNELS), std::vector<std::int32_t>(columns),
                        std::vector<std::uint8_t>(lined ? columns : 0),
                        std::vector<std::uint8_t>(inked ? 3 * columns : 0)};
    };
    share(part.rows(), ROWS, threads, make,
          [&](std::ptrdiff_t begin, std::ptrdiff_t end, RowSpace& space) {
              throw_if_set(cancel);
              DrawingRow row{};
              row.pixels = columns;
              row.palette = wide.data();
              row.words = words.empty() ? nullptr : words.data();
              row.across = across.data();
              row.saturation = saturation;
              row.output = target.output;
              row.column_stride = target.column_stride;
              row.channel_stride = target.channel_stride;
              row.tables = &color::row_tables();
              for (std::ptrdiff_t i = begin; i < end; ++i) {
                  const std::ptrdiff_t y = part.y0 + i;
                  row.marks = copied(labels, y, part.x0, space.marks);
                  check(row.marks, columns, count);
                  if (shading != nullptr) {
                      const auto source = [&](std::ptrdiff_t at) {
                          return small.data() + (at * shading->colors.columns + first) * CHANNELS;
                      };
                      table.blend(source(down[i].first), source(down[i].second), down[i].share,
                                  sources * CHANNELS, space.shading.data());
                      row.shading = space.shading.data();
                  }
                  if (lined) row.opacity = copied(lines->opacity, y, part.x0, space.opacity);
                  if (inked) row.ink = ink_of(lines->ink, y, part.x0, space.ink);
                  row.target = target.row(i);
                  table.compose(row);
              }
          });
}

}  // namespace colordeploy::drawing
