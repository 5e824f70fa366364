// What spreads over lines from their sides.
#pragma once

#include "runs.hpp"

namespace colordeploy::regions {

// Calls pass(to, from) for the pixels of lines and their neighbours, down the picture and up
// again, so that what is passed on goes all the way by steps to the four sides.
template <typename Pass>
void two_passes(const Runs& lines, Index height, Index width, const Pass& pass) {
    const auto row = [&](Index y, Index from) {
        for (std::size_t k = lines.first[y]; k < lines.first[y + 1]; ++k) {
            const Run& run = lines.all[k];
            const Index begin = y * width + run.begin, end = y * width + run.end;
            const Index left = run.begin > 0 ? begin : begin + 1;
            const Index right = run.end < width ? end : end - 1;
            const bool beyond = 0 <= from && from < height;
            const Index away = (from - y) * width;
            if (from > y) {
                for (Index i = end - 1; i >= begin; --i) {
                    if (beyond) pass(i, i + away);
                    if (i < right) pass(i, i + 1);
                }
                for (Index i = left; i < end; ++i) pass(i, i - 1);
            } else {
                for (Index i = begin; i < end; ++i) {
                    if (beyond) pass(i, i + away);
                    if (i >= left) pass(i, i - 1);
                }
                for (Index i = right - 1; i >= begin; --i) pass(i, i + 1);
            }
        }
    };
    for (Index y = 0; y < height; ++y) row(y, y - 1);
    for (Index y = height - 1; y >= 0; --y) row(y, y + 1);
}

}  // namespace colordeploy::regions
