#include "candidates.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace colordeploy::anchors {

std::vector<std::size_t> most_probable(const float* probabilities, std::ptrdiff_t stride) {
    std::vector<std::size_t> order(BINS);
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto at = [&](std::size_t i) {
        return probabilities[static_cast<std::ptrdiff_t>(i) * stride];
    };
    std::partial_sort(
        order.begin(), order.begin() + CANDIDATES, order.end(),
        [&](std::size_t i, std::size_t j) { return at(i) > at(j) || (at(i) == at(j) && i < j); });
    order.resize(CANDIDATES);
    return order;
}

Chroma expected(const float* probabilities, std::ptrdiff_t stride) {
    double a = 0.0, b = 0.0;
    for (std::size_t i = 0; i < BINS; ++i) {
        const double p = probabilities[static_cast<std::ptrdiff_t>(i) * stride];
        a += p * bins()[i].a;
        b += p * bins()[i].b;
    }
    return {static_cast<float>(a), static_cast<float>(b)};
}

std::vector<std::size_t> diverse_order(const std::vector<Bin>& candidates) {
    std::vector<std::size_t> order;
    std::vector<double> total(candidates.size(), 0.0);
    for (std::size_t next = 0; order.size() < candidates.size();) {
        order.push_back(next);
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            const double a = candidates[i].a - candidates[next].a;
            const double b = candidates[i].b - candidates[next].b;
            total[i] += std::sqrt(a * a + b * b);
        }
        std::vector<double> open = total;
        for (const std::size_t taken : order) open[taken] = -1.0;
        next = static_cast<std::size_t>(std::max_element(open.begin(), open.end()) - open.begin());
    }
    return order;
}

}  // namespace colordeploy::anchors
