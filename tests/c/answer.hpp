// A runtime that answers every graph of the bundles at once, for programs that need no networks.
#pragma once

#include <colordeploy.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace answered {

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

}  // namespace answered
