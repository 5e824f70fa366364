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

Runs runs_of(const std::int32_t* labels, Index height, Index width) {
    Runs runs;
    runs.first.reserve(static_cast<std::size_t>(height) + 1);
    std::vector<std::uint8_t> begins(width);  // whether a pixel differs from the one to its left
    for (Index y = 0; y < height; ++y) {
        runs.first.push_back(runs.all.size());
        if (width == 0) continue;
        const std::int32_t* row = labels + y * width;
        for (Index x = 1; x < width; ++x) begins[x] = row[x] != row[x - 1];
        Run run{static_cast<std::int32_t>(y), 0, static_cast<std::int32_t>(width)};
        for (Index x = 0; x < width; x += kBits) {
            for (Word word = bits_of(begins.data() + x, std::min(kBits, width - x)); word != 0;
                 word &= word - 1) {
                run.end = static_cast<std::int32_t>(x + std::countr_zero(word));
                runs.all.push_back(run);
                run.begin = run.end;
            }
        }
        run.end = static_cast<std::int32_t>(width);
        runs.all.push_back(run);
    }
    runs.first.push_back(runs.all.size());
    return runs;
}

Runs line_runs(const std::int32_t* labels, Index height, Index width) {
    std::vector<std::uint8_t> line(height * width);
    for (Index i = 0; i < height * width; ++i) line[i] = labels[i] == 0;
    return runs_of(plane_of(line.data(), height, width, true), height, width);
}

Groups connected(const Runs& runs, Neighbours neighbours) {
    Groups groups(runs.all.size());
    for_touching(runs, neighbours, [&](std::int32_t i, std::int32_t j) { groups.join(i, j); });
    return groups;
}

}  // namespace colordeploy::regions
