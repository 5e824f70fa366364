#include "residues.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "../color/resize.hpp"
#include "../color/working.hpp"
#include "../isa/isa.hpp"

namespace colordeploy::anchors {

COLORDEPLOY_DECLARE_TABLES(ResidueTable, residue_table)

namespace {

constexpr float NONE = 0.06F;  // c: weight of no residue; less gains a little, and lets an anchor
                               // alone tint all
constexpr double SHORTEST = 1e-6;  // of a place's features

// Features less their mean over the picture, of length 1 in each place; plane after plane.
std::vector<float> directions(const Channels<const float>& tokens, std::ptrdiff_t channels) {
    const std::ptrdiff_t n = tokens.rows * tokens.columns;
    std::vector<float> unit(channels * n);
    std::vector<double> squares(n, 0.0);
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        float* plane = unit.data() + c * n;
        double sum = 0.0;
        for (std::ptrdiff_t y = 0; y < tokens.rows; ++y) {
            for (std::ptrdiff_t x = 0; x < tokens.columns; ++x) {
                plane[y * tokens.columns + x] = tokens.at(y, x, c);
                sum += tokens.at(y, x, c);
            }
        }
        const auto mean = static_cast<float>(sum / static_cast<double>(n));
        for (std::ptrdiff_t i = 0; i < n; ++i) {
            plane[i] -= mean;
            squares[i] += static_cast<double>(plane[i]) * plane[i];
        }
    }
    std::vector<float> lengths(n);
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        lengths[i] = static_cast<float>(std::max(std::sqrt(squares[i]), SHORTEST));
    }
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        for (std::ptrdiff_t i = 0; i < n; ++i) unit[c * n + i] /= lengths[i];
    }
    return unit;
}

// The answer's sum so far.
class Sums {
 public:
    explicit Sums(const Answered& answered)
        : answered_(answered),
          side_(answered.ab.rows / answered.tokens.rows),
          stride_((answered.ab.columns + RESIDUE_BLOCK - 1) / RESIDUE_BLOCK * RESIDUE_BLOCK),
          unit_(directions(answered.tokens, answered.token_channels)),
          total_(answered.ab.rows * stride_, NONE),
          a_(total_.size(), 0.0F),
          b_(total_.size(), 0.0F),
          alike_(total_.size(), 0.0F) {}

    void add(std::ptrdiff_t row, std::ptrdiff_t column) {
        const ResidueTable& table = COLORDEPLOY_CHOOSE_TABLE(residue_table);
        look_for_alike(row, column);
        const auto mean = [&](const auto& value) {
            double sum = 0.0;
            for (std::ptrdiff_t y = side_ * row; y < side_ * (row + 1); ++y) {
                for (std::ptrdiff_t x = side_ * column; x < side_ * (column + 1); ++x) {
                    sum += value(y, x);
                }
            }
            return static_cast<float>(sum / static_cast<double>(side_ * side_));
        };
        const Channels<float>& ab = answered_.ab;
        const std::ptrdiff_t at = row * answered_.tokens.columns + column;
        ResidueRow part{};
        for (int c = 0; c < 2; ++c) {
            const std::ptrdiff_t plane = c * answered_.tokens.rows * answered_.tokens.columns;
            part.residue[c] =
                answered_.colors[plane + at] - mean([&](auto y, auto x) { return ab.at(y, x, c); });
        }
        const float light = mean([&](auto y, auto x) { return answered_.lightness.at(y, x); });
        std::vector<float> columns(stride_, 0.0F), lighter(stride_, 0.0F);
        for (std::ptrdiff_t x = 0; x < ab.columns; ++x) columns[x] = cells(x) - to_float(column);
        part.columns = columns.data();
        part.lightness = lighter.data();
        for (std::ptrdiff_t y = 0; y < ab.rows; ++y) {
            for (std::ptrdiff_t x = 0; x < ab.columns; ++x) {
                lighter[x] = answered_.lightness.at(y, x) - light;
            }
            part.alike = alike_.data() + y * stride_;
            part.away = (cells(y) - to_float(row)) * (cells(y) - to_float(row));
            const std::ptrdiff_t begin = y * stride_;
            table.add(part, stride_, total_.data() + begin, a_.data() + begin, b_.data() + begin);
        }
    }

    void finish() {
        const Channels<float>& ab = answered_.ab;
        for (std::ptrdiff_t y = 0; y < ab.rows; ++y) {
            for (std::ptrdiff_t x = 0; x < ab.columns; ++x) {
                const std::ptrdiff_t i = y * stride_ + x;
                ab.at(y, x, 0) += a_[i] / total_[i];
                ab.at(y, x, 1) += b_[i] / total_[i];
            }
        }
    }

 private:
    static float to_float(std::ptrdiff_t place) { return static_cast<float>(place); }
    // A value's place, in cells.
    float cells(std::ptrdiff_t place) const {
        return (to_float(place) + 0.5F) / to_float(side_) - 0.5F;
    }

    // Cosines of all places with this one, at the answer's size.
    void look_for_alike(std::ptrdiff_t row, std::ptrdiff_t column) {
        const ResidueTable& table = COLORDEPLOY_CHOOSE_TABLE(residue_table);
        const std::ptrdiff_t rows = answered_.tokens.rows, columns = answered_.tokens.columns;
        std::vector<float> small(rows * columns, 0.0F);
        for (std::ptrdiff_t c = 0; c < answered_.token_channels; ++c) {
            const float* plane = unit_.data() + c * rows * columns;
            table.project(plane, plane[row * columns + column], rows * columns, small.data());
        }
        color::resize<float>({small.data(), rows, columns, columns, 1},
                             {alike_.data(), answered_.ab.rows, answered_.ab.columns, stride_, 1},
                             1, nullptr);
    }

    const Answered& answered_;
    std::ptrdiff_t side_, stride_;
    std::vector<float> unit_, total_, a_, b_, alike_;
};

void check(const Answered& answered) {
    const std::ptrdiff_t side =
        answered.tokens.rows < 1 ? 0 : answered.ab.rows / answered.tokens.rows;
    if (side < 1 || answered.token_channels < 1 || answered.tokens.columns < 1 ||
        answered.ab.rows != side * answered.tokens.rows ||
        answered.ab.columns != side * answered.tokens.columns) {
        throw std::invalid_argument("an answer must have as many values a side for each token");
    }
}

}  // namespace

void add_residues(const Answered& answered) {
    check(answered);
    if (answered.lightness.rows != answered.ab.rows ||
        answered.lightness.columns != answered.ab.columns) {
        throw std::invalid_argument("the lightness must be of the answer's size");
    }
    const std::ptrdiff_t columns = answered.tokens.columns;
    std::vector<std::ptrdiff_t> places;
    for (std::ptrdiff_t i = 0; i < answered.tokens.rows * columns; ++i) {
        if (answered.mask[i] != 0.0F) places.push_back(i);
    }
    if (places.empty()) return;
    Sums sums(answered);
    for (const std::ptrdiff_t place : places) sums.add(place / columns, place % columns);
    sums.finish();
}

void add_residues(Answered answered, const Plane<const float>& gray) {
    check(answered);
    const std::ptrdiff_t rows = answered.ab.rows, columns = answered.ab.columns;
    std::vector<float> light(gray.rows * gray.columns), means(rows * columns);
    for (std::ptrdiff_t y = 0; y < gray.rows; ++y) {
        for (std::ptrdiff_t x = 0; x < gray.columns; ++x) {
            light[y * gray.columns + x] = 50.0F * gray.at(y, x) + 50.0F;
        }
    }
    color::block_means({light.data(), gray.rows, gray.columns, gray.columns, 1},
                       {means.data(), rows, columns, columns, 1});
    answered.lightness = {means.data(), rows, columns, columns, 1};
    add_residues(answered);
}

}  // namespace colordeploy::anchors
