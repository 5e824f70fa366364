// Line art, analyzed: a style in, colours out (rasc).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "../../drawing/layer.hpp"
#include "../guidance.hpp"
#include "../model.hpp"

namespace colordeploy::methods {

using StyleCode = std::vector<float>;

struct Style {
    enum class Kind {
        predicted,  // from the drawing; of a strip, from each page
        code,
        hints  // white without a hint
    };
    Kind kind = Kind::predicted;
    StyleCode code = {};
};

// Gets lines that begin in that row, and must be done with them when it returns.
using TakeLines = std::function<void(const drawing::LineLayer& lines, std::ptrdiff_t row)>;

class LineArtCanvas : public Canvas {
 public:
    using Canvas::Canvas;

    // Predicted; of a strip, from its first page.
    virtual const StyleCode& style() const = 0;
    StyleCode random_style(std::uint64_t seed) const;

    // Lines are drawn over the colours; where somebody takes them (of the whole picture, at its own
    // size) they are not. hints: null for none. Throws InputError for codes of another length or
    // that are no direction, and for hints of another size or without a mark; BackendError,
    // Cancelled.
    virtual void render(const Style& style, const Strokes* hints,
                        const pictures::Rendering& rendering, const Steps& steps,
                        const TakeLines& lines = nullptr) = 0;
    // A picture at the working size.
    virtual void preview(const Style& style, const color::Target& target, const Steps& steps) = 0;
    // Labels of all regions: 0 on lines.
    virtual void write_regions(const Plane<std::int32_t>& labels) = 0;

    const char* device() const override { return model().graph("paint").device(); }
};

}  // namespace colordeploy::methods
