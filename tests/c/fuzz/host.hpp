// What all programs share: models on a runtime that answers at once, pictures, and checks.
#pragma once

#include <colordeploy.h>
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace fuzz {

// A status that a host's mistake may lead to, never a fault of the library.
inline cd_status checked(cd_status status) {
    if (status == CD_INTERNAL || status < CD_OK || status > CD_INTERNAL) {
        std::fprintf(stderr, "status %d: %s\n", status, cd_last_error());
        std::abort();
    }
    if (status != CD_OK && cd_last_error()[0] == '\0') std::abort();
    return status;
}

inline void required(cd_status status) {
    if (checked(status) != CD_OK) {
        std::fprintf(stderr, "%s\n", cd_last_error());
        std::abort();
    }
}

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
        view.height = data.ConsumeBool() ? height : data.ConsumeIntegralInRange(-2, 40);
        view.width = data.ConsumeBool() ? width : data.ConsumeIntegralInRange(-2, 40);
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
        const std::string some = data.ConsumeBytesAsString(64);
        bytes.resize(size);
        for (std::size_t i = 0; i < size; ++i) {
            bytes[i] = some.empty() ? static_cast<unsigned char>(i * 31)
                                    : static_cast<unsigned char>(some[i % some.size()] + i / 5);
        }
        if (known && sample_bytes(view.format) == 4 && data.ConsumeIntegralInRange(0, 8) != 0) {
            auto* floats = reinterpret_cast<float*>(bytes.data());  // mostly in range
            for (std::size_t i = 0; i < size / 4; ++i) floats[i] = static_cast<float>(i % 11) / 11;
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

// Answers every graph of the bundles with numbers made of its inputs' sizes.
class Answer {
 public:
    Answer(const cd_tensor* inputs, std::size_t count, cd_outputs* outputs)
        : inputs_(inputs), count_(count), outputs_(outputs) {}

    // A side of an input.
    std::int64_t side(const char* name, int axis) const {
        for (std::size_t i = 0; i < count_; ++i) {
            if (std::strcmp(inputs_[i].name, name) == 0) return inputs_[i].shape[axis];
        }
        std::abort();
    }

    void give(const char* name, std::vector<std::int64_t> shape, float scale) const {
        std::size_t size = 1;
        cd_tensor tensor{name, nullptr, CD_FLOAT32, static_cast<std::int32_t>(shape.size()), {}};
        for (std::size_t i = 0; i < shape.size(); ++i) {
            tensor.shape[i] = shape[i];
            size *= static_cast<std::size_t>(shape[i]);
        }
        std::vector<float> values(size);
        for (std::size_t i = 0; i < size; ++i) values[i] = scale * static_cast<float>(i * 37 % 101);
        tensor.data = values.data();
        required(cd_output(outputs_, &tensor));
    }

 private:
    const cd_tensor* inputs_;
    std::size_t count_;
    cd_outputs* outputs_;
};

inline cd_status answer(void*, const char* graph, const cd_tensor* inputs, std::size_t count,
                        const cd_cancel*, cd_outputs* outputs) {
    const Answer made(inputs, count, outputs);
    const std::string name = graph;
    if (name == "affinity") {
        made.give("features", {1, 4, made.side("luma", 2), made.side("luma", 3)}, 0.01F);
        made.give("log_alpha", {1}, 0.0F);
    } else if (name == "analyze") {
        const std::int64_t height = made.side("gray", 2), width = made.side("gray", 3);
        made.give("tokens", {1, 8, height / 16, width / 16}, 0.02F);
        made.give("middle", {1, 4, height / 8, width / 8}, 0.02F);
        made.give("fine", {1, 4, height / 4, width / 4}, 0.02F);
        made.give("probabilities", {1, 313, height / 16, width / 16}, 0.001F);
    } else if (name == "generate") {
        made.give("ab", {1, 2, 4 * made.side("tokens", 2), 4 * made.side("tokens", 3)}, 0.3F);
    } else if (name == "encode_reference") {
        const std::int64_t places = made.side("lab", 2) / 8 * (made.side("lab", 3) / 8);
        made.give("features", {1, places, 183}, 0.01F);
        made.give("style", {1, 6}, 0.1F);
        made.give("activation", {1, places}, 0.01F);
    } else if (name == "colorize") {
        const std::int64_t height = made.side("gray", 2), width = made.side("gray", 3);
        made.give("ab", {1, 2, height / 4, width / 4}, 0.3F);
        made.give("coarse", {1, 2, height / 4, width / 4}, 0.2F);
        made.give("queries", {1, height / 8 * (width / 8), 176}, 0.01F);
        made.give("keys", {1, made.side("selected", 1), 176}, 0.01F);
    } else if (name == "encode") {
        const std::int64_t height = made.side("line", 2), width = made.side("line", 3);
        made.give("features4", {1, 24, height / 4, width / 4}, 0.01F);
        made.give("features8", {1, 40, height / 8, width / 8}, 0.01F);
        made.give("features16", {1, 112, height / 16, width / 16}, 0.01F);
        made.give("features32", {1, 320, height / 32, width / 32}, 0.01F);
    } else if (name == "describe") {
        made.give("tokens", {1, made.side("shares", 1), 128}, 0.01F);
        made.give("whole", {1, 128}, 0.01F);
        made.give("style", {1, 64}, 0.02F);
    } else {
        made.give("colors", {1, made.side("tokens", 1), 3}, 0.009F);
    }
    return CD_OK;
}

inline cd_model* load(const char* name) {
    cd_runtime runtime = CD_RUNTIME_INIT;
    runtime.run = answer;
    cd_load_options options = CD_LOAD_OPTIONS_INIT;
    options.runtime = &runtime;
    options.threads = 1;
    cd_model* model = nullptr;
    required(cd_load(name, &options, &model));
    return model;
}

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
        region.y0 = data.ConsumeIntegralInRange(-1, 30);
        region.x0 = data.ConsumeIntegralInRange(-1, 40);
        region.y1 = region.y0 + data.ConsumeIntegralInRange(-1, 30);
        region.x1 = region.x0 + data.ConsumeIntegralInRange(-1, 40);
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
