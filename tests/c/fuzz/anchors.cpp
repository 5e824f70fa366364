// disco: cd_anchors, cd_anchors_from, cd_render_anchors, and a runtime's odd answers.
#include "host.hpp"

namespace {

constexpr std::int32_t HEIGHT = 18, WIDTH = 24;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    static cd_canvas* const canvas = fuzz::prepared("disco", HEIGHT, WIDTH, 16);
    FuzzedDataProvider data(bytes, size);
    std::vector<cd_anchor> anchors(data.ConsumeIntegralInRange<std::size_t>(0, 12));
    std::size_t count = 0;
    fuzz::checked(cd_anchors(canvas, data.ConsumeIntegralInRange(-2, 12), anchors.data(),
                             anchors.size(), &count));
    fuzz::Image picture(data, HEIGHT, WIDTH);
    fuzz::checked(cd_anchors_from(canvas, &picture.view, data.ConsumeBool() ? 1 : 0, anchors.data(),
                                  anchors.size(), &count));
    for (cd_anchor& anchor : anchors) {
        if (data.ConsumeBool()) continue;
        anchor.y = data.ConsumeFloatingPointInRange(-2.0, HEIGHT + 2.0);
        anchor.x = data.ConsumeFloatingPointInRange(-2.0, WIDTH + 2.0);
        anchor.a = data.ConsumeFloatingPointInRange(-130.0, 130.0);
        anchor.b = data.ConsumeBool() ? data.ConsumeFloatingPoint<double>() : 10.0;
    }
    cd_rect region{};
    const cd_render_options options = fuzz::rendering(data, region);
    std::int32_t height = HEIGHT, width = WIDTH;
    fuzz::checked(cd_render_size(canvas, &options, &height, &width));
    fuzz::Target target(data, height, width);
    const bool own = data.ConsumeBool();
    fuzz::checked(
        cd_render_anchors(canvas, own ? nullptr : anchors.data(),
                          own ? data.ConsumeIntegralInRange<std::size_t>(0, 1) : anchors.size(),
                          data.ConsumeIntegralInRange(-1, 11), &options, &target.view));
    return 0;
}
