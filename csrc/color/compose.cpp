#include "compose.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "../share.hpp"
#include "resample.hpp"
#include "tables.hpp"

namespace colordeploy::color {

namespace {

// Weights of the taps of a row's pixels, by blocks; sources outside of begin..end have none.
struct Bands {
    explicit Bands(const Taps<float>& taps) {
        begin = taps[taps.begin()].first;
        for (std::ptrdiff_t x = taps.begin(); x < taps.end(); x += BLOCK) {
            const std::ptrdiff_t last = std::min<std::ptrdiff_t>(x + BLOCK, taps.end());
            std::ptrdiff_t first = taps[x].first, past = 0;
            for (std::ptrdiff_t i = x; i < last; ++i) {
                first = std::min(first, taps[i].first);
                past = std::max(past, taps[i].first + taps[i].count);
            }
            const auto at = static_cast<std::ptrdiff_t>(weights.size());
            blocks.push_back({first, past - first, at});
            weights.resize(weights.size() + (past - first) * BLOCK, 0.0F);
            for (std::ptrdiff_t i = x; i < last; ++i) {
                for (std::ptrdiff_t k = 0; k < taps[i].count; ++k) {
                    weights[at + (taps[i].first - first + k) * BLOCK + i - x] =
                        taps.weights(taps[i])[k];
                }
            }
            begin = std::min(begin, first);
            end = std::max(end, past);
        }
        for (Band& block : blocks) block.first -= begin;
    }

    std::ptrdiff_t begin, end = 0;  // sources in use; bands count from `begin`
    std::vector<Band> blocks;
    std::vector<float> weights;
};

}  // namespace

void compose(const GuidedChroma& chroma, const Plane<const float>& lightness, const Rectangle& part,
             const Look& look, const Target& target, int threads, const CancelFlag* cancel) {
    if (!part.lies_in(lightness.rows, lightness.columns)) {
        throw std::invalid_argument("the part must lie in the picture and must not be empty");
    }
    if (threads < 1) throw std::invalid_argument("threads must be at least 1");
    if (!(look.saturation >= 0.0F && look.saturation <= 2.0F)) {
        throw std::invalid_argument("saturation must lie between 0 and 2");
    }
    if (look.base &&
        (look.base->rows != lightness.rows || look.base->columns != lightness.columns)) {
        throw std::invalid_argument("the base must have the lightness' size");
    }
    const ColorTable& table = color_table();
    const Taps<float> down(chroma.rows(), lightness.rows, part.y0, part.y1);
    const Bands across(Taps<float>(chroma.columns(), lightness.columns, part.x0, part.x1));
    const std::ptrdiff_t width = across.end - across.begin;
    const int planes = chroma.sloped() ? PLANES : 2;
    const auto make = [&] { return std::vector<float>(PLANES * width); };
    share(part.rows(), ROWS, threads, make,
          [&](std::ptrdiff_t begin, std::ptrdiff_t end, std::vector<float>& blended) {
              throw_if_set(cancel);
              Row row{};
              row.light_stride = lightness.column_stride;
              row.pixels = part.columns();
              row.planes = blended.data();
              row.plane_size = width;
              row.bands = across.blocks.data();
              row.weights = across.weights.data();
              row.sloped = chroma.sloped();
              row.space = chroma.space();
              row.output = target.output;
              row.saturation = look.saturation;
              row.column_stride = target.column_stride;
              row.channel_stride = target.channel_stride;
              row.tables = &row_tables();
              for (std::ptrdiff_t y = part.y0 + begin; y < part.y0 + end; ++y) {
                  const Taps<float>::Output& taps = down[y];
                  for (int c = 0; c < planes; ++c) {
                      table.blend(chroma.plane(c) + taps.first * chroma.columns() + across.begin,
                                  chroma.columns(), down.weights(taps), taps.count, width,
                                  blended.data() + c * width);
                  }
                  row.light = &lightness.at(y, part.x0);
                  if (look.base) {
                      row.base_u = &look.base->at(y, part.x0, 0);
                      row.base_v = &look.base->at(y, part.x0, 1);
                      row.base_stride = look.base->column_stride;
                  }
                  row.target = target.row(y - part.y0);
                  table.compose(row);
              }
          });
}

void compose_lab(const float* lightness, const float* ab, std::ptrdiff_t n, std::uint8_t* rgb) {
    color_table().compose_lab(lightness, ab, n, row_tables(), rgb);
}

}  // namespace colordeploy::color
