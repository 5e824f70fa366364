// What all programs share: models on a runtime that answers at once, pictures, and checks. All is
// small, on one thread, and prepared once, so that a million inputs take minutes.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "../answer.hpp"

// A freed block is kept for as long as one input; stacks as deep as findings need them. Both are
// most of the time that small inputs take.
extern "C" inline const char* __asan_default_options() {
    return "quarantine_size_mb=4:malloc_context_size=6";
}

namespace fuzz {

using namespace answered;

constexpr std::int32_t MOST = 24;  // pixels a side of odd sizes

inline std::size_t samples(cd_format format) {
    if (format == CD_ABF) return 2;
    if (format == CD_LABF) return 3;
    constexpr std::size_t channels[] = {1, 3, 4, 4};
    return channels[(format - CD_GRAY8) % 4];
}

inline std::size_t sample_bytes(cd_format format) {
    return format >= CD_GRAYF ? 4 : format >= CD_GRAY16 ? 2 : 1;
}

// A picture or a target whose memory is as large as it says, when what it says can be.
template <typename View>
struct Given {
    View view{};
    std::vector<unsigned char> bytes;

    Given(FuzzedDataProvider& data, std::int32_t height, std::int32_t width) {
        view.height = data.ConsumeBool() ? height : data.ConsumeIntegralInRange(-2, MOST);
        view.width = data.ConsumeBool() ? width : data.ConsumeIntegralInRange(-2, MOST);
        view.format = data.ConsumeIntegralInRange<cd_format>(CD_GRAY8, CD_ABF);
        if (data.ConsumeIntegralInRange(0, 20) == 0) view.format = data.ConsumeIntegral<int>();
        const bool known = view.format >= CD_GRAY8 && view.format <= CD_ABF;
        const auto pixel = static_cast<std::ptrdiff_t>(
            known ? samples(view.format) * sample_bytes(view.format) : 4);
        const std::ptrdiff_t step = pixel + data.ConsumeIntegralInRange(0, 2) * 4;
        view.pixel_bytes = data.ConsumeBool() ? 0 : step;
        const std::ptrdiff_t used = view.pixel_bytes == 0 ? pixel : view.pixel_bytes;
        const std::ptrdiff_t rows = view.height > 0 ? view.height : 1;
        const std::ptrdiff_t columns = view.width > 0 ? view.width : 1;
        view.row_bytes = used * columns + data.ConsumeIntegralInRange(0, 2) * 4;
        const std::size_t size =
            static_cast<std::size_t>(view.row_bytes) * static_cast<std::size_t>(rows) + 64;
        std::string some = data.ConsumeBytesAsString(61);  // prime: rows are not alike
        if (some.empty()) some = "0";
        bytes.resize(size);
        for (std::size_t i = 0; i < size; i += some.size()) {
            std::copy_n(some.data(), std::min(some.size(), size - i), bytes.data() + i);
        }
        if (known && sample_bytes(view.format) == 4 && data.ConsumeIntegralInRange(0, 8) != 0) {
            auto* floats = reinterpret_cast<float*>(bytes.data());  // mostly in range
            std::iota(floats, floats + size / 4, 0.0F);
            for (std::size_t i = 0; i < size / 4; ++i) floats[i] *= 4.0F / static_cast<float>(size);
        }
        unsigned char* begin = bytes.data();
        if (data.ConsumeIntegralInRange(0, 6) == 0) {  // from below
            begin += view.row_bytes * (rows - 1);
            view.row_bytes = -view.row_bytes;
        }
        // Strides that no memory can have are refused; those that reach a little further would be
        // the host's fault.
        if (data.ConsumeIntegralInRange(0, 20) == 0)
            view.row_bytes = data.ConsumeIntegralInRange(0, 3);
        if (data.ConsumeIntegralInRange(0, 40) == 0) view.pixel_bytes = PTRDIFF_MIN;
        if (data.ConsumeIntegralInRange(0, 40) == 0) begin = nullptr;
        view.data = begin;
    }
};

using Image = Given<cd_image>;
using Target = Given<cd_target>;

// A picture prepared for a method; it lives as long as the program.
inline cd_canvas* prepared(const char* name, std::int32_t height, std::int32_t width,
                           std::int32_t short_side) {
    struct Held {
        cd_canvas* canvas = nullptr;
        ~Held() { cd_canvas_free(canvas); }
    };
    static std::array<Held, 4> held;
    static std::size_t count = 0;
    std::vector<unsigned char> pixels(static_cast<std::size_t>(height) *
                                      static_cast<std::size_t>(width) * 3);
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<unsigned char>(i * 7);
    const cd_image image{pixels.data(), height, width, std::ptrdiff_t{3} * width, 0, CD_RGB8};
    cd_prepare_options options = CD_PREPARE_OPTIONS_INIT;
    options.short_side = short_side;
    cd_model* model = load(name);
    cd_canvas*& canvas = held[count++].canvas;
    required(cd_prepare(model, &image, &options, &canvas));
    cd_model_free(model);
    return canvas;
}

inline cd_render_options rendering(FuzzedDataProvider& data, cd_rect& region) {
    cd_render_options options = CD_RENDER_OPTIONS_INIT;
    if (data.ConsumeIntegralInRange(0, 3) == 0) {
        region.y0 = data.ConsumeIntegralInRange(-1, MOST);
        region.x0 = data.ConsumeIntegralInRange(-1, MOST);
        region.y1 = region.y0 + data.ConsumeIntegralInRange(-1, MOST);
        region.x1 = region.x0 + data.ConsumeIntegralInRange(-1, MOST);
        options.region = &region;
    }
    if (data.ConsumeIntegralInRange(0, 3) == 0) {
        options.short_side = data.ConsumeIntegralInRange(-2, 60);
    }
    if (data.ConsumeIntegralInRange(0, 3) == 0) {
        options.saturation = data.ConsumeFloatingPointInRange(-0.5, 2.5);
    }
    if (data.ConsumeIntegralInRange(0, 20) == 0)
        options.saturation = data.ConsumeFloatingPoint<double>();
    if (data.ConsumeIntegralInRange(0, 20) == 0) {
        options.size = data.ConsumeIntegralInRange<std::size_t>(0, 200);
    }
    return options;
}

// Strokes with the memory that they look at.
struct Strokes {
    std::vector<std::vector<double>> points;
    std::vector<cd_stroke> list;
    Image layer;
    cd_strokes strokes = CD_STROKES_INIT;

    Strokes(FuzzedDataProvider& data, std::int32_t height, std::int32_t width)
        : layer(data, height, width) {
        const int count = data.ConsumeIntegralInRange(0, 4);
        for (int i = 0; i < count; ++i) {
            std::vector<double> line;
            const int corners = data.ConsumeIntegralInRange(0, 4);
            for (int c = 0; c < 2 * corners; ++c) {
                line.push_back(data.ConsumeIntegralInRange(0, 9) == 0
                                   ? data.ConsumeFloatingPoint<double>()
                                   : data.ConsumeFloatingPointInRange(-20.0, 60.0));
            }
            points.push_back(line);
        }
        for (const auto& line : points) {
            cd_stroke stroke{};
            stroke.points = line.empty() ? nullptr : line.data();
            stroke.count = line.size() / 2;
            stroke.width = data.ConsumeIntegralInRange(0, 9) == 0
                               ? data.ConsumeFloatingPoint<double>()
                               : data.ConsumeFloatingPointInRange(0.0, 30.0);
            data.ConsumeData(stroke.rgb, 3);
            list.push_back(stroke);
        }
        strokes.list = list.empty() ? nullptr : list.data();
        strokes.count = list.size();
        if (data.ConsumeIntegralInRange(0, 2) == 0) {
            if (data.ConsumeBool()) layer.view.format = CD_RGBA8;
            strokes.layer = &layer.view;
        }
        if (data.ConsumeIntegralInRange(0, 30) == 0) strokes.list = nullptr;
        if (data.ConsumeIntegralInRange(0, 30) == 0) strokes.size = 3;
    }
};

}  // namespace fuzz
