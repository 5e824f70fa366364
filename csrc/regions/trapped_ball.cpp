#include "trapped_ball.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "bit_plane.hpp"
#include "groups.hpp"
#include "runs.hpp"

namespace colordeploy::regions {

namespace {

constexpr std::int32_t kLine = 0;
constexpr std::int32_t kFree = -1;

// Half the widths of a ball in its rows, from its middle on.
std::vector<int> half_widths(int radius) {
    std::vector<int> halves;
    const double r = radius + 0.5;
    for (int dy = 0; dy <= radius; ++dy) {
        halves.push_back(static_cast<int>(std::sqrt(r * r - static_cast<double>(dy) * dy)));
    }
    return halves;
}

// Middles of the balls that fit into the set. The picture's border holds no ball back: lines do.
BitPlane eroded(const BitPlane& set, Index height, Index width, int radius) {
    const Index words = set.words();
    // narrow[h](y): pixels of row y with all within h to the left and right in the set.
    std::vector<BitPlane> narrow;
    BitPlane open = set;  // outside counts as free
    const Index tail = width % kBits;
    if (tail != 0) {
        for (Index y = 0; y < height; ++y) open.row(y)[words - 1] |= ~Word{0} << tail;
    }
    narrow.push_back(open);
    std::vector<Word> right(words), left(words);
    for (int h = 1; h <= radius; ++h) {
        BitPlane next = narrow.back();
        for (Index y = 0; y < height; ++y) {
            shifted(open.row(y), words, h, right.data());
            shifted(open.row(y), words, -h, left.data());
            right[words - 1] |= ~Word{0} << (kBits - h);
            left[0] |= ~(~Word{0} << h);
            for (Index i = 0; i < words; ++i) next.row(y)[i] &= right[i] & left[i];
        }
        narrow.push_back(std::move(next));
    }
    const std::vector<int> half = half_widths(radius);
    BitPlane result(height, width);
    for (Index y = 0; y < height; ++y) {
        Word* out = result.row(y);
        std::copy_n(set.row(y), words, out);
        for (int dy = -radius; dy <= radius; ++dy) {
            if (y + dy < 0 || y + dy >= height) continue;
            const Word* row = narrow[half[std::abs(dy)]].row(y + dy);
            for (Index i = 0; i < words; ++i) out[i] &= row[i];
        }
    }
    return result;
}

class TrappedBall {
 public:
    TrappedBall(const std::uint8_t* line, Index height, Index width, std::int32_t* labels)
        : height_(height),
          width_(width),
          labels_(labels),
          free_(plane_of(line, height, width, false)) {
        for (Index i = 0; i < height * width; ++i) labels_[i] = line[i] ? kLine : kFree;
    }

    // What balls of this radius reach among what is still free.
    void move_balls(int radius) {
        const BitPlane middles = eroded(free_, height_, width_, radius);
        const Runs runs = runs_of(middles, height_, width_);
        if (runs.all.empty()) return;
        Groups groups = connected(runs, Neighbours::sides);
        std::vector<std::int32_t> label(runs.all.size(), 0);
        for (std::size_t i = 0; i < runs.all.size();
             ++i) {  // middles first: they are no one else's
            const std::int32_t root = groups.find(static_cast<std::int32_t>(i));
            if (label[root] == 0) label[root] = ++count_;
            label[i] = label[root];
            paint(runs.all[i], 0, 0, label[i]);
        }
        const std::vector<int> half = half_widths(radius);
        for (std::size_t i = 0; i < runs.all.size(); ++i) {
            for (int dy = -radius; dy <= radius; ++dy) {
                paint(runs.all[i], dy, half[std::abs(dy)], label[i]);
            }
        }
    }

    // Free pixels take the label of the labelled pixel that is the fewest steps away.
    void grow() {
        std::vector<std::int32_t> front, next;
        const auto visit = [&](Index i, std::int32_t label) {
            if (labels_[i] != kFree) return;
            labels_[i] = label;
            next.push_back(static_cast<std::int32_t>(i));
        };
        const auto visit_around = [&](Index i) {
            const Index x = i % width_;
            const std::int32_t label = labels_[i];
            if (i >= width_) visit(i - width_, label);
            if (x > 0) visit(i - 1, label);
            if (x + 1 < width_) visit(i + 1, label);
            if (i + width_ < height_ * width_) visit(i + width_, label);
        };
        // The first ring: labelled pixels beside free ones, found from the free ones.
        std::vector<std::int32_t> beside;
        for_free([&](Index y, Index x) {
            const Index i = y * width_ + x;
            if (y > 0 && labels_[i - width_] > 0)
                beside.push_back(labels_[i - width_]);
            else if (x > 0 && labels_[i - 1] > 0)
                beside.push_back(labels_[i - 1]);
            else if (x + 1 < width_ && labels_[i + 1] > 0)
                beside.push_back(labels_[i + 1]);
            else if (y + 1 < height_ && labels_[i + width_] > 0)
                beside.push_back(labels_[i + width_]);
            else
                return;
            front.push_back(static_cast<std::int32_t>(i));
        });
        for (std::size_t k = 0; k < front.size(); ++k) labels_[front[k]] = beside[k];
        while (!front.empty()) {
            next.clear();
            for (std::int32_t i : front) visit_around(i);
            front.swap(next);
        }
        for_free([&](Index y, Index x) {
            if (labels_[y * width_ + x] != kFree) {
                free_.row(y)[x / kBits] &= ~(Word{1} << (x % kBits));
            }
        });
    }

    // What no ball reached and nothing could grow into: small pieces between lines.
    void label_rest() {
        move_balls(0);
        runs_ = runs_of(labels_, height_, width_);
    }

    void merge_specks(Index smallest) {
        std::vector<Index> area(static_cast<std::size_t>(count_) + 1, 0);
        for (const Run& run : runs_.all) area[label_of(run)] += run.end - run.begin;
        std::vector<std::uint8_t> speck(area.size(), 0);
        bool any = false;
        for (std::size_t k = 1; k < area.size(); ++k) {
            speck[k] = area[k] > 0 && area[k] < smallest;
            any = any || speck[k];
        }
        if (!any) return;
        std::vector<Border> borders = borders_of(speck);
        std::vector<std::int32_t> into(area.size());
        std::iota(into.begin(), into.end(), 0);
        // Borders are sorted by speck, then by length: the longest one of each counts, to the
        // larger of equals.
        for (std::size_t i = 0; i < borders.size();) {
            std::size_t best = i, j = i;
            for (; j < borders.size() && borders[j].speck == borders[i].speck; ++j) {
                const auto key = [&](std::size_t k) {
                    return std::make_pair(borders[k].length, area[borders[k].other]);
                };
                if (key(j) > key(best)) best = j;
            }
            into[borders[i].speck] = borders[best].other;
            i = j;
        }
        Groups groups(area.size());
        for (std::size_t k = 1; k < area.size(); ++k) {
            groups.join(static_cast<std::int32_t>(k), into[k]);
        }
        for (const Run& run : runs_.all) {
            const std::int32_t label = label_of(run), whole = groups.find(label);
            if (whole != label) relabel(run, whole);
        }
    }

    // 1..K in the order of first pixels.
    std::int32_t renumber() {
        std::vector<std::int32_t> number(static_cast<std::size_t>(count_) + 1, 0);
        std::int32_t used = 0;
        for (const Run& run : runs_.all) {
            const std::int32_t label = label_of(run);
            if (label == kLine) continue;
            if (number[label] == 0) number[label] = ++used;
            if (number[label] != label) relabel(run, number[label]);
        }
        return used;
    }

 private:
    struct Border {
        std::int32_t speck, other;
        Index length;
    };

    std::int32_t label_of(const Run& run) const { return labels_[run.y * width_ + run.begin]; }

    void relabel(const Run& run, std::int32_t label) {
        std::int32_t* row = labels_ + run.y * width_;
        std::fill(row + run.begin, row + run.end, label);
    }

    // The free pixels of a run moved down by dy and widened by `half` on both sides.
    void paint(const Run& run, int dy, int half, std::int32_t label) {
        const Index y = run.y + dy;
        if (y < 0 || y >= height_) return;
        const Index begin = std::max<Index>(run.begin - half, 0);
        const Index end = std::min<Index>(run.end + half, width_);
        for (Index i = begin / kBits; i * kBits < end; ++i) {
            Word& free = free_.row(y)[i];
            Word taken = free;
            if (begin > i * kBits) taken &= ~Word{0} << (begin - i * kBits);
            if (end < (i + 1) * kBits) taken &= ~(~Word{0} << (end - i * kBits));
            if (taken == 0) continue;
            free &= ~taken;
            std::int32_t* first = labels_ + y * width_ + i * kBits;
            for_runs(taken, [&](int from, int to) { std::fill(first + from, first + to, label); });
        }
    }

    // Calls visit(y, x) for every free pixel; it may take the pixel.
    template <typename Visit>
    void for_free(const Visit& visit) const {
        for (Index y = 0; y < height_; ++y) {
            for (Index i = 0; i < free_.words(); ++i) {
                for (Word word = free_.row(y)[i]; word != 0; word &= word - 1) {
                    visit(y, i * kBits + std::countr_zero(word));
                }
            }
        }
    }

    // How many sides of pixels each speck shares with each other region.
    std::vector<Border> borders_of(const std::vector<std::uint8_t>& speck) const {
        std::vector<Border> sides;
        const auto see = [&](const Run& one, const Run& other, Index length) {
            const std::int32_t a = label_of(one), b = label_of(other);
            if (a == b || a <= 0 || b <= 0) return;
            if (speck[a]) sides.push_back({a, b, length});
            if (speck[b]) sides.push_back({b, a, length});
        };
        for (std::size_t i = 1; i < runs_.all.size(); ++i) {
            const Run &left = runs_.all[i - 1], &run = runs_.all[i];
            if (left.y == run.y) see(left, run, 1);
        }
        for_touching(runs_, Neighbours::sides, [&](std::int32_t i, std::int32_t j) {
            const Run &run = runs_.all[i], &above = runs_.all[j];
            see(above, run, std::min(run.end, above.end) - std::max(run.begin, above.begin));
        });
        std::sort(sides.begin(), sides.end(), [](const Border& a, const Border& b) {
            return std::make_pair(a.speck, a.other) < std::make_pair(b.speck, b.other);
        });
        std::vector<Border> borders;
        for (const Border& side : sides) {
            if (!borders.empty() && borders.back().speck == side.speck &&
                borders.back().other == side.other) {
                borders.back().length += side.length;
            } else {
                borders.push_back(side);
            }
        }
        return borders;
    }

    Index height_, width_;
    std::int32_t* labels_;
    BitPlane free_;  // pixels without a label; behind while `grow` runs
    Runs runs_;      // of equal labels, when none is missing any more
    std::int32_t count_ = 0;
};

}  // namespace

std::int32_t trapped_ball(const std::uint8_t* line, std::ptrdiff_t height, std::ptrdiff_t width,
                          const TrappedBallOptions& options, std::int32_t* labels) {
    TrappedBall work(line, height, width, labels);
    for (int radius : options.radii) work.move_balls(radius);
    work.grow();
    work.label_rest();
    work.merge_specks(options.smallest);
    return work.renumber();
}

}  // namespace colordeploy::regions
