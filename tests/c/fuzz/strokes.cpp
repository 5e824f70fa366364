// cd_render_strokes and cd_affinity on one canvas: strokes, layers, bases, parts, targets.
#include "host.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    static cd_canvas* const canvases[] = {fuzz::prepared("levin", 16, 24, 10),
                                          fuzz::prepared("lga", 16, 24, 10)};
    FuzzedDataProvider data(bytes, size);
    cd_canvas* canvas = canvases[data.ConsumeBool() ? 1 : 0];
    cd_rect region{};
    const cd_render_options options = fuzz::rendering(data, region);
    std::int32_t height = 16, width = 24;
    fuzz::checked(cd_render_size(canvas, &options, &height, &width));
    fuzz::Strokes strokes(data, 16, 24);
    fuzz::Image base(data, 16, 24);
    fuzz::Target target(data, height, width);
    cd_mending mending = CD_MENDING_INIT;
    if (data.ConsumeIntegralInRange(0, 3) == 0) mending.base = &base.view;
    if (data.ConsumeBool()) mending.reach = data.ConsumeFloatingPointInRange(-0.2, 1.2);
    fuzz::checked(cd_render_strokes(canvas, &strokes.strokes, &mending, &options, &target.view));
    std::vector<float> plane(16 * 24);
    fuzz::checked(cd_affinity(
        canvas, data.ConsumeIntegralInRange(-2, 30), data.ConsumeIntegralInRange(-2, 40),
        plane.data(), data.ConsumeBool() ? 96 : data.ConsumeIntegralInRange(-95, 95), nullptr));
    return 0;
}
