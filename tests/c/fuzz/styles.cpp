// rasc: cd_render_style, cd_render_layers, cd_style_preview, cd_regions and cd_style_code.
#include "host.hpp"

namespace {

constexpr std::int32_t HEIGHT = 24, WIDTH = 28;

// A drawing: a frame and a line across.
cd_canvas* drawing() {
    std::vector<unsigned char> pixels(static_cast<std::size_t>(HEIGHT * WIDTH), 255);
    for (int x = 2; x < WIDTH - 2; ++x) {
        for (const int y : {2, 9, 21}) pixels[static_cast<std::size_t>(y * WIDTH + x)] = 0;
    }
    for (int y = 2; y < HEIGHT - 2; ++y) {
        for (const int x : {2, 15, 25}) pixels[static_cast<std::size_t>(y * WIDTH + x)] = 0;
    }
    const cd_image image{pixels.data(), HEIGHT, WIDTH, WIDTH, 0, CD_GRAY8};
    cd_model* model = fuzz::load("rasc");
    cd_canvas* canvas = nullptr;
    fuzz::required(cd_prepare(model, &image, nullptr, &canvas));
    cd_model_free(model);
    return canvas;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    struct Held {
        cd_canvas* canvas = drawing();
        ~Held() { cd_canvas_free(canvas); }
    };
    static const Held held;
    cd_canvas* const canvas = held.canvas;
    FuzzedDataProvider data(bytes, size);
    std::vector<float> code(data.ConsumeIntegralInRange<std::size_t>(0, 70), 0.25F);
    if (!code.empty()) code[0] = data.ConsumeFloatingPoint<float>();
    fuzz::Strokes hints(data, HEIGHT, WIDTH);
    cd_style style = CD_STYLE_INIT;
    style.kind = data.ConsumeIntegralInRange(-1, 4);
    style.seed = data.ConsumeIntegral<std::uint64_t>();
    style.code = data.ConsumeIntegralInRange(0, 9) == 0 ? nullptr : code.data();
    style.count = data.ConsumeBool() && code.size() >= 64 ? 64 : code.size();
    style.hints = data.ConsumeBool() ? &hints.strokes : nullptr;
    style.flat = data.ConsumeIntegralInRange(0, 1);
    cd_rect region{};
    const cd_render_options options = fuzz::rendering(data, region);
    std::int32_t height = HEIGHT, width = WIDTH;
    fuzz::checked(cd_render_size(canvas, &options, &height, &width));
    fuzz::Target target(data, height, width), lines(data, HEIGHT, WIDTH),
        colors(data, HEIGHT, WIDTH);
    fuzz::checked(cd_render_style(canvas, &style, &options, &target.view));
    fuzz::checked(cd_render_layers(canvas, &style, nullptr, &lines.view, &colors.view));
    fuzz::checked(cd_style_preview(canvas, &style, nullptr, &colors.view));
    std::vector<std::int32_t> labels(HEIGHT * WIDTH);
    fuzz::checked(cd_regions(canvas, labels.data(),
                             data.ConsumeBool()
                                 ? 4 * WIDTH
                                 : data.ConsumeIntegralInRange(1 - 4 * WIDTH, 4 * WIDTH - 1)));
    std::size_t count = 0;
    fuzz::checked(cd_style_code(canvas, style.kind, style.seed, code.data(), code.size(), &count));
    return 0;
}
