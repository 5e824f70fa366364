#include "constraints.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <stdexcept>

#include "../color/spaces.hpp"
#include "../share.hpp"
#include "lines.hpp"
#include "marks.hpp"

namespace colordeploy::strokes {

namespace {

constexpr std::ptrdiff_t WORKING_ROWS = 4;  // that a thread takes at a time

// The marks of one working row, added up; whole numbers, so that the order means nothing.
class Sums {
 public:
    Sums(std::ptrdiff_t columns, std::ptrdiff_t width) : cells_(width), sums_(columns) {
        for (std::ptrdiff_t x = 0; x < width; ++x) {
            cells_[x] = static_cast<std::int32_t>(x * columns / width);
        }
    }

    // The colour counts by `weight`: alpha, or 255 where it has been multiplied by alpha already.
    void add(std::ptrdiff_t x, const std::uint8_t* rgb, std::uint64_t alpha, std::uint64_t weight) {
        Sum& sum = sums_[cells_[x]];
        for (int c = 0; c < 3; ++c) sum.rgb[c] += weight * rgb[c];
        sum.alpha += alpha;
    }

    // Writes the means and begins anew.
    void finish(std::uint8_t* mask, double* chroma) {
        for (Sum& sum : sums_) {
            *mask++ = sum.alpha > 0;
            double mean[3] = {};
            for (int c = 0; c < 3 && sum.alpha > 0; ++c) {
                mean[c] =
                    static_cast<double>(sum.rgb[c]) / (255.0 * static_cast<double>(sum.alpha));
            }
            const double luma =
                color::LUMA[0] * mean[0] + color::LUMA[1] * mean[1] + color::LUMA[2] * mean[2];
            *chroma++ = color::U_SCALE * (mean[2] - luma);
            *chroma++ = color::V_SCALE * (mean[0] - luma);
            sum = {};
        }
    }

 private:
    struct Sum {
        std::array<std::uint64_t, 3> rgb{};
        std::uint64_t alpha = 0;
    };
    std::vector<std::int32_t> cells_;  // of the picture's columns
    std::vector<Sum> sums_;
};

// Calls add(y, scratch) for every row of the picture, by working rows; each returns how many
// pixels it added.
template <typename Make, typename Add>
std::int64_t reduce(std::ptrdiff_t height, const Constraints& result, int threads,
                    const CancelFlag* cancel, const Make& make, const Add& add) {
    if (threads < 1) throw std::invalid_argument("threads must be at least 1");
    std::atomic<std::int64_t> marked{0};
    share(result.rows, WORKING_ROWS, threads, make,
          [&](std::ptrdiff_t begin, std::ptrdiff_t end, auto& scratch) {
              std::int64_t own = 0;
              for (std::ptrdiff_t r = begin; r < end; ++r) {
                  throw_if_set(cancel);
                  // Row y belongs to the working row y * rows / height, rounded down.
                  const auto first = [&](std::ptrdiff_t row) {
                      return (row * height + result.rows - 1) / result.rows;
                  };
                  for (std::ptrdiff_t y = first(r); y < first(r + 1); ++y) own += add(y, scratch);
                  scratch.sums.finish(result.mask + r * result.columns,
                                      result.chroma + 2 * r * result.columns);
              }
              marked += own;
          });
    return marked;
}

// Calls fill with constraints of at most the picture's size. Where the picture is enlarged, a
// working pixel gets those of the pixel of the picture that its middle lies in.
template <typename Fill>
std::int64_t constrain(std::ptrdiff_t height, std::ptrdiff_t width, const Constraints& result,
                       const Fill& fill) {
    if (height < 1 || width < 1 || result.rows < 1 || result.columns < 1) {
        throw std::invalid_argument("the picture and the working size must not be empty");
    }
    if (result.rows <= height && result.columns <= width) return fill(result);
    std::vector<std::uint8_t> mask(static_cast<std::size_t>(height * width));
    std::vector<double> chroma(2 * mask.size());
    const std::int64_t marked = fill(Constraints{mask.data(), chroma.data(), height, width});
    for (std::ptrdiff_t r = 0; r < result.rows; ++r) {
        const std::ptrdiff_t y = (2 * r + 1) * height / (2 * result.rows);
        for (std::ptrdiff_t c = 0; c < result.columns; ++c) {
            const std::ptrdiff_t x = (2 * c + 1) * width / (2 * result.columns);
            const std::ptrdiff_t from = y * width + x, to = r * result.columns + c;
            result.mask[to] = mask[static_cast<std::size_t>(from)];
            std::copy_n(chroma.data() + 2 * from, 2, result.chroma + 2 * to);
        }
    }
    return marked;
}

}  // namespace

std::int64_t constrain_layer(const Channels<const std::uint8_t>& rgba, const Constraints& result,
                             int threads, const CancelFlag* cancel) {
    const Runs all = marks_of(rgba, threads, cancel);
    const bool multiplied = premultiplied(rgba, all);
    struct Scratch {
        Sums sums;
    };
    const auto add = [&](std::ptrdiff_t y, Scratch& own) {
        std::int64_t marked = 0;
        for (std::ptrdiff_t i = all.rows[y]; i < all.rows[y + 1]; ++i) {
            const Run& run = all.runs[i];
            if (!run.marked) continue;
            for (std::ptrdiff_t x = run.begin; x < run.end; ++x) {
                const std::uint8_t rgb[3] = {rgba.at(y, x, 0), rgba.at(y, x, 1), rgba.at(y, x, 2)};
                own.sums.add(x, rgb, run.alpha, multiplied ? 255 : run.alpha);
            }
            marked += run.end - run.begin;
        }
        return marked;
    };
    return constrain(rgba.rows, rgba.columns, result, [&](const Constraints& filled) {
        const auto make = [&] { return Scratch{Sums(filled.columns, rgba.columns)}; };
        return reduce(rgba.rows, filled, threads, cancel, make, add);
    });
}

std::int64_t constrain_lines(const std::vector<Line>& lines, std::ptrdiff_t height,
                             std::ptrdiff_t width, const Constraints& result, int threads,
                             const CancelFlag* cancel) {
    struct Scratch {
        Sums sums;
        LineRow row;
    };
    const auto add = [&](std::ptrdiff_t y, Scratch& own) {
        std::int64_t marked = 0;
        own.row.draw(y);
        for (std::ptrdiff_t x = own.row.begin(); x < own.row.end(); ++x) {
            if (own.row[x] < 0) continue;
            own.sums.add(x, lines[own.row[x]].rgb, 255, 255);
            ++marked;
        }
        return marked;
    };
    return constrain(height, width, result, [&](const Constraints& filled) {
        const auto make = [&] {
            return Scratch{Sums(filled.columns, width), LineRow(lines, width)};
        };
        return reduce(height, filled, threads, cancel, make, add);
    });
}

void draw_lines(const std::vector<Line>& lines, const Channels<std::uint8_t>& rgba) {
    LineRow row(lines, rgba.columns);
    for (std::ptrdiff_t y = 0; y < rgba.rows; ++y) {
        row.draw(y);
        for (std::ptrdiff_t x = 0; x < rgba.columns; ++x) {
            const bool drawn = x >= row.begin() && x < row.end() && row[x] >= 0;
            for (int c = 0; c < 3; ++c) rgba.at(y, x, c) = drawn ? lines[row[x]].rgb[c] : 0;
            rgba.at(y, x, 3) = drawn ? 255 : 0;
        }
    }
}

}  // namespace colordeploy::strokes
