#include "selection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "../clustering/kmeans.hpp"
#include "../errors.hpp"
#include "../text.hpp"

namespace colordeploy::references {

namespace {

constexpr float STEPS = 1000.0F;  // of the largest activation: below, two are equal

void check(std::int64_t k, std::int64_t r, std::int64_t count) {
    if (k >= 0 && r >= 0 && k <= count && r <= count && k + r >= 1 && k + r <= count) return;
    throw InputError(
        text("k + r must be between 1 and the %lld features of this reference, not "
             "%lld + %lld; use a larger reference, or fewer",
             static_cast<long long>(count), static_cast<long long>(k), static_cast<long long>(r)));
}

}  // namespace

std::vector<std::int64_t> selected(const float* activation, std::ptrdiff_t n,
                                   const Selection& selection) {
    float largest = 0.0F;
    std::int64_t count = 0;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        if (!std::isfinite(activation[i])) continue;
        largest = std::max(largest, std::abs(activation[i]));
        ++count;
    }
    const std::int64_t k = selection.k.value_or(std::min(selection.default_k, count));
    const std::int64_t r =
        selection.r.value_or(std::min(selection.default_r, count - std::min(k, count)));
    check(k, r, count);

    const float scale = largest == 0.0F ? 1.0F : largest;
    std::vector<float> steps(n);
    for (std::ptrdiff_t i = 0; i < n; ++i) steps[i] = std::nearbyint(activation[i] / scale * STEPS);
    std::vector<std::int64_t> chosen(n);
    std::iota(chosen.begin(), chosen.end(), std::int64_t{0});
    std::partial_sort(chosen.begin(), chosen.begin() + k, chosen.end(),
                      [&](std::int64_t i, std::int64_t j) {
                          return steps[i] > steps[j] || (steps[i] == steps[j] && i < j);
                      });
    chosen.resize(k);
    std::vector<bool> open(n);
    for (std::ptrdiff_t i = 0; i < n; ++i) open[i] = std::isfinite(activation[i]);
    for (const std::int64_t i : chosen) open[i] = false;
    if (r > 0) {
        for (const std::int64_t i : clustering::choose(n, n, selection.seed)) {
            if (!open[i]) continue;
            chosen.push_back(i);
            if (static_cast<std::int64_t>(chosen.size()) == k + r) break;
        }
    }
    std::sort(chosen.begin() + k, chosen.end());
    return chosen;
}

}  // namespace colordeploy::references
