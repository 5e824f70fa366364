// sscn: cd_encode_reference and cd_render_reference.
#include <memory>

#include "host.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    static cd_canvas* const canvas = fuzz::prepared("sscn", 16, 24, 16);
    static const std::unique_ptr<cd_model, void (*)(cd_model*)> model(fuzz::load("sscn"),
                                                                      cd_model_free);
    FuzzedDataProvider data(bytes, size);
    fuzz::Image picture(data, 16, 20);
    cd_prepare_options encoding = CD_PREPARE_OPTIONS_INIT;
    encoding.short_side = data.ConsumeIntegralInRange(-2, 40);
    cd_reference* reference = nullptr;
    fuzz::checked(cd_encode_reference(model.get(), &picture.view, &encoding, &reference));
    cd_selection selection = CD_SELECTION_INIT;
    selection.k = data.ConsumeIntegralInRange(-2, 40);
    selection.r = data.ConsumeIntegralInRange(-2, 40);
    selection.seed = data.ConsumeIntegral<std::uint64_t>();
    selection.coarse = data.ConsumeIntegralInRange(-1, 2);
    cd_rect region{};
    const cd_render_options options = fuzz::rendering(data, region);
    std::int32_t height = 16, width = 24;
    fuzz::checked(cd_render_size(canvas, &options, &height, &width));
    fuzz::Target target(data, height, width);
    fuzz::checked(cd_render_reference(canvas, reference, data.ConsumeBool() ? &selection : nullptr,
                                      &options, &target.view));
    cd_reference_free(reference);
    return 0;
}
