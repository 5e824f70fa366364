// The solver alone, colours of CIE Lab, cancellations, idle memory, and what the library is.
#include "host.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    FuzzedDataProvider data(bytes, size);
    std::uint8_t rgb[3];
    cd_lab_color(data.ConsumeFloatingPoint<double>(), data.ConsumeFloatingPoint<double>(),
                 data.ConsumeFloatingPoint<double>(), rgb);
    double lab[3];
    cd_color_lab(rgb, lab);
    if (!(lab[0] >= -0.01 && lab[0] <= 100.01)) std::abort();
    if (data.ConsumeIntegralInRange(0, 50) == 0) {
        cd_set_idle_limit(data.ConsumeIntegral<std::size_t>());
        cd_trim();
    }
    if (cd_abi() != CD_ABI || cd_version()[0] == '\0') std::abort();
    const std::int32_t height = data.ConsumeIntegralInRange(-1, 12);
    const std::int32_t width = data.ConsumeIntegralInRange(-1, 12);
    const std::int32_t channels = data.ConsumeIntegralInRange(-1, 5);
    const auto pixels = static_cast<std::size_t>(std::max(height, 0) * std::max(width, 0));
    std::vector<float> features(pixels * static_cast<std::size_t>(std::max(channels, 0)) + 1);
    for (float& value : features) {
        value = data.ConsumeIntegralInRange(0, 30) == 0
                    ? data.ConsumeFloatingPoint<float>()
                    : data.ConsumeFloatingPointInRange(0.F, 1.F);
    }
    cd_system_options options = CD_SYSTEM_OPTIONS_INIT;
    options.threads = 1;
    if (data.ConsumeBool()) options.sigma = data.ConsumeFloatingPoint<double>();
    if (data.ConsumeBool()) options.alpha = data.ConsumeFloatingPoint<double>();
    if (data.ConsumeBool()) options.phi = data.ConsumeFloatingPoint<double>();
    if (data.ConsumeIntegralInRange(0, 3) == 0)
        options.screening = data.ConsumeFloatingPoint<double>();
    options.global_step = data.ConsumeIntegralInRange(-1, 14);
    options.single_precision = data.ConsumeIntegralInRange(0, 1);
    cd_cancel* cancel = nullptr;
    fuzz::required(cd_cancel_new(&cancel));
    const bool stopped = data.ConsumeIntegralInRange(0, 20) == 0;
    if (stopped) cd_cancel_set(cancel);
    if (cd_cancelled(cancel) != (stopped ? 1 : 0)) std::abort();
    cd_system* system = nullptr;
    fuzz::checked(
        cd_system_new(features.data(), height, width, channels, &options, cancel, &system));
    if (system != nullptr) {
        const std::int32_t values = data.ConsumeIntegralInRange(-1, 3);
        std::vector<std::uint8_t> mask(pixels);
        for (std::uint8_t& one : mask) one = data.ConsumeIntegralInRange(0, 5) == 0;
        std::vector<double> given(pixels * static_cast<std::size_t>(std::max(values, 0)) + 1, 0.5);
        given[0] = data.ConsumeFloatingPoint<double>();
        std::vector<double> x(given.size());
        fuzz::checked(cd_system_solve(system, mask.data(), given.data(), values, x.data(), cancel));
    }
    cd_system_free(system);
    cd_cancel_free(cancel);
    return 0;
}
