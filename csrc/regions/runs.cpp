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

Groups connected(const Runs& runs, Neighbours neighbours) {
    Groups groups(runs.all.size());
    for_touching(runs, neighbours, [&](std::int32_t i, std::int32_t j) { groups.join(i, j); });
    return groups;
}

}  // namespace colordeploy::regions
