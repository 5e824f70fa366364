#include "division.hpp"

#include <algorithm>
#include <vector>

namespace colordeploy::regions {

namespace {

// Cells beside a pixel and how near the second is, centres aligned.
struct Beside {
    std::ptrdiff_t own, first, second;
    float part;
};

std::vector<Beside> beside(std::ptrdiff_t cells, std::ptrdiff_t pixels) {
    std::vector<Beside> result(pixels);
    for (std::ptrdiff_t i = 0; i < pixels; ++i) {
        const double place =
            std::max(0.0, (static_cast<double>(i) + 0.5) * static_cast<double>(cells) /
                                  static_cast<double>(pixels) -
                              0.5);
        const auto at = std::min(static_cast<std::ptrdiff_t>(place), cells - 1);
        result[i] = {i * cells / pixels, at, std::min(at + 1, cells - 1),
                     static_cast<float>(place - static_cast<double>(at))};
    }
    return result;
}

class Divider {
 public:
    Divider(const Division& given, std::int32_t* result)
        : given_(given), result_(result), state_(given.height * given.width, OTHER) {}

    void run() {
        const std::ptrdiff_t pixels = given_.height * given_.width;
        for (std::ptrdiff_t i = 0; i < pixels; ++i) {
            result_[i] = given_.covered[i];
            if (given_.counts[given_.covered[i]] > 1) {
                state_[i] = given_.labels[i] == 0 ? LINE : OPEN;
            }
        }
        for (std::ptrdiff_t i = 0; i < given_.mark_count; ++i) {
            const std::ptrdiff_t at = given_.marks[i];
            if (state_[at] != OTHER) settle(at, given_.marked[i]);
        }
        share_out();
        grow();
        for (std::ptrdiff_t i = 0; i < pixels; ++i) {
            if (state_[i] == LINE) state_[i] = OPEN;
        }
        grow();
    }

 private:
    enum State : std::uint8_t { OTHER, OPEN, LINE, DONE };

    void settle(std::ptrdiff_t at, std::int32_t owner) {
        const std::int32_t label = given_.covered[at];
        result_[at] = owner == 0 ? label : given_.first[label] + owner - 1;
        state_[at] = DONE;
    }

    void share_out() {
        const std::vector<std::int32_t> winners = cell_winners();
        const auto rows = beside(given_.rows, given_.height);
        const auto columns = beside(given_.columns, given_.width);
        for (std::ptrdiff_t y = 0; y < given_.height; ++y) {
            const Beside& row = rows[y];
            for (std::ptrdiff_t x = 0; x < given_.width; ++x) {
                const std::ptrdiff_t at = y * given_.width + x;
                if (state_[at] != OPEN) continue;
                const Beside& column = columns[x];
                const std::int32_t label = given_.labels[at];
                const std::ptrdiff_t own = row.own * given_.columns + column.own;
                if (given_.cells[own] != label) continue;
                const std::ptrdiff_t places[4] = {row.first * given_.columns + column.first,
                                                  row.first * given_.columns + column.second,
                                                  row.second * given_.columns + column.first,
                                                  row.second * given_.columns + column.second};
                bool agreed = true;
                for (const std::ptrdiff_t place : places) {
                    agreed =
                        agreed && (given_.cells[place] != label || winners[place] == winners[own]);
                }
                settle(at, agreed ? winners[own] : owner_of(label, places, row, column));
            }
        }
    }

    // The owner of the largest share of each free cell of a divided region.
    std::vector<std::int32_t> cell_winners() const {
        std::vector<std::int32_t> winners(given_.rows * given_.columns, 0);
        for (std::ptrdiff_t i = 0; i < given_.rows * given_.columns; ++i) {
            const float* shares = given_.shares + i * given_.owners;
            const std::int32_t count = given_.counts[given_.cells[i]];
            if (count > 1) {
                winners[i] =
                    static_cast<std::int32_t>(std::max_element(shares, shares + count) - shares);
            }
        }
        return winners;
    }

    std::int32_t owner_of(std::int32_t label, const std::ptrdiff_t (&places)[4], const Beside& row,
                          const Beside& column) const {
        const float weights[4] = {(1 - row.part) * (1 - column.part), (1 - row.part) * column.part,
                                  row.part * (1 - column.part), row.part * column.part};
        std::int32_t best = 0;
        float most = -1;
        for (std::int32_t k = 0; k < given_.counts[label]; ++k) {
            float sum = 0;
            for (int i = 0; i < 4; ++i) {
                if (given_.cells[places[i]] == label) {
                    sum += weights[i] * given_.shares[places[i] * given_.owners + k];
                }
            }
            if (sum > most) {
                most = sum;
                best = k;
            }
        }
        return best;
    }

    // Calls f(neighbour) for the pixels beside one that belong to its region.
    template <typename F>
    void around(std::ptrdiff_t at, const F& f) const {
        const std::ptrdiff_t x = at % given_.width;
        const auto same = [&](std::ptrdiff_t to) {
            if (given_.covered[to] == given_.covered[at]) f(to);
        };
        if (at >= given_.width) same(at - given_.width);
        if (x > 0) same(at - 1);
        if (x + 1 < given_.width) same(at + 1);
        if (at + given_.width < given_.height * given_.width) same(at + given_.width);
    }

    // Breadth first from settled pixels through open ones, within their regions.
    void grow() {
        std::vector<std::ptrdiff_t> front, next;
        for (std::ptrdiff_t i = 0; i < given_.height * given_.width; ++i) {
            if (state_[i] != OPEN) continue;
            around(i, [&](std::ptrdiff_t from) {
                if (state_[from] == DONE) front.push_back(from);
            });
        }
        while (!front.empty()) {
            next.clear();
            for (const std::ptrdiff_t at : front) {
                around(at, [&](std::ptrdiff_t to) {
                    if (state_[to] != OPEN) return;
                    result_[to] = result_[at];
                    state_[to] = DONE;
                    next.push_back(to);
                });
            }
            std::swap(front, next);
        }
    }

    const Division& given_;
    std::int32_t* result_;
    std::vector<std::uint8_t> state_;
};

}  // namespace

void free_cells(const std::int32_t* labels, std::ptrdiff_t height, std::ptrdiff_t width,
                std::int32_t* cells, std::ptrdiff_t rows, std::ptrdiff_t columns) {
    std::fill_n(cells, rows * columns, -1);
    std::vector<std::ptrdiff_t> places(width);
    for (std::ptrdiff_t x = 0; x < width; ++x) places[x] = x * columns / width;
    for (std::ptrdiff_t y = 0; y < height; ++y) {
        std::int32_t* row = cells + y * rows / height * columns;
        for (std::ptrdiff_t x = 0; x < width; ++x) {
            std::int32_t& cell = row[places[x]];
            const std::int32_t label = labels[y * width + x];
            cell = cell == -1 || cell == label ? label : 0;
        }
    }
}

void divide(const Division& division, std::int32_t* result) { Divider(division, result).run(); }

}  // namespace colordeploy::regions
