#include "division.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "../share.hpp"

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

// What is known of a pixel; a bit each, so that eight pixels can be asked at a time.
enum State : std::uint8_t { OTHER = 0, DONE = 1, OPEN = 2, LINE = 4 };

constexpr std::int32_t DISPUTED = -1;  // cells beside this one have another winner

class Divider {
 public:
    Divider(const Division& given, int threads, std::int32_t* result)
        : given_(given),
          threads_(threads),
          result_(result),
          state_(given.height * given.width, OTHER),
          rows_(beside(given.rows, given.height)),
          columns_(beside(given.columns, given.width)),
          ends_(given.columns, 0),
          winners_(cell_winners()),
          decided_(decided_cells()) {
        for (std::ptrdiff_t x = 0; x < given.width; ++x) ends_[columns_[x].own] = x + 1;
    }

    void run() {
        for_rows([&](std::ptrdiff_t y) { share_out(y); });
        for (std::ptrdiff_t i = 0; i < given_.mark_count; ++i) {
            const std::ptrdiff_t at = given_.marks[i];
            if (state_[at] != OTHER) settle(at, given_.covered[at], given_.marked[i]);
        }
        grow(OPEN);
        grow(OPEN | LINE);
    }

 private:
    template <typename Work>
    void for_rows(const Work& work) const {
        const auto nothing = [] { return 0; };
        share(given_.height, ROWS, threads_, nothing,
              [&](std::ptrdiff_t begin, std::ptrdiff_t end, int) {
                  for (std::ptrdiff_t y = begin; y < end; ++y) work(y);
              });
    }

    void settle(std::ptrdiff_t at, std::int32_t label, std::int32_t owner) {
        result_[at] = named(label, owner);
        state_[at] = DONE;
    }

    std::int32_t named(std::int32_t label, std::int32_t owner) const {
        return owner == 0 ? label : given_.first[label] + owner - 1;
    }

    // Runs of one label in a row: most are of regions that are not divided.
    void share_out(std::ptrdiff_t y) {
        const std::ptrdiff_t width = given_.width;
        const std::int32_t* covered = given_.covered + y * width;
        for (std::ptrdiff_t x = 0; x < width;) {
            const std::int32_t label = covered[x];
            std::ptrdiff_t end = x + 1;
            while (end < width && covered[end] == label) ++end;
            std::fill(result_ + y * width + x, result_ + y * width + end, label);
            while (given_.counts[label] > 1 && x < end) x = share_out(y, x, end, label);
            x = end;
        }
    }

    // The pixels of a run that lie in one cell; returns where the next ones begin.
    std::ptrdiff_t share_out(std::ptrdiff_t y, std::ptrdiff_t x, std::ptrdiff_t end,
                             std::int32_t label) {
        const Beside& row = rows_[y];
        const std::ptrdiff_t column = columns_[x].own;
        const std::ptrdiff_t cell = row.own * given_.columns + column;
        const std::ptrdiff_t stop = std::min(end, ends_[column]);
        const std::ptrdiff_t from = y * given_.width + x, to = y * given_.width + stop;
        if (given_.cells[cell] != label) {
            for (std::ptrdiff_t at = from; at < to; ++at) {
                state_[at] = given_.labels[at] == 0 ? LINE : OPEN;
            }
            return stop;
        }
        std::fill(state_.begin() + from, state_.begin() + to, DONE);  // no line is in a free cell
        for (std::ptrdiff_t at = from; at < to; ++at, ++x) {
            const bool disputed = decided_[cell] == DISPUTED;
            const std::int32_t owner =
                disputed ? owner_of(label, row, columns_[x]) : decided_[cell];
            result_[at] = named(label, owner);
        }
        return stop;
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

    // Winners where no cell of the region about this one has another.
    std::vector<std::int32_t> decided_cells() const {
        std::vector<std::int32_t> decided = winners_;
        for (std::ptrdiff_t y = 0; y < given_.rows; ++y) {
            for (std::ptrdiff_t x = 0; x < given_.columns; ++x) {
                const std::ptrdiff_t at = y * given_.columns + x;
                const std::ptrdiff_t y1 = std::min(y + 2, given_.rows);
                const std::ptrdiff_t x1 = std::min(x + 2, given_.columns);
                for (std::ptrdiff_t v = std::max<std::ptrdiff_t>(y - 1, 0); v < y1; ++v) {
                    for (std::ptrdiff_t u = std::max<std::ptrdiff_t>(x - 1, 0); u < x1; ++u) {
                        const std::ptrdiff_t near = v * given_.columns + u;
                        if (given_.cells[near] == given_.cells[at] &&
                            winners_[near] != winners_[at]) {
                            decided[at] = DISPUTED;
                        }
                    }
                }
            }
        }
        return decided;
    }

    // By the shares of the four cells about a pixel, enlarged.
    std::int32_t owner_of(std::int32_t label, const Beside& row, const Beside& column) const {
        const std::ptrdiff_t places[4] = {row.first * given_.columns + column.first,
                                          row.first * given_.columns + column.second,
                                          row.second * given_.columns + column.first,
                                          row.second * given_.columns + column.second};
        const float weights[4] = {(1 - row.part) * (1 - column.part), (1 - row.part) * column.part,
                                  row.part * (1 - column.part), row.part * column.part};
        const std::int32_t own = winners_[row.own * given_.columns + column.own];
        bool agreed = true;
        for (const std::ptrdiff_t place : places) {
            agreed = agreed && (given_.cells[place] != label || winners_[place] == own);
        }
        if (agreed) return own;
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

    // Breadth first from settled pixels through those in one of these states, within their
    // regions.
    void grow(unsigned through) {
        std::vector<std::ptrdiff_t> front = settled_beside(through), next;
        while (!front.empty()) {
            next.clear();
            for (const std::ptrdiff_t at : front) {
                around(at, [&](std::ptrdiff_t to) {
                    if ((state_[to] & through) == 0) return;
                    result_[to] = result_[at];
                    state_[to] = DONE;
                    next.push_back(to);
                });
            }
            std::swap(front, next);
        }
    }

    // Settled pixels beside one in one of these states, in the order of these.
    std::vector<std::ptrdiff_t> settled_beside(unsigned through) const {
        std::vector<std::vector<std::ptrdiff_t>> of_row(given_.height);
        for_rows([&](std::ptrdiff_t y) {
            const std::ptrdiff_t begin = y * given_.width, end = begin + given_.width;
            for_states(begin, end, through, [&](std::ptrdiff_t at) {
                around(at, [&](std::ptrdiff_t from) {
                    if (state_[from] == DONE) of_row[y].push_back(from);
                });
            });
        });
        std::vector<std::ptrdiff_t> front;
        for (const std::vector<std::ptrdiff_t>& row : of_row) {
            front.insert(front.end(), row.begin(), row.end());
        }
        return front;
    }

    template <typename Visit>
    void for_states(std::ptrdiff_t at, std::ptrdiff_t end, unsigned wanted,
                    const Visit& visit) const {
        const std::uint64_t each = wanted * std::uint64_t{0x0101010101010101};
        while (at < end) {
            std::uint64_t eight = each;
            if (end - at >= 8) std::memcpy(&eight, state_.data() + at, sizeof eight);
            const std::ptrdiff_t stop = std::min(at + 8, end);
            for (; (eight & each) != 0 && at < stop; ++at) {
                if ((state_[at] & wanted) != 0) visit(at);
            }
            at = stop;
        }
    }

    const Division& given_;
    const int threads_;
    std::int32_t* result_;
    std::vector<std::uint8_t> state_;
    const std::vector<Beside> rows_, columns_;
    std::vector<std::ptrdiff_t> ends_;  // of the cells' columns, in pixels
    const std::vector<std::int32_t> winners_, decided_;
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

void divide(const Division& division, int threads, std::int32_t* result) {
    Divider(division, threads, result).run();
}

}  // namespace colordeploy::regions
