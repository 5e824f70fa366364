// cd_prepare of all methods, cd_canvas_get_info, cd_render_size: pictures of every form and of
// none.
#include <memory>

#include "host.hpp"

namespace {

using Held = std::unique_ptr<cd_model, void (*)(cd_model*)>;

Held held(const char* name) { return Held(fuzz::load(name), cd_model_free); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    static const Held models[] = {held("levin"), held("lga"), held("disco"), held("sscn"),
                                  held("rasc")};
    FuzzedDataProvider data(bytes, size);
    cd_model* const model = models[data.ConsumeIntegralInRange(0, 4)].get();
    fuzz::Image image(data, 9, 13);
    cd_prepare_options options = CD_PREPARE_OPTIONS_INIT;
    if (data.ConsumeBool()) options.short_side = data.ConsumeIntegralInRange(-3, 50);
    if (data.ConsumeIntegralInRange(0, 20) == 0) {
        options.size = data.ConsumeIntegralInRange<std::size_t>(0, 200);
    }
    if (data.ConsumeIntegralInRange(0, 20) == 0)
        options.radius_count = data.ConsumeIntegral<std::size_t>();
    const std::int32_t radii[] = {data.ConsumeIntegralInRange(-1, 33),
                                  data.ConsumeIntegralInRange(-1, 4)};
    if (data.ConsumeIntegralInRange(0, 5) == 0) {
        options.radii = radii;
        options.radius_count = 2;
    }
    if (data.ConsumeIntegralInRange(0, 5) == 0) options.anchors = data.ConsumeIntegral<int>();
    cd_canvas* canvas = nullptr;
    const bool none = data.ConsumeIntegralInRange(0, 40) == 0;
    const cd_status status =
        fuzz::checked(cd_prepare(model, none ? nullptr : &image.view, &options, &canvas));
    if ((status == CD_OK) != (canvas != nullptr)) std::abort();
    if (canvas != nullptr) {
        cd_canvas_info info{};
        info.size =
            data.ConsumeBool() ? sizeof(info) : data.ConsumeIntegralInRange<std::size_t>(0, 64);
        fuzz::checked(cd_canvas_get_info(canvas, &info));
        cd_rect region{};
        const cd_render_options wanted = fuzz::rendering(data, region);
        std::int32_t height = 0, width = 0;
        fuzz::checked(cd_render_size(canvas, &wanted, &height, &width));
    }
    cd_canvas_free(canvas);
    return 0;
}
