#include "tokens.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace colordeploy::regions {

namespace {

struct Shape {
    double area = 0.0, light = 0.0;
    double sum_y = 0.0, sum_x = 0.0;
    std::ptrdiff_t top, left, bottom, right;  // the last ones inclusive
    double outer = 0.0;                       // pixels at the picture's edge
};

class Counting {
 public:
    Counting(const Plane<const std::int32_t>& labels, const Plane<const std::int32_t>& covered,
             const Plane<const float>& luma, std::ptrdiff_t count, Tokens& tokens)
        : labels_(labels),
          covered_(covered),
          luma_(luma),
          count_(count),
          tokens_(tokens),
          shapes_(count) {
        for (Shape& shape : shapes_) {
            shape.top = labels.rows;
            shape.left = labels.columns;
            shape.bottom = shape.right = -1;
        }
    }

    void pixels(const std::int64_t* places) {
        for (std::ptrdiff_t y = 0; y < labels_.rows; ++y) {
            for (std::ptrdiff_t x = 0; x < labels_.columns; ++x) {
                if (labels_.at(y, x) > 0) add(label_of(labels_, y, x) - 1, y, x);
            }
        }
        for (std::ptrdiff_t i = 0; i < count_; ++i) {
            if (shapes_[i].area == 0.0) add(i, places[2 * (i + 1)], places[2 * (i + 1) + 1]);
        }
        for (std::ptrdiff_t i = 0; i < count_; ++i) {
            float* cells = tokens_.shares.data() + i * tokens_.rows * tokens_.columns;
            const auto area = static_cast<float>(shapes_[i].area);
            for (std::ptrdiff_t c = 0; c < tokens_.rows * tokens_.columns; ++c) cells[c] /= area;
        }
    }

    void borders() {
        std::vector<std::int64_t> lengths((count_ + 1) * (count_ + 1), 0);
        const auto meet = [&](std::ptrdiff_t a, std::ptrdiff_t b) {
            if (a != b) ++lengths[a * (count_ + 1) + b];
        };
        for (std::ptrdiff_t y = 0; y < covered_.rows; ++y) {
            for (std::ptrdiff_t x = 0; x < covered_.columns; ++x) {
                const std::ptrdiff_t own = label_of(covered_, y, x);
                if (x + 1 < covered_.columns) meet(own, label_of(covered_, y, x + 1));
                if (y + 1 < covered_.rows) meet(own, label_of(covered_, y + 1, x));
            }
        }
        around_.assign(count_, 0.0);
        const auto length = [&](std::ptrdiff_t i, std::ptrdiff_t j) {
            return static_cast<double>(lengths[(i + 1) * (count_ + 1) + j + 1] +
                                       lengths[(j + 1) * (count_ + 1) + i + 1]);
        };
        for (std::ptrdiff_t i = 0; i < count_; ++i) {
            for (std::ptrdiff_t j = 0; j < count_; ++j) around_[i] += length(i, j);
            for (std::ptrdiff_t j = 0; j < count_; ++j) {
                tokens_.borders[i * count_ + j] =
                    static_cast<float>(length(i, j) / std::max(around_[i], 1.0));
            }
        }
    }

    void geometry() {
        count_edge();
        const auto height = static_cast<double>(labels_.rows),
                   width = static_cast<double>(labels_.columns);
        double whole = 0.0;
        for (const double around : around_) whole += around;
        const auto relative = [](double place, double side) { return 2.0 * place / side - 1.0; };
        for (std::ptrdiff_t i = 0; i < count_; ++i) {
            const Shape& shape = shapes_[i];
            const double part = shape.area / (height * width);
            const auto box = static_cast<double>((shape.bottom - shape.top + 1) *
                                                 (shape.right - shape.left + 1));
            const double numbers[] = {0.2 * std::log(part) + 1.0,
                                      std::sqrt(part),
                                      2.0 * (shape.sum_y / shape.area + 0.5) / height - 1.0,
                                      2.0 * (shape.sum_x / shape.area + 0.5) / width - 1.0,
                                      relative(static_cast<double>(shape.top), height),
                                      relative(static_cast<double>(shape.left), width),
                                      relative(static_cast<double>(shape.bottom + 1), height),
                                      relative(static_cast<double>(shape.right + 1), width),
                                      shape.area / box,
                                      shape.outer / (2.0 * (height + width)),
                                      shape.outer > 0.0 ? 1.0 : 0.0,
                                      std::min(around_[i] / std::sqrt(shape.area) / 8.0, 2.0),
                                      std::sqrt(around_[i] / std::max(1.0, whole)),
                                      2.0 * (shape.light / shape.area) - 1.0};
            static_assert(sizeof numbers / sizeof *numbers == GEOMETRY);
            for (std::ptrdiff_t k = 0; k < GEOMETRY; ++k) {
                tokens_.geometry[i * GEOMETRY + k] = static_cast<float>(numbers[k]);
            }
        }
    }

 private:
    std::ptrdiff_t label_of(const Plane<const std::int32_t>& plane, std::ptrdiff_t y,
                            std::ptrdiff_t x) const {
        const std::int32_t label = plane.at(y, x);
        if (label < 0 || label > count_) throw std::out_of_range("labels must not exceed count");
        return label;
    }

    void add(std::ptrdiff_t region, std::ptrdiff_t y, std::ptrdiff_t x) {
        Shape& shape = shapes_[region];
        shape.area += 1.0;
        shape.light += luma_.at(y, x);
        shape.sum_y += static_cast<double>(y);
        shape.sum_x += static_cast<double>(x);
        shape.top = std::min(shape.top, y);
        shape.left = std::min(shape.left, x);
        shape.bottom = std::max(shape.bottom, y);
        shape.right = std::max(shape.right, x);
        tokens_.shares[(region * tokens_.rows + y / STRIDE) * tokens_.columns + x / STRIDE] += 1.0F;
    }

    void count_edge() {
        const auto touch = [&](std::ptrdiff_t y, std::ptrdiff_t x) {
            const std::ptrdiff_t label = label_of(covered_, y, x);
            if (label > 0) shapes_[label - 1].outer += 1.0;
        };
        for (std::ptrdiff_t x = 0; x < covered_.columns; ++x) {
            touch(0, x);
            touch(covered_.rows - 1, x);
        }
        for (std::ptrdiff_t y = 0; y < covered_.rows; ++y) {
            touch(y, 0);
            touch(y, covered_.columns - 1);
        }
    }

    Plane<const std::int32_t> labels_, covered_;
    Plane<const float> luma_;
    std::ptrdiff_t count_;
    Tokens& tokens_;
    std::vector<Shape> shapes_;
    std::vector<double> around_;  // length of each region's border
};

}  // namespace

std::vector<std::int64_t> places_of(const Plane<const std::int32_t>& full,
                                    const Plane<const std::int32_t>& labels, std::ptrdiff_t count) {
    if (full.rows < 1 || full.columns < 1) throw std::invalid_argument("labels must not be empty");
    std::vector<std::int64_t> places(2 * (count + 1), 0);
    const auto within = [&](std::int32_t label) { return label > 0 && label <= count; };
    std::vector<bool> found(count + 1, false);
    for (std::ptrdiff_t y = 0; y < labels.rows; ++y) {
        for (std::ptrdiff_t x = 0; x < labels.columns; ++x) {
            if (within(labels.at(y, x))) found[labels.at(y, x)] = true;
        }
    }
    std::ptrdiff_t missing = count - std::count(found.begin() + 1, found.end(), true);
    for (std::ptrdiff_t y = 0; y < full.rows && missing > 0; ++y) {
        for (std::ptrdiff_t x = 0; x < full.columns; ++x) {
            const std::int32_t label = full.at(y, x);
            if (!within(label) || found[label]) continue;
            found[label] = true;
            --missing;
            places[2 * label] = y * labels.rows / full.rows;
            places[2 * label + 1] = x * labels.columns / full.columns;
        }
    }
    return places;
}

Tokens tokens_of(const Plane<const std::int32_t>& labels, const Plane<const std::int32_t>& covered,
                 const Plane<const float>& luma, const std::int64_t* places, std::ptrdiff_t count,
                 std::ptrdiff_t rows, std::ptrdiff_t columns) {
    const auto same = [&](const auto& plane) {
        return plane.rows == labels.rows && plane.columns == labels.columns;
    };
    if (count < 1 || labels.rows < 1 || labels.columns < 1 || !same(covered) || !same(luma) ||
        rows * STRIDE < labels.rows || columns * STRIDE < labels.columns) {
        throw std::invalid_argument(
            "labels, covered and luma must be of one size, within the cells");
    }
    for (std::ptrdiff_t i = 0; i <= count; ++i) {
        if (places[2 * i] < 0 || places[2 * i] >= labels.rows || places[2 * i + 1] < 0 ||
            places[2 * i + 1] >= labels.columns) {
            throw std::invalid_argument("places must lie within the labels");
        }
    }
    Tokens tokens{count,
                  rows,
                  columns,
                  std::vector<float>(count * rows * columns, 0.0F),
                  std::vector<float>(count * GEOMETRY),
                  std::vector<float>(count * count)};
    Counting counting(labels, covered, luma, count, tokens);
    counting.pixels(places);
    counting.borders();
    counting.geometry();
    return tokens;
}

}  // namespace colordeploy::regions
