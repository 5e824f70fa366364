// The solver alone.
#include <cmath>

#include "../process/resources.hpp"
#include "../text.hpp"
#include "views.hpp"

using namespace colordeploy;

namespace colordeploy::c {

namespace {

constexpr double SMALLEST_SIGMA = 1e-100;
constexpr int32_t MOST_CHANNELS = 4096;
constexpr int64_t MAXIMUM_PIXELS = 1 << 28;

propagation::Parameters parameters_of(const cd_system_options& options) {
    if (!(options.sigma >= SMALLEST_SIGMA && std::isfinite(options.sigma))) {
        throw InputError(text("sigma must be a finite number above 0, not %g", options.sigma));
    }
    for (const auto& [name, value] : {std::pair{"alpha", options.alpha},
                                      {"phi", options.phi},
                                      {"screening", options.screening}}) {
        if (!(value >= 0.0 && std::isfinite(value))) {
            throw InputError(text("%s must be a finite number of at least 0, not %g", name, value));
        }
    }
    if (options.global_step < 0 || options.threads < 0) {
        throw InputError("global_step and threads must be at least 0");
    }
    return {options.sigma,
            options.alpha,
            options.phi,
            options.screening,
            options.global_step,
            true,
            options.single_precision != 0};
}

void require_finite(const double* values, std::size_t count, const char* name) {
    for (std::size_t i = 0; i < count; ++i) {
        if (!std::isfinite(values[i])) {
            throw InputError(std::string(name) +
                             " holds NaN or infinite values; replace them "
                             "first");
        }
    }
}

void require_channels(int32_t channels) {
    if (channels < 1 || channels > MOST_CHANNELS) {
        throw InputError(text("channels must be 1 to %d, not %d", MOST_CHANNELS, channels));
    }
}

}  // namespace

}  // namespace colordeploy::c

extern "C" {

cd_status cd_system_new(const float* features, int32_t height, int32_t width, int32_t channels,
                        const cd_system_options* options, const cd_cancel* cancel,
                        cd_system** system) {
    return c::guarded([&] {
        c::require(features, "features");
        c::require(system, "system");
        if (height < 1 || width < 1 || int64_t{height} * width > c::MAXIMUM_PIXELS) {
            throw InputError(text("features must be of 1 to %td pixels, not %d x %d",
                                  static_cast<std::ptrdiff_t>(c::MAXIMUM_PIXELS), height, width));
        }
        c::require_channels(channels);
        const cd_system_options chosen = c::options_of(options, CD_SYSTEM_OPTIONS_INIT, "options");
        const propagation::Parameters parameters = c::parameters_of(chosen);
        const auto count = static_cast<std::size_t>(height) * static_cast<std::size_t>(width) *
                           static_cast<std::size_t>(channels);
        for (std::size_t i = 0; i < count; ++i) {
            if (!std::isfinite(features[i])) {
                throw InputError("features hold NaN or infinite values; replace them first");
            }
        }
        const propagation::View3<const float> view{
            features, height, width, channels, std::ptrdiff_t{width} * channels, channels};
        const int threads = process::core_threads(chosen.threads);
        auto affinities = std::make_shared<const propagation::Affinities>(
            view, parameters, threads, flag_of(c::token_of(cancel)));
        *system = new cd_system{std::make_unique<propagation::PictureSystem>(std::move(affinities),
                                                                             parameters, threads)};
    });
}

cd_status cd_system_solve(cd_system* system, const uint8_t* mask, const double* values,
                          int32_t channels, double* x, const cd_cancel* cancel) {
    return c::guarded([&] {
        propagation::PictureSystem& own = *c::required(system, "system").system;
        c::require(mask, "mask");
        c::require(values, "values");
        c::require(x, "x");
        c::require_channels(channels);
        const auto pixels = static_cast<std::size_t>(own.affinities()->plan->grid.pixels());
        c::require_finite(values, pixels * static_cast<std::size_t>(channels), "values");
        if (std::all_of(mask, mask + pixels, [](uint8_t one) { return one == 0; })) {
            throw InputError("mask marks no pixel: there is no colour to propagate");
        }
        const std::vector<double> found =
            own.solve(mask, values, channels, flag_of(c::token_of(cancel)));
        std::copy(found.begin(), found.end(), x);
    });
}

void cd_system_free(cd_system* system) { delete system; }

}  // extern "C"
