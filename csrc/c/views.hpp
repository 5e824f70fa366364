// The interface's structs, checked, as the core's. Everything here throws InputError.
#pragma once

#include <colordeploy.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "../methods/guidance.hpp"
#include "../methods/model.hpp"
#include "../methods/steps.hpp"
#include "../pictures/photo.hpp"
#include "handles.hpp"
#include "status.hpp"

namespace colordeploy::c {

// The size of a caller's version of a struct that begins with it, as far as this one knows it. (A
// field that is added must not lie where an older version had padding.)
template <typename T>
std::size_t known_size(const T& given, const char* name) {
    if (given.size < sizeof(given.size) || given.size > 65536 || given.size % alignof(T) != 0) {
        throw InputError(std::string(name) +
                         ".size must be the size of the struct; fill it by its "
                         "_INIT macro");
    }
    return std::min(given.size, sizeof(T));
}

// A copy of a struct of options, of an older or a later version too; NULL is all defaults.
template <typename T>
T options_of(const T* given, const T& defaults, const char* name) {
    T options = defaults;
    if (given == nullptr) return options;
    std::memcpy(static_cast<void*>(&options), given, known_size(*given, name));
    options.size = sizeof(T);
    return options;
}

// Writes what the caller's version of a struct has room for.
template <typename T>
void hand_over(T filled, T* given, const char* name) {
    filled.size = given->size;
    std::memcpy(static_cast<void*>(given), &filled, known_size(*given, name));
}

// A picture of any format but CIE a and b.
pictures::Image image_of(const cd_image* image, const char* name);
// CIE a and b in floats.
Channels<const float> chroma_of(const cd_image& image, const char* name);
methods::Strokes strokes_of(const cd_strokes* strokes, const char* name);

methods::PrepareOptions prepare_options(const cd_prepare_options& given);
methods::Steps steps_of(const cd_cancel* cancel, cd_progress progress, void* user);

// Where a result of this size goes.
color::Target target_of(const cd_target* target, std::ptrdiff_t rows, std::ptrdiff_t columns,
                        const char* name);

// A plane of numbers of a picture's size in the host's memory, side by side in rows.
template <typename T>
Plane<T> rows_of(T* values, std::ptrdiff_t row_bytes, pictures::Size size, const char* name) {
    require(values, name);
    constexpr auto bytes = static_cast<std::ptrdiff_t>(sizeof(T));
    const std::ptrdiff_t apart = row_bytes < 0 ? -(row_bytes + 1) : row_bytes;  // never too large
    if (row_bytes % bytes != 0 || reinterpret_cast<std::uintptr_t>(values) % alignof(T) != 0 ||
        apart < size.columns * bytes - (row_bytes < 0 ? 1 : 0)) {
        throw InputError(std::string(name) +
                         " must be aligned, its rows row_bytes apart: at least " +
                         std::to_string(size.columns * bytes));
    }
    return {values, size.rows, size.columns, row_bytes / bytes, 1};
}

// The part and the size of a result.
struct Wanted {
    pictures::Size shape;  // of the whole
    Rectangle part;
};
Wanted wanted_of(const methods::Canvas& canvas, const cd_render_options& options);

// One call of a render: what is wanted of which canvas, and its steps.
struct RenderCall {
    RenderCall(const methods::Canvas& canvas, const cd_render_options* options,
               const cd_target* target);

    pictures::Rendering rendering;
    methods::Steps steps;
};

// The canvas of a handle, as that of a method. function: what is called, for the message.
template <typename T>
T& canvas_as(cd_canvas* canvas, const char* function) {
    methods::Canvas& any = *required(canvas, "canvas").canvas;
    T* found = dynamic_cast<T*>(&any);
    if (found == nullptr) {
        throw InputError(std::string(function) + " is not for a canvas of the method '" +
                         any.model().description().method + "'");
    }
    return *found;
}

}  // namespace colordeploy::c
