#include "runs.hpp"

#include <algorithm>

namespace colordeploy::regions {

Runs runs_of(const BitPlane& set, Index height, Index width) {
    Runs runs;
    runs.first.reserve(static_cast<std::size_t>(height) + 1);
    for (Index y = 0; y < height; ++y) {
        runs.first.push_back(runs.all.size());
        const Word* row = set.row(y);
        Index x = 0;
        const auto next = [&](bool wanted) {  // first pixel from x on that is (not) in the set
            while (x < width) {
                Word word = (wanted ? row[x / kBits] : ~row[x / kBits]) >> (x % kBits);
                if (word != 0) {
                    x += __builtin_ctzll(word);
                    break;
                }
                x = (x / kBits + 1) * kBits;
            }
            x = std::min(x, width);
        };
        for (next(true); x < width; next(true)) {
            const Index begin = x;
            next(false);
            runs.all.push_back({static_cast<std::int32_t>(y), static_cast<std::int32_t>(begin),
                                static_cast<std::int32_t>(x)});
        }
    }
    runs.first.push_back(runs.all.size());
    return runs;
}

Groups connected(const Runs& runs, Beside beside) {
    const std::int32_t reach = beside == Beside::corners ? 1 : 0;
    Groups groups(runs.all.size());
    for (std::size_t y = 1; y + 1 < runs.first.size(); ++y) {
        std::size_t above = runs.first[y - 1];
        for (std::size_t i = runs.first[y]; i < runs.first[y + 1]; ++i) {
            const Run& run = runs.all[i];
            while (above < runs.first[y] && runs.all[above].end + reach <= run.begin) ++above;
            for (std::size_t j = above; j < runs.first[y] && runs.all[j].begin < run.end + reach;
                 ++j) {
                groups.join(static_cast<std::int32_t>(i), static_cast<std::int32_t>(j));
            }
        }
    }
    return groups;
}

}  // namespace colordeploy::regions
