#include "mending.hpp"

#include <algorithm>

namespace colordeploy::methods {

namespace {

constexpr double FULL = 0.3;  // tau: memberships above it are the object; chosen on photos

}  // namespace

std::vector<double> at_marks(const Difference& difference) {
    std::vector<double> wanted(static_cast<std::size_t>(2 * difference.pixels));
    for (std::ptrdiff_t i = 0; i < 2 * difference.pixels; ++i) {
        if (difference.mask[i / 2] == 0) continue;
        wanted[static_cast<std::size_t>(i)] =
            difference.wanted[i] - static_cast<double>(difference.base[i]);
    }
    return wanted;
}

Mending::Mending(const propagation::Affinities& affinities,
                 const propagation::Parameters& parameters, double reach, int threads,
                 const CancelFlag* cancel) {
    const propagation::Grid& grid = affinities.plan->grid;
    const double radius =
        std::max(reach * reach * static_cast<double>(std::min(grid.height, grid.width)), 1.0);
    propagation::Parameters own = parameters;
    own.screening = parameters.alpha / (radius * radius);
    own.global_step = 0;
    system_ = std::make_unique<propagation::PictureSystem>(
        std::make_shared<const propagation::Affinities>(
            propagation::Affinities::local_of(affinities, cancel)),
        own, threads);
}

std::vector<double> Mending::differences(const Difference& difference,
                                         const CancelFlag* cancel) const {
    const std::vector<double> wanted = at_marks(difference);
    std::vector<double> values;
    values.reserve(wanted.size() / 2 * 3);
    for (std::size_t i = 0; i < wanted.size(); i += 2) {
        values.insert(values.end(), {wanted[i], wanted[i + 1], 1.0});
    }
    const std::vector<double> x = system_->solve(difference.mask, values.data(), 3, cancel);
    std::vector<double> result = wanted;
    for (std::ptrdiff_t i = 0; i < difference.pixels; ++i) {
        if (difference.mask[i] != 0) continue;
        const double* found = x.data() + 3 * i;
        for (int c = 0; c < 2; ++c) {
            result[static_cast<std::size_t>(2 * i + c)] = found[c] / std::max(found[2], FULL);
        }
    }
    return result;
}

}  // namespace colordeploy::methods
