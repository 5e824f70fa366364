// cd_load and what a model says, with odd names, options and sizes of structs.
#include "host.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    FuzzedDataProvider data(bytes, size);
    cd_runtime runtime = CD_RUNTIME_INIT;
    runtime.run = data.ConsumeIntegralInRange(0, 9) == 0 ? nullptr : fuzz::answer;
    if (data.ConsumeIntegralInRange(0, 9) == 0) runtime.size = data.ConsumeIntegral<std::size_t>();
    cd_load_options options = CD_LOAD_OPTIONS_INIT;
    options.runtime = &runtime;
    const std::string device = data.ConsumeRandomLengthString(8);
    if (data.ConsumeBool()) options.device = device.c_str();
    const std::string bundles = "/nowhere" + data.ConsumeRandomLengthString(8);
    options.bundles = bundles.c_str();
    options.threads = data.ConsumeIntegralInRange(-1, 3);
    options.max_concurrency = data.ConsumeIntegralInRange(-1, 3);
    if (data.ConsumeIntegralInRange(0, 9) == 0)
        options.size = data.ConsumeIntegralInRange<std::size_t>(0, 96);
    const std::string name = data.ConsumeBool() ? "levin" : data.ConsumeRandomLengthString(24);
    cd_model* model = nullptr;
    fuzz::checked(cd_load(name.c_str(), &options, &model));
    if (model != nullptr) {
        cd_model_info info{};
        info.size = data.ConsumeIntegralInRange<std::size_t>(0, sizeof(info));
        fuzz::checked(cd_model_get_info(model, &info));
    }
    cd_model_free(model);
    return 0;
}
