// How soon a cancelled call comes back: cancelling MODEL SIDE TRIES. Prepares a picture of that
// short side at its own size, and renders it, cancelled at TRIES moments spread over each; prints
// for both how long the whole takes, and the median and the longest time from the request to the
// return, in milliseconds.
#include <colordeploy.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Call = std::function<cd_status(int number, const cd_cancel*)>;

double milliseconds(Clock::duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

void check(cd_status status) {
    if (status != CD_OK) throw std::runtime_error(cd_last_error());
}

void measure(const char* what, int tries, const Call& call) {
    cd_cancel* never = nullptr;  // with a token, as a host has one
    check(cd_cancel_new(&never));
    const auto begin = Clock::now();
    check(call(0, never));
    const auto whole = Clock::now() - begin;
    cd_cancel_free(never);
    std::vector<double> times;
    for (int i = 0; i < tries; ++i) {
        cd_cancel* cancel = nullptr;
        check(cd_cancel_new(&cancel));
        Clock::time_point asked;
        std::thread other([&] {
            std::this_thread::sleep_for(whole * (2 * i + 1) / (2 * tries));
            asked = Clock::now();
            cd_cancel_set(cancel);
        });
        const cd_status status = call(i + 1, cancel);
        const auto returned = Clock::now();
        other.join();
        cd_cancel_free(cancel);
        if (status != CD_CANCELLED) check(status);
        if (status == CD_CANCELLED) times.push_back(milliseconds(returned - asked));
    }
    std::sort(times.begin(), times.end());
    if (times.empty()) times.push_back(0.0);
    std::printf("%s %.0f %zu %.1f %.1f\n", what, milliseconds(whole), times.size(),
                times[times.size() / 2], times.back());
    std::fflush(stdout);
}

// Discs on a ground that changes slowly; of line art, their rims on paper.
std::vector<unsigned char> picture(int height, int width, bool drawing) {
    std::vector<unsigned char> pixels;
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            const double r = std::hypot(y % 256 - 128, x % 256 - 128);
            for (int c = 0; c < 3; ++c) {
                const double photo = r < 90 ? 200 - 30 * c : 60 + 40 * c + 80.0 * y / height;
                const double page = std::fabs(r - 90) < 2 ? 20 : 250;
                pixels.push_back(static_cast<unsigned char>(drawing ? page : photo));
            }
        }
    }
    return pixels;
}

}  // namespace

int main(int count, char** words) try {
    if (count != 4) throw std::runtime_error("usage: cancelling MODEL SIDE TRIES");
    const std::string name = words[1];
    const int height = std::atoi(words[2]), width = height * 4 / 3, tries = std::atoi(words[3]);
    cd_model* model = nullptr;
    check(cd_load(name.c_str(), nullptr, &model));
    std::vector<unsigned char> pixels = picture(height, width, name == "rasc");
    const cd_image image{pixels.data(), height, width, std::ptrdiff_t{3} * width, 0, CD_RGB8};
    cd_prepare_options preparing = CD_PREPARE_OPTIONS_INIT;
    preparing.short_side = CD_NATIVE_SIZE;
    cd_canvas* canvas = nullptr;
    measure("prepare", tries, [&](int, const cd_cancel* cancel) {
        cd_canvas_free(canvas);
        canvas = nullptr;
        preparing.cancel = cancel;
        return cd_prepare(model, &image, &preparing, &canvas);
    });
    cd_canvas_free(canvas);
    preparing.cancel = nullptr;
    check(cd_prepare(model, &image, &preparing, &canvas));

    std::vector<unsigned char> result(pixels.size());
    const cd_target target{result.data(), height, width, std::ptrdiff_t{3} * width, 0, CD_RGB8};
    cd_render_options rendering = CD_RENDER_OPTIONS_INIT;
    cd_reference* reference = nullptr;
    if (name == "sscn") check(cd_encode_reference(model, &image, nullptr, &reference));
    measure("render", tries, [&](int number, const cd_cancel* cancel) {
        rendering.cancel = cancel;
        const double points[] = {height * 0.2 + number, width * 0.2, height * 0.8, width * 0.8};
        if (name == "disco") {
            cd_anchor anchor{};
            anchor.y = height * 0.5;
            anchor.x = width * 0.5;
            anchor.a = number;
            return cd_render_anchors(canvas, &anchor, 1, 0, &rendering, &target);
        }
        if (name == "sscn") {
            cd_selection selection = CD_SELECTION_INIT;
            selection.seed = static_cast<std::uint64_t>(number);
            return cd_render_reference(canvas, reference, &selection, &rendering, &target);
        }
        const cd_stroke stroke = {points, 2, 9.0, {180, 40, 30}};
        cd_strokes strokes = CD_STROKES_INIT;
        strokes.list = &stroke;
        strokes.count = 1;
        if (name == "rasc") {
            cd_style style = CD_STYLE_INIT;
            style.kind = CD_STYLE_SEED;
            style.seed = static_cast<std::uint64_t>(number);
            style.hints = &strokes;
            return cd_render_style(canvas, &style, &rendering, &target);
        }
        return cd_render_strokes(canvas, &strokes, nullptr, &rendering, &target);
    });
    cd_reference_free(reference);
    cd_canvas_free(canvas);
    cd_model_free(model);
    return EXIT_SUCCESS;
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
}
