// A picture by each method, on a runtime that answers at once: every_method prints a digest of
// each, to be compared between processors and instruction sets.
#include <cmath>

#include "answer.hpp"

namespace {

constexpr std::int32_t HEIGHT = 96, WIDTH = 132;
using answered::required;

// Discs on a ground that changes slowly; of line art, their rims on paper.
std::vector<std::uint8_t> picture(bool drawing) {
    std::vector<std::uint8_t> pixels;
    for (int y = 0; y < HEIGHT; ++y) {
        for (int x = 0; x < WIDTH; ++x) {
            const double r = std::hypot(y % 48 - 24, x % 44 - 22);
            for (int c = 0; c < 3; ++c) {
                const double photo = r < 16 ? 200 - 30 * c : 60 + 40 * c + 80.0 * y / HEIGHT;
                const double page = std::fabs(r - 16) < 1.5 ? 20 : 250;
                pixels.push_back(static_cast<std::uint8_t>(drawing ? page : photo));
            }
        }
    }
    return pixels;
}

std::uint64_t digest(const std::vector<std::uint16_t>& values) {
    std::uint64_t hash = 14695981039346656037U;
    for (const std::uint16_t value : values) hash = (hash ^ value) * 1099511628211U;
    return hash;
}

void color(const std::string& name) {
    cd_model* model = answered::load(name.c_str());
    const std::vector<std::uint8_t> pixels = picture(name == "rasc");
    const cd_image image{pixels.data(), HEIGHT, WIDTH, std::ptrdiff_t{3} * WIDTH, 0, CD_RGB8};
    cd_prepare_options options = CD_PREPARE_OPTIONS_INIT;
    options.short_side = 64;
    cd_canvas* canvas = nullptr;
    required(cd_prepare(model, &image, &options, &canvas));
    std::vector<std::uint16_t> result(pixels.size());
    const cd_target target{result.data(), HEIGHT, WIDTH, std::ptrdiff_t{6} * WIDTH, 0, CD_RGB16};
    const double line[] = {20, 20, 80, 100}, dot[] = {24, 22};
    const cd_stroke list[] = {{line, 2, 5.0, {180, 40, 30}}, {dot, 1, 3.0, {20, 60, 200}}};
    cd_strokes strokes = CD_STROKES_INIT;
    strokes.list = list;
    strokes.count = 2;
    if (name == "levin" || name == "lga") {
        cd_mending mending = CD_MENDING_INIT;
        required(cd_render_strokes(canvas, &strokes, &mending, nullptr, &target));
        std::printf("%s %016llx\n", name.c_str(), static_cast<unsigned long long>(digest(result)));
        mending.base = &image;
        required(cd_render_strokes(canvas, &strokes, &mending, nullptr, &target));
    } else if (name == "disco") {
        required(cd_render_anchors(canvas, nullptr, 0, 1, nullptr, &target));
    } else if (name == "sscn") {
        cd_reference* reference = nullptr;
        required(cd_encode_reference(model, &image, nullptr, &reference));
        required(cd_render_reference(canvas, reference, nullptr, nullptr, &target));
        cd_reference_free(reference);
    } else {
        cd_style style = CD_STYLE_INIT;
        style.kind = CD_STYLE_SEED;
        style.hints = &strokes;
        required(cd_render_style(canvas, &style, nullptr, &target));
    }
    std::printf("%s %016llx\n", name.c_str(), static_cast<unsigned long long>(digest(result)));
    cd_canvas_free(canvas);
    cd_model_free(model);
}

}  // namespace

int main() {
    for (const char* name : {"levin", "lga", "disco", "sscn", "rasc"}) color(name);
    return 0;
}
