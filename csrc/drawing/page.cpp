#include "page.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <stdexcept>

#include "../share.hpp"
#include "histogram.hpp"

namespace colordeploy::drawing {

namespace {

constexpr double FEWEST = 3.0;       // pixels of a line
constexpr double JOINED_PART = 0.5;  // of the line pixels that have two others beside them: chance
                                     // makes fewer

constexpr std::ptrdiff_t SMALLEST_TILE = 32;  // pixels a side: some lines wide
constexpr std::ptrdiff_t TILES = 12;          // along the short side
constexpr double GROUND_PART = 0.85;          // of a tile's pixels that are not lighter: its ground
constexpr float DROP = 0.9F;                  // from tile to tile: more is a shape, not the light
constexpr float WHITE = 0.97F;                // ground that is left alone
constexpr float DARKEST_GROUND = 0.04F;
constexpr float LINE = 0.8F;  // of the ground: darker is line, where lines are dark
constexpr float USUAL_CONTRAST = 0.8F;
constexpr float LEAST_CONTRAST = 0.06F;
constexpr float NOISES = 4.5F;      // so many standard deviations are no chance
constexpr double DARK_PART = 0.08;  // of what is darker than the ground: the darkest are the lines

struct Tiling {
    explicit Tiling(const Plane<const float>& luma) {
        const std::ptrdiff_t side =
            std::max(SMALLEST_TILE, std::min(luma.rows, luma.columns) / TILES);
        rows = std::max<std::ptrdiff_t>(luma.rows / side, 1);
        columns = std::max<std::ptrdiff_t>(luma.columns / side, 1);
    }
    std::ptrdiff_t rows, columns;
};

std::vector<Histogram> histograms_of(const Plane<const float>& luma, const Tiling& tiles,
                                     int threads, const CancelFlag* cancel) {
    std::vector<Histogram> histograms(tiles.rows * tiles.columns, Histogram{});
    share(
        tiles.rows, 1, threads, [&] { return std::vector<Counter>(tiles.columns); },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, std::vector<Counter>& counters) {
            for (std::ptrdiff_t r = begin; r < end; ++r) {
                throw_if_set(cancel);
                for (std::ptrdiff_t y = r * luma.rows / tiles.rows;
                     y < (r + 1) * luma.rows / tiles.rows; ++y) {
                    for (std::ptrdiff_t c = 0; c < tiles.columns; ++c) {
                        const std::ptrdiff_t x0 = c * luma.columns / tiles.columns;
                        const std::ptrdiff_t x1 = (c + 1) * luma.columns / tiles.columns;
                        counters[c].add(&luma.at(y, x0), luma.column_stride, x1 - x0);
                    }
                }
                for (std::ptrdiff_t c = 0; c < tiles.columns; ++c) {
                    counters[c].move_to(histograms[r * tiles.columns + c]);
                }
            }
        });
    return histograms;
}

// Standard deviation of what changes from pixel to pixel: from the median difference of pixels two
// apart, down or across, whichever is less; lines are few, and hatching runs one way.
float noise_of(const Plane<const float>& luma, int threads, const CancelFlag* cancel) {
    const std::ptrdiff_t step = std::max<std::ptrdiff_t>(luma.rows * luma.columns / 500000, 1);
    const auto median = [&](std::ptrdiff_t dy, std::ptrdiff_t dx) {
        const std::ptrdiff_t width = luma.columns - dx, height = luma.rows - dy;
        if (width < 1 || height < 1) return 0.0F;
        Counter counter;
        std::vector<float> row(static_cast<std::size_t>(width / step + 1));
        float* to = row.data();
        const std::ptrdiff_t stride = step * luma.column_stride;
        std::ptrdiff_t first = 0;  // every step-th pixel in reading order, row after row
        for (std::ptrdiff_t y = 0; y < height; ++y) {
            throw_if_set(cancel);
            if (first >= width) {  // no pixel of this row
                first -= width;
                continue;
            }
            const std::ptrdiff_t n = (width - first + step - 1) / step;
            const float *here = &luma.at(y, first), *there = &luma.at(y + dy, first + dx);
            // Four times as fine: noise is of a few levels.
            if (stride == 1) {
#pragma omp simd
                for (std::ptrdiff_t i = 0; i < n; ++i) to[i] = 4.0F * std::abs(there[i] - here[i]);
            } else {
                for (std::ptrdiff_t i = 0; i < n; ++i) {
                    to[i] = 4.0F * std::abs(there[i * stride] - here[i * stride]);
                }
            }
            counter.add(to, 1, n);
            first += n * step - width;
        }
        Histogram differences{};
        counter.move_to(differences);
        return value_of(quantile(differences, 0.5)) / 4.0F;
    };
    std::array<float, 2> across_and_down{};
    share(
        2, 1, threads, [] { return 0; },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, int&) {
            for (std::ptrdiff_t i = begin; i < end; ++i) {
                across_and_down[i] = i == 0 ? median(0, 2) : median(2, 0);
            }
        });
    constexpr float TO_DEVIATION = 1.4826F / 1.41421F;
    return TO_DEVIATION * std::min(across_and_down[0], across_and_down[1]);
}

// Whether what stands out from its surroundings is light rather than dark.
bool light_on_dark(const std::vector<Histogram>& histograms) {
    double lighter = 0.0, darker = 0.0;
    std::int64_t dark = 0, all = 0;
    for (const Histogram& histogram : histograms) {
        const int median = quantile(histogram, 0.5);
        Histogram spread{};
        for (int level = 0; level < LEVELS; ++level) {
            spread[std::abs(level - median)] += histogram[level];
        }
        const int margin = 8 + 4 * quantile(spread, 0.5);
        for (int level = 0; level < LEVELS; ++level) {
            const auto pixels = static_cast<double>(histogram[level]);
            lighter += pixels * std::max(level - median - margin, 0);
            darker += pixels * std::max(median - margin - level, 0);
        }
        const std::int64_t pixels = total_of(histogram);
        all += pixels;
        if (median < LEVELS / 2) dark += pixels;
    }
    return (2 * dark > all && lighter >= darker) || lighter > 4.0 * darker;
}

// Each tile's ground; where a dark shape fills a tile, its neighbours say what the ground is.
std::vector<float> ground_of(const std::vector<Histogram>& histograms, const Tiling& tiles) {
    std::vector<float> ground;
    ground.reserve(histograms.size());
    for (const Histogram& histogram : histograms) {
        ground.push_back(std::max(value_of(quantile(histogram, GROUND_PART)), DARKEST_GROUND));
    }
    bool changed = true;
    while (changed) {  // at most as often as there are tiles on the way
        changed = false;
        const auto raise = [&](std::ptrdiff_t to, std::ptrdiff_t from) {
            if (ground[to] >= DROP * ground[from]) return;
            ground[to] = DROP * ground[from];
            changed = true;
        };
        for (std::ptrdiff_t r = 0; r < tiles.rows; ++r) {
            for (std::ptrdiff_t c = 0; c < tiles.columns; ++c) {
                const std::ptrdiff_t i = r * tiles.columns + c;
                if (r > 0) raise(i, i - tiles.columns);
                if (c > 0) raise(i, i - 1);
                if (r + 1 < tiles.rows) raise(i, i + tiles.columns);
                if (c + 1 < tiles.columns) raise(i, i + 1);
            }
        }
    }
    return ground;
}

// Linear interpolation between the middles of tiles, constant beyond the outermost.
struct Place {
    std::ptrdiff_t first, second;
    float part;
};

Place place_of(std::ptrdiff_t at, std::ptrdiff_t size, std::ptrdiff_t tiles) {
    const float where =
        (static_cast<float>(at) + 0.5F) * static_cast<float>(tiles) / static_cast<float>(size) -
        0.5F;
    const float inside = std::clamp(where, 0.0F, static_cast<float>(tiles - 1));
    const auto first = static_cast<std::ptrdiff_t>(inside);
    return {first, std::min(first + 1, tiles - 1), inside - static_cast<float>(first)};
}

// Rows of values: of luma, of its negative, over the ground.
class Values {
 public:
    Values(const Plane<const float>& luma, const Page& page)
        : luma_(luma), page_(page), row_(luma.columns), ground_(page.columns) {
        if (page.even) return;
        for (std::ptrdiff_t x = 0; x < luma.columns; ++x) {
            across_.push_back(place_of(x, luma.columns, page.columns));
        }
    }
    const float* operator()(std::ptrdiff_t y) {
        const float *from = &luma_.at(y, 0), sign = page_.inverted ? -1.0F : 1.0F;
        const float base = page_.inverted ? 1.0F : 0.0F;
        float* row = row_.data();
        const std::ptrdiff_t stride = luma_.column_stride;
        for (std::ptrdiff_t x = 0; x < luma_.columns; ++x) {
            const float some = from[x * stride] > 0.0F ? from[x * stride] : 0.0F;  // NaN: 0
            row[x] = base + sign * (some < 1.0F ? some : 1.0F);
        }
        if (page_.even) return row_.data();
        const Place down = place_of(y, luma_.rows, page_.rows);
        for (std::ptrdiff_t c = 0; c < page_.columns; ++c) {
            const float upper = page_.ground[down.first * page_.columns + c];
            const float lower = page_.ground[down.second * page_.columns + c];
            ground_[c] = upper + down.part * (lower - upper);
        }
        for (std::ptrdiff_t x = 0; x < luma_.columns; ++x) {
            const Place& place = across_[x];
            const float left = ground_[place.first], right = ground_[place.second];
            row_[x] /= left + place.part * (right - left);
        }
        return row_.data();
    }

 private:
    const Plane<const float>& luma_;
    const Page& page_;
    std::vector<float> row_, ground_;
    std::vector<Place> across_;
};

// Of the whole page; values above 1 count as 1.
Histogram values_of(const Plane<const float>& luma, const Page& page, int threads,
                    const CancelFlag* cancel) {
    std::array<std::atomic<std::int64_t>, LEVELS> sums{};
    struct Space {
        Values values;
        Counter counter;
    };
    share(
        luma.rows, ROWS, threads, [&] { return Space{Values(luma, page), {}}; },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, Space& space) {
            throw_if_set(cancel);
            for (std::ptrdiff_t y = begin; y < end; ++y) {
                space.counter.add(space.values(y), 1, luma.columns);
            }
            Histogram own{};
            space.counter.move_to(own);
            for (int level = 0; level < LEVELS; ++level) sums[level] += own[level];
        });
    Histogram histogram;
    for (int level = 0; level < LEVELS; ++level) histogram[level] = sums[level];
    return histogram;
}

Histogram sum_of(const std::vector<Histogram>& histograms) {
    Histogram sum{};
    for (const Histogram& histogram : histograms) {
        for (int level = 0; level < LEVELS; ++level) sum[level] += histogram[level];
    }
    return sum;
}

// Lines are darker than the ground by more than its noise; between the two lies the threshold, but
// never above the usual one for dark lines.
void find_lines(const Histogram& histogram, Page& page) {
    const float ground = page.level = value_of(quantile(histogram, 0.5));
    const float margin = std::max(NOISES * page.noise, LEAST_CONTRAST);
    Histogram candidates{};
    for (int level = 0; level < LEVELS && value_of(level) < ground - margin; ++level) {
        candidates[level] = histogram[level];
    }
    page.threshold = page.contrast = 0.0F;
    if (total_of(candidates) == 0) return;
    page.contrast = ground - value_of(quantile(candidates, DARK_PART));
    page.threshold = std::min(std::max(LINE, 1.0F - 0.5F * page.contrast), ground - margin);
}

}  // namespace

Page examined(const Plane<const float>& luma, int threads, const CancelFlag* cancel) {
    if (luma.rows < 1 || luma.columns < 1) throw std::invalid_argument("the page is empty");
    if (threads < 1) throw std::invalid_argument("threads must be at least 1");
    const Tiling tiles(luma);
    std::vector<Histogram> histograms = histograms_of(luma, tiles, threads, cancel);
    Page page{};
    page.rows = tiles.rows;
    page.columns = tiles.columns;
    page.inverted = light_on_dark(histograms);
    if (page.inverted) {
        for (Histogram& histogram : histograms) std::reverse(histogram.begin(), histogram.end());
    }
    page.ground = ground_of(histograms, tiles);
    page.even = *std::min_element(page.ground.begin(), page.ground.end()) >= WHITE;
    std::vector<float> sorted = page.ground;
    std::nth_element(sorted.begin(), sorted.begin() + sorted.size() / 2, sorted.end());
    page.noise = noise_of(luma, threads, cancel) / (page.even ? 1.0F : sorted[sorted.size() / 2]);
    find_lines(page.even ? sum_of(histograms) : values_of(luma, page, threads, cancel), page);
    return page;
}

std::int64_t separated(const Plane<const float>& luma, const Page& page, int threads,
                       const CancelFlag* cancel, float* values, std::uint8_t* lines) {
    const std::ptrdiff_t columns = luma.columns;
    const bool pale = page.threshold > LINE;
    const float gain = pale ? std::max(USUAL_CONTRAST / page.contrast, 1.0F) : 1.0F;
    share(
        luma.rows, ROWS, threads, [&] { return Values(luma, page); },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, Values& own) {
            throw_if_set(cancel);
            for (std::ptrdiff_t y = begin; y < end; ++y) {
                const float* row = own(y);
                const float threshold = page.threshold, level = page.level;
                float* to = values + y * columns;
                std::uint8_t* line = lines + y * columns;
#pragma omp simd
                for (std::ptrdiff_t x = 0; x < columns; ++x) line[x] = row[x] < threshold;
                if (pale) {
#pragma omp simd
                    for (std::ptrdiff_t x = 0; x < columns; ++x) {
                        to[x] = std::clamp(1.0F - gain * (level - row[x]), 0.0F, 1.0F);
                    }
                } else {
#pragma omp simd
                    for (std::ptrdiff_t x = 0; x < columns; ++x) {
                        to[x] = std::clamp(row[x], 0.0F, 1.0F);
                    }
                }
            }
        });
    std::atomic<std::int64_t> joined{0};
    share(
        luma.rows, ROWS, threads, [&] { return std::vector<std::uint8_t>(columns + 2); },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, std::vector<std::uint8_t>& sums) {
            std::int64_t found = 0;
            for (std::ptrdiff_t y = begin; y < end; ++y) {
                const std::uint8_t* row = lines + y * columns;
                const std::uint8_t* above = y > 0 ? row - columns : nullptr;
                const std::uint8_t* below = y + 1 < luma.rows ? row + columns : nullptr;
                for (std::ptrdiff_t x = 0; x < columns; ++x) sums[x + 1] = row[x];
                for (const std::uint8_t* other : {above, below}) {
                    for (std::ptrdiff_t x = 0; other != nullptr && x < columns; ++x) {
                        sums[x + 1] = static_cast<std::uint8_t>(sums[x + 1] + other[x]);
                    }
                }
                std::int32_t own = 0;
                for (std::ptrdiff_t x = 0; x < columns; ++x) {
                    own += row[x] & (sums[x] + sums[x + 1] + sums[x + 2] >= 3);
                }
                found += own;
            }
            joined += found;
        });
    return joined;
}

bool is_blank(const Page& page, const std::uint8_t* lines, std::ptrdiff_t pixels,
              std::int64_t joined) {
    const auto marked = pixels - std::count(lines, lines + pixels, std::uint8_t{0});
    const double needed =
        page.noise > 0.0F ? std::max(FEWEST, JOINED_PART * static_cast<double>(marked)) : 0.0;
    return marked == 0 || static_cast<double>(joined) < needed;
}

}  // namespace colordeploy::drawing
