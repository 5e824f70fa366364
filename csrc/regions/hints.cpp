#include "hints.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <unordered_map>

namespace colordeploy::regions {

namespace {

constexpr int SAME = 8;           // levels: nearer colours in a region are one hint
constexpr double SPILL = 0.05;    // of a dab: less of it in another region slipped over the line,
constexpr double COVERED = 0.25;  // unless it is so much of that region

// Numbers of keys in the order in which they appear; runs of one key are looked up once.
class Numbers {
 public:
    std::size_t of(std::int64_t key) {
        if (keys.empty() || key != last_) {
            const auto [entry, added] = found_.try_emplace(key, keys.size());
            if (added) {
                keys.push_back(key);
                counts.push_back(0);
            }
            last_ = key;
            number_ = entry->second;
        }
        ++counts[number_];
        return number_;
    }

    std::vector<std::int64_t> keys, counts;

 private:
    std::unordered_map<std::int64_t, std::size_t> found_;
    std::int64_t last_ = 0;
    std::size_t number_ = 0;
};

// Which region each mark hints at; 0: none.
std::vector<std::int32_t> hinted(const strokes::Dabs& dabs, const std::int32_t* labels,
                                 const std::int32_t* covered, const std::int64_t* areas,
                                 std::ptrdiff_t count) {
    const std::size_t n = dabs.pixels.size();
    const std::int32_t last = n == 0 ? -1 : *std::max_element(dabs.dabs.begin(), dabs.dabs.end());
    std::vector<std::int64_t> open(last + 1, 0), whole(last + 1, 0);
    for (std::size_t i = 0; i < n; ++i) open[dabs.dabs[i]] += labels[dabs.pixels[i]] > 0;
    std::vector<std::int32_t> region(n);
    std::vector<std::size_t> place(n);
    Numbers pairs;  // of a dab and a region
    for (std::size_t i = 0; i < n; ++i) {
        const bool alone = open[dabs.dabs[i]] == 0;
        region[i] = (alone ? covered : labels)[dabs.pixels[i]];
        whole[dabs.dabs[i]] += region[i] > 0;
        place[i] = pairs.of(std::int64_t{dabs.dabs[i]} * count + region[i]);
    }
    std::vector<bool> spilled(pairs.keys.size());
    for (std::size_t i = 0; i < pairs.keys.size(); ++i) {
        const auto pixels = static_cast<double>(pairs.counts[i]);
        spilled[i] = pixels < SPILL * static_cast<double>(whole[pairs.keys[i] / count]) &&
                     pixels < COVERED * static_cast<double>(areas[pairs.keys[i] % count]);
    }
    for (std::size_t i = 0; i < n; ++i) {
        if (spilled[place[i]]) region[i] = 0;
    }
    return region;
}

std::array<std::uint8_t, 3> color_of(std::int64_t key) {
    return {static_cast<std::uint8_t>(key >> 16), static_cast<std::uint8_t>(key >> 8),
            static_cast<std::uint8_t>(key)};
}

int apart(const std::array<std::uint8_t, 3>& a, const std::array<std::uint8_t, 3>& b) {
    int most = 0;
    for (int c = 0; c < 3; ++c) most = std::max(most, std::abs(a[c] - b[c]));
    return most;
}

}  // namespace

bool Hints::divided() const {
    return std::any_of(counts.begin(), counts.end(), [](std::int32_t n) { return n > 1; });
}

Hints hints_of(const strokes::Dabs& dabs, const std::int32_t* labels, const std::int32_t* covered,
               const std::int64_t* areas, std::ptrdiff_t count) {
    const std::vector<std::int32_t> region = hinted(dabs, labels, covered, areas, count);
    Hints hints;
    hints.counts.assign(count, 0);
    Numbers found;  // colours in regions
    for (std::size_t i = 0; i < region.size(); ++i) {
        if (region[i] == 0) continue;
        hints.pixels.push_back(dabs.pixels[i]);
        const auto& [red, green, blue] = dabs.rgb[i];
        hints.owners.push_back(static_cast<std::int32_t>(
            found.of(std::int64_t{region[i]} << 24 | red << 16 | green << 8 | blue)));
    }
    // Region by region, the most frequent colours first.
    std::vector<std::size_t> order(found.keys.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) {
        const std::int64_t a = found.keys[i], b = found.keys[j];
        if (a >> 24 != b >> 24) return a < b;
        return found.counts[i] > found.counts[j] || (found.counts[i] == found.counts[j] && a < b);
    });
    std::vector<std::int32_t> owner(found.keys.size());
    for (std::size_t begin = 0; begin < order.size();) {
        const auto own = static_cast<std::int32_t>(found.keys[order[begin]] >> 24);
        const std::size_t first = hints.colors.size();
        std::size_t end = begin;
        for (; end < order.size() && found.keys[order[end]] >> 24 == own; ++end) {
            const std::array<std::uint8_t, 3> color = color_of(found.keys[order[end]]);
            const auto nearest = std::min_element(
                hints.colors.begin() + static_cast<std::ptrdiff_t>(first), hints.colors.end(),
                [&](const auto& a, const auto& b) { return apart(a, color) < apart(b, color); });
            const std::size_t had = hints.colors.size() - first;
            if (had > 0 && (apart(*nearest, color) <= SAME || had == MOST_HINTS)) {
                owner[order[end]] = static_cast<std::int32_t>(nearest - hints.colors.begin() -
                                                              static_cast<std::ptrdiff_t>(first));
                continue;
            }
            owner[order[end]] = static_cast<std::int32_t>(had);
            hints.colors.push_back(color);
            hints.regions.push_back(own);
        }
        hints.counts[own] = static_cast<std::int32_t>(hints.colors.size() - first);
        if (hints.counts[own] == MOST_HINTS) hints.crowded.push_back(own);
        begin = end;
    }
    for (std::int32_t& number : hints.owners) number = owner[number];
    return hints;
}

}  // namespace colordeploy::regions
