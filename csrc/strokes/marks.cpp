#include "marks.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "../share.hpp"

namespace colordeploy::strokes {

namespace {

constexpr int SURE = 128;  // alpha that is at least half of any
constexpr int LEVELS =
    SURE / 2;  // from here on runs join in any order: no question is asked before

// The first visible pixel from x on.
std::ptrdiff_t next_visible(const std::uint8_t* alpha, std::ptrdiff_t stride, std::ptrdiff_t x,
                            std::ptrdiff_t columns) {
    if (stride == 4) {  // sixteen at a time: most of a layer is empty
        for (; x + 16 <= columns; x += 16) {
            std::uint32_t most = 0;
            for (int j = 0; j < 16; ++j) most |= alpha[4 * (x + j)];
            if (most >= FAINTEST) break;
        }
    }
    while (x < columns && alpha[x * stride] < FAINTEST) ++x;
    return x;
}

void add_row(const std::uint8_t* alpha, std::ptrdiff_t stride, std::ptrdiff_t columns,
             std::vector<Run>& runs) {
    for (std::ptrdiff_t x = next_visible(alpha, stride, 0, columns); x < columns;) {
        const std::uint8_t level = alpha[x * stride];
        std::ptrdiff_t end = x + 1;
        while (end < columns && alpha[end * stride] == level) ++end;
        if (level >= FAINTEST) {
            runs.push_back(
                {static_cast<std::int32_t>(x), static_cast<std::int32_t>(end), level, true});
        }
        x = end < columns && alpha[end * stride] < FAINTEST
                ? next_visible(alpha, stride, end, columns)
                : end;
    }
}

// Disjoint sets of runs, each with its largest alpha.
class Sets {
 public:
    explicit Sets(const std::vector<Run>& runs) : parents_(runs.size()), most_(runs.size()) {
        std::iota(parents_.begin(), parents_.end(), std::uint32_t{0});
        for (std::size_t i = 0; i < runs.size(); ++i) most_[i] = runs[i].alpha;
    }
    void join(std::uint32_t a, std::uint32_t b) {
        a = root(a);
        b = root(b);
        if (a == b) return;
        if (a > b) std::swap(a, b);
        parents_[b] = a;
        most_[a] = std::max(most_[a], most_[b]);
    }
    std::uint8_t most(std::uint32_t a) { return most_[root(a)]; }

 private:
    std::uint32_t root(std::uint32_t a) {
        while (parents_[a] != a) {
            parents_[a] = parents_[parents_[a]];
            a = parents_[a];
        }
        return a;
    }

    std::vector<std::uint32_t> parents_;
    std::vector<std::uint8_t> most_;
};

struct Edge {
    std::uint32_t a, b;
};

// Calls meet(a, b) for all runs that touch.
template <typename Meet>
void each_contact(const Runs& all, const CancelFlag* cancel, const Meet& meet) {
    const std::vector<Run>& runs = all.runs;
    const auto rows = static_cast<std::ptrdiff_t>(all.rows.size()) - 1;
    for (std::ptrdiff_t y = 0; y < rows; ++y) {
        throw_if_set(cancel);
        std::ptrdiff_t above = y > 0 ? all.rows[y - 1] : 0;
        const std::ptrdiff_t end_above = y > 0 ? all.rows[y] : 0;
        for (std::ptrdiff_t i = all.rows[y]; i < all.rows[y + 1]; ++i) {
            if (i > all.rows[y] && runs[i - 1].end == runs[i].begin) meet(i - 1, i);
            while (above < end_above && runs[above].end < runs[i].begin) ++above;
            for (std::ptrdiff_t k = above; k < end_above && runs[k].begin <= runs[i].end; ++k) {
                meet(k, i);
            }
        }
    }
}

// Levels from opaque to faint: runs that touch join at the lower one's alpha; a run is judged when
// all from half its alpha on have joined.
void judge(Runs& all, const CancelFlag* cancel) {
    std::vector<Run>& runs = all.runs;
    const auto level_of = [&](std::ptrdiff_t a, std::ptrdiff_t b) {
        return std::min<int>(runs[a].alpha, runs[b].alpha);
    };
    Sets sets(runs);
    std::array<std::size_t, LEVELS + 1> begins{};
    each_contact(all, cancel, [&](std::ptrdiff_t a, std::ptrdiff_t b) {
        if (level_of(a, b) < LEVELS) {
            ++begins[level_of(a, b) + 1];
        } else {  // neighbours in memory, too
            sets.join(static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b));
        }
    });
    std::partial_sum(begins.begin(), begins.end(), begins.begin());
    std::vector<Edge> edges(begins[LEVELS]);
    std::array<std::size_t, LEVELS> ends;
    std::copy_n(begins.begin(), LEVELS, ends.begin());
    each_contact(all, cancel, [&](std::ptrdiff_t a, std::ptrdiff_t b) {
        if (level_of(a, b) >= LEVELS) return;
        edges[ends[level_of(a, b)]++] = {static_cast<std::uint32_t>(a),
                                         static_cast<std::uint32_t>(b)};
    });
    std::array<std::vector<std::uint32_t>, LEVELS + 1> judged;  // at this level
    for (std::size_t i = 0; i < runs.size(); ++i) {
        if (runs[i].alpha >= SURE) continue;
        judged[(runs[i].alpha + 1) / 2].push_back(static_cast<std::uint32_t>(i));
    }
    for (int level = LEVELS; level > 0; --level) {
        throw_if_set(cancel);
        if (level < LEVELS) {
            for (std::size_t e = begins[level]; e < begins[level + 1]; ++e) {
                sets.join(edges[e].a, edges[e].b);
            }
        }
        for (std::uint32_t i : judged[level]) runs[i].marked = 2 * runs[i].alpha >= sets.most(i);
    }
}

}  // namespace

Runs marks_of(const Channels<const std::uint8_t>& rgba, int threads, const CancelFlag* cancel) {
    if (rgba.rows < 1 || rgba.columns < 1) throw std::invalid_argument("the layer is empty");
    if (rgba.rows >= std::numeric_limits<std::int32_t>::max() / rgba.columns) {
        throw std::invalid_argument("the layer is too large");
    }
    if (threads < 1) throw std::invalid_argument("threads must be at least 1");
    std::vector<std::vector<Run>> found((rgba.rows + ROWS - 1) / ROWS);
    std::vector<std::ptrdiff_t> counts(rgba.rows + 1, 0);
    share(
        rgba.rows, ROWS, threads, [] { return 0; },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, int) {
            throw_if_set(cancel);
            std::vector<Run>& own = found[begin / ROWS];
            for (std::ptrdiff_t y = begin; y < end; ++y) {
                add_row(&rgba.at(y, 0, 3), rgba.column_stride, rgba.columns, own);
                counts[y + 1] = static_cast<std::ptrdiff_t>(own.size());
            }
        });
    Runs all;
    std::size_t total = 0;
    for (const auto& some : found) total += some.size();
    all.runs.reserve(total);
    all.rows.resize(rgba.rows + 1, 0);
    for (std::ptrdiff_t y = 0; y < rgba.rows; ++y) {
        const auto before = static_cast<std::ptrdiff_t>(all.runs.size());
        all.rows[y + 1] = before + counts[y + 1];
        if ((y + 1) % ROWS == 0 || y + 1 == rgba.rows) {
            const auto& some = found[y / ROWS];
            all.runs.insert(all.runs.end(), some.begin(), some.end());
        }
    }
    const bool even = std::all_of(all.runs.begin(), all.runs.end(), [&](const Run& run) {
        return run.alpha == all.runs.front().alpha;
    });
    if (!even) judge(all, cancel);
    return all;
}

bool premultiplied(const Channels<const std::uint8_t>& rgba, const Runs& all) {
    bool rims = false;
    for (std::ptrdiff_t y = 0; y < rgba.rows; ++y) {
        for (std::ptrdiff_t i = all.rows[y]; i < all.rows[y + 1]; ++i) {
            const Run& run = all.runs[i];
            if (run.alpha == 255) continue;
            rims = rims || !run.marked;
            for (std::ptrdiff_t x = run.begin; x < run.end; ++x) {
                for (int c = 0; c < 3; ++c) {
                    if (rgba.at(y, x, c) > run.alpha + 1) return false;
                }
            }
        }
    }
    return rims;
}

}  // namespace colordeploy::strokes
