#include "guidance.hpp"

#include <algorithm>

#include "../errors.hpp"
#include "../text.hpp"
#include "kept.hpp"

namespace colordeploy::methods {

namespace {

// Whether a line may reach into a picture of that size: its box does.
bool touches(const strokes::Line& line, pictures::Size size) {
    double low[2] = {line.points[0], line.points[1]}, high[2] = {low[0], low[1]};
    for (std::size_t i = 0; i < line.points.size(); ++i) {
        low[i % 2] = std::min(low[i % 2], line.points[i]);
        high[i % 2] = std::max(high[i % 2], line.points[i]);
    }
    const double reach = line.width / 2;
    return high[0] + reach >= 0 && high[1] + reach >= 0 &&
           low[0] - reach <= static_cast<double>(size.rows - 1) &&
           low[1] - reach <= static_cast<double>(size.columns - 1);
}

}  // namespace

void Marks::append_key(std::string& key) const {
    methods::append_key(key, mask.data(), mask.size());
    for (std::size_t i = 0; i < mask.size(); ++i) {
        if (mask[i] != 0) methods::append_key(key, chroma.data() + 2 * i, 2);
    }
}

void require_size(const Strokes& strokes, pictures::Size size) {
    const auto& layer = strokes.layer;
    if (!layer || (layer->rows == size.rows && layer->columns == size.columns)) return;
    throw InputError(
        text("strokes are %tdx%td pixels, but the picture is %tdx%td; draw them on a "
             "layer of the picture's size",
             layer->columns, layer->rows, size.columns, size.rows));
}

void refuse_unmarked(const Strokes& strokes, pictures::Size size) {
    if (strokes.layer) {
        throw InputError(
            "strokes hold no mark: every pixel is transparent (alpha 0) or too faint to be seen");
    }
    if (strokes.lines.empty()) throw InputError("strokes hold no mark: the list is empty");
    throw InputError(
        text("strokes hold no mark: all of them lie outside of the picture, which is "
             "%tdx%td pixels; points are (y, x) in its pixels",
             size.columns, size.rows));
}

void warn_of_outside(const Strokes& strokes, pictures::Size size, const Model& model) {
    const auto outside = std::count_if(strokes.lines.begin(), strokes.lines.end(),
                                       [&](const auto& line) { return !touches(line, size); });
    if (outside == 0) return;
    model.log(Level::warning, text("%td of %zu strokes lie outside of the picture (%tdx%td pixels)",
                                   outside, strokes.lines.size(), size.columns, size.rows));
}

Marks constraints_of(const Strokes& strokes, pictures::Size size, pictures::Size working,
                     bool required, const Model& model, const CancelFlag* cancel) {
    require_size(strokes, size);
    const auto pixels = static_cast<std::size_t>(working.rows * working.columns);
    Marks marks{std::vector<std::uint8_t>(pixels), std::vector<double>(2 * pixels), 0};
    const strokes::Constraints result{marks.mask.data(), marks.chroma.data(), working.rows,
                                      working.columns};
    marks.pixels = strokes.layer
                       ? strokes::constrain_layer(*strokes.layer, result, model.threads(), cancel)
                       : strokes::constrain_lines(strokes.lines, size.rows, size.columns, result,
                                                  model.threads(), cancel);
    if (marks.pixels == 0 && required) refuse_unmarked(strokes, size);
    if (!strokes.layer) warn_of_outside(strokes, size, model);
    return marks;
}

}  // namespace colordeploy::methods
