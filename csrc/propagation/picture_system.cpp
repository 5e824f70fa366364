#include "picture_system.hpp"

#include "../text.hpp"
#include "plans.hpp"

namespace colordeploy::propagation {

namespace {

std::size_t pair_count(const Grid& grid) {
    const auto points = static_cast<std::size_t>(grid.global_points());
    return points < 2 ? 0 : pair_index(points, 0);
}

}  // namespace

Affinities::Affinities(const View3<const float>& features, const Parameters& parameters,
                       int threads, const CancelFlag* cancel) {
    const Grid grid{static_cast<int>(features.height), static_cast<int>(features.width),
                    parameters.global_step};
    require_memory(grid, true);  // at least
    const std::string what = text("preparing to solve for %dx%d pixels", grid.height, grid.width);
    within_memory(what, [&] {
        plan = plan_of(grid, cancel);
        local.assign(static_cast<std::size_t>(4 * grid.pixels()), 0.0);
        if (parameters.local_edges) {
            local_affinities(grid, features, parameters.sigma, threads, cancel, local.data());
        }
        global.resize(pair_count(grid));
        global_affinities(grid, features, parameters.sigma, threads, cancel, global.data());
        return true;
    });
}

Affinities Affinities::local_of(const Affinities& others, const CancelFlag* cancel) {
    Affinities own;
    const Grid& grid = others.plan->grid;
    own.plan = plan_of({grid.height, grid.width, 0}, cancel);
    own.local = others.local;
    return own;
}

PictureSystem::PictureSystem(std::shared_ptr<const Affinities> affinities,
                             const Parameters& parameters, int threads)
    : affinities_(std::move(affinities)), threads_(threads) {
    require_memory(affinities_->plan->grid, parameters.single);
    const double* global = affinities_->global.empty() ? nullptr : affinities_->global.data();
    solver_ = Solver::make(
        affinities_->plan,
        {affinities_->local.data(), global, parameters.alpha, parameters.phi, parameters.screening},
        parameters.single);
}

std::vector<double> PictureSystem::solve(const std::uint8_t* mask, const double* values,
                                         std::ptrdiff_t channels, const CancelFlag* cancel) {
    const Grid& grid = affinities_->plan->grid;
    const std::string what = text("solving for %dx%d pixels", grid.height, grid.width);
    try {
        return within_memory(what, [&] {
            std::vector<double> x(static_cast<std::size_t>(grid.pixels() * channels));
            solver_->solve(mask, {values, x.data(), channels, true}, threads_, cancel);
            return x;
        });
    } catch (const SingularSystem& error) {
        throw SolverError(error.what());
    }
}

}  // namespace colordeploy::propagation
