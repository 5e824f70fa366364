// rasc: styles, hints, layers.
#include <algorithm>

#include "../drawing/pages.hpp"
#include "../methods/line_art/canvas.hpp"
#include "../text.hpp"
#include "views.hpp"

using namespace colordeploy;

namespace colordeploy::c {

namespace {

using methods::LineArtCanvas;

// What a style asks for.
struct Styled {
    methods::Style style;
    std::optional<methods::Strokes> hints;

    const methods::Strokes* strokes() const { return hints ? &*hints : nullptr; }
};

methods::Style style_of(const LineArtCanvas& canvas, const cd_style& style) {
    using Kind = methods::Style::Kind;
    switch (style.kind) {
        case CD_STYLE_PREDICTED:
            return {Kind::predicted};
        case CD_STYLE_HINTS:
            return {Kind::hints};
        case CD_STYLE_SEED:
            return {Kind::code, canvas.random_style(style.seed)};
        case CD_STYLE_CODE:
            if (style.count > 0) require(style.code, "style->code");
            return {Kind::code, {style.code, style.code + style.count}};
        default:
            throw InputError(text("style->kind is %d, which is no cd_style_kind", style.kind));
    }
}

Styled styled(const LineArtCanvas& canvas, const cd_style* given) {
    const cd_style style = options_of(given, CD_STYLE_INIT, "style");
    Styled result{style_of(canvas, style), std::nullopt};
    if (style.hints != nullptr) result.hints = strokes_of(style.hints, "style->hints");
    return result;
}

color::Target bytes_of(const cd_target* target, pictures::Size size, const char* name) {
    const color::Target found = target_of(target, size.rows, size.columns, name);
    if (found.output != color::Output::rgb8) {
        throw InputError(std::string(name) + " must be of 8 bits");
    }
    return found;
}

// Calls set(pixel, y, x) for all pixels of rows of a target.
template <typename Set>
void for_alpha(const cd_target& target, drawing::Rows rows, const Set& set) {
    const std::ptrdiff_t pixel = target.pixel_bytes == 0 ? 4 : target.pixel_bytes;
    for (std::ptrdiff_t y = rows.begin; y < rows.end; ++y) {
        auto* row = static_cast<std::uint8_t*>(target.data) + y * target.row_bytes;
        for (std::ptrdiff_t x = 0; x < target.width; ++x) set(row + x * pixel, y, x);
    }
}

void require_alpha(const cd_target& target, const char* name) {
    if (target.format == CD_RGBA8 || target.format == CD_BGRA8) return;
    throw InputError(std::string(name) + ".format must be CD_RGBA8 or CD_BGRA8");
}

void write_lines(const drawing::LineLayer& layer, std::ptrdiff_t first, const cd_target& target,
                 const color::Target& colors) {
    const drawing::Lines lines = layer.view();
    const auto write = [&](std::uint8_t* pixel, std::ptrdiff_t y, std::ptrdiff_t x) {
        auto* row = static_cast<std::uint8_t*>(colors.row(y));
        for (int c = 0; c < 3; ++c) {
            row[x * colors.column_stride + c * colors.channel_stride] =
                lines.ink.data == nullptr ? std::uint8_t{0} : lines.ink.at(y - first, x, c);
        }
        pixel[3] = lines.opacity.at(y - first, x);
    };
    for_alpha(target, {first, first + layer.rows}, write);
}

}  // namespace

}  // namespace colordeploy::c

extern "C" {

cd_status cd_render_style(cd_canvas* canvas, const cd_style* style,
                          const cd_render_options* options, const cd_target* target) {
    return c::guarded([&] {
        auto& own = c::canvas_as<methods::LineArtCanvas>(canvas, "cd_render_style");
        const c::Styled styled = c::styled(own, style);
        const c::RenderCall call(own, options, target);
        own.render(styled.style, styled.strokes(), call.rendering, call.steps);
    });
}

cd_status cd_render_layers(cd_canvas* canvas, const cd_style* style, const cd_cancel* cancel,
                           const cd_target* lines, const cd_target* colors) {
    return c::guarded([&] {
        auto& own = c::canvas_as<methods::LineArtCanvas>(canvas, "cd_render_layers");
        const pictures::Size size = own.size();
        const c::Styled styled = c::styled(own, style);
        const color::Target above = c::bytes_of(lines, size, "lines");
        const color::Target below = c::bytes_of(colors, size, "colors");
        c::require_alpha(*lines, "lines");
        c::require_alpha(*colors, "colors");
        own.render(styled.style, styled.strokes(),
                   {size, {0, 0, size.rows, size.columns}, 1.0F, below},
                   methods::Steps(c::token_of(cancel)),
                   [&](const drawing::LineLayer& layer, std::ptrdiff_t row) {
                       c::write_lines(layer, row, *lines, above);
                   });
        c::for_alpha(*colors, {0, size.rows},
                     [](std::uint8_t* pixel, auto, auto) { pixel[3] = 255; });
    });
}

cd_status cd_style_preview(cd_canvas* canvas, const cd_style* style, const cd_cancel* cancel,
                           const cd_target* target) {
    return c::guarded([&] {
        auto& own = c::canvas_as<methods::LineArtCanvas>(canvas, "cd_style_preview");
        const cd_style chosen = c::options_of(style, CD_STYLE_INIT, "style");
        const color::Target pixels = c::bytes_of(target, own.working_size(), "target");
        own.preview(c::style_of(own, chosen), pixels, methods::Steps(c::token_of(cancel)));
    });
}

cd_status cd_regions(cd_canvas* canvas, int32_t* labels, ptrdiff_t row_bytes) {
    return c::guarded([&] {
        auto& own = c::canvas_as<methods::LineArtCanvas>(canvas, "cd_regions");
        own.write_regions(c::rows_of(labels, row_bytes, own.size(), "labels"));
    });
}

cd_status cd_style_code(cd_canvas* canvas, cd_style_kind kind, uint64_t seed, float* code,
                        size_t room, size_t* count) {
    return c::guarded([&] {
        auto& own = c::canvas_as<methods::LineArtCanvas>(canvas, "cd_style_code");
        c::require(count, "count");
        if (kind != CD_STYLE_PREDICTED && kind != CD_STYLE_SEED) {
            throw InputError("kind must be CD_STYLE_PREDICTED or CD_STYLE_SEED");
        }
        const methods::StyleCode found =
            kind == CD_STYLE_SEED ? own.random_style(seed) : own.style();
        if (room > 0) c::require(code, "code");
        std::copy_n(found.begin(), std::min(room, found.size()), code);
        *count = found.size();
    });
}

}  // extern "C"
