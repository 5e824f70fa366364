// Strokes and hints, as a host gives them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "../pictures/photo.hpp"
#include "../strokes/constraints.hpp"
#include "../view.hpp"
#include "model.hpp"

namespace colordeploy::methods {

// A list of lines, or a layer of them.
struct Strokes {
    std::vector<strokes::Line> lines;
    std::optional<Channels<const std::uint8_t>> layer;  // RGBA, of the picture's size
    std::vector<std::uint8_t> own;  // what the layer looks at, where it is nobody else's
};

// Colour constraints at a working size.
struct Marks {
    std::vector<std::uint8_t> mask;
    std::vector<double> chroma;  // U and V of each working pixel
    std::int64_t pixels = 0;     // that are marked, of the picture

    bool any() const { return pixels > 0; }
    // All that a layer depends on.
    void append_key(std::string& key) const;
};

// required: throws InputError where there is no mark. Throws it for layers of another size, too,
// and Cancelled.
Marks constraints_of(const Strokes& strokes, pictures::Size size, pictures::Size working,
                     bool required, const Model& model, const CancelFlag* cancel);

// InputErrors of what holds no mark, and a warning of lines outside of the picture, which methods
// that use strokes otherwise share.
[[noreturn]] void refuse_unmarked(const Strokes& strokes, pictures::Size size);
void require_size(const Strokes& strokes, pictures::Size size);
void warn_of_outside(const Strokes& strokes, pictures::Size size, const Model& model);

}  // namespace colordeploy::methods
