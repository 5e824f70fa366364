#include "drawing_canvas.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "../../drawing/compose.hpp"
#include "../../errors.hpp"
#include "../../propagation/plans.hpp"
#include "../../strokes/dabs.hpp"
#include "../../text.hpp"

namespace colordeploy::methods {

namespace {

// Equal for hints that give equal pictures.
void append_hints(std::string& key, const regions::Hints& hints) {
    key += 'h';
    append_key(key, hints.regions.data(), hints.regions.size());
    for (const auto& color : hints.colors) append_key(key, color.data(), color.size());
    if (!hints.divided()) return;
    append_key(key, hints.pixels.data(), hints.pixels.size());
    append_key(key, hints.owners.data(), hints.owners.size());
}

std::size_t palette_bytes(const Palette& palette) { return palette.size() * sizeof(float); }

}  // namespace

DrawingCanvas::DrawingCanvas(std::shared_ptr<const Model> model,
                             std::unique_ptr<const Drawing> drawing, const RegionNetwork& network,
                             const Steps& steps)
    : LayeredCanvas(std::move(model)),
      drawing_(std::move(drawing)),
      painter_(*drawing_, network, this->model(), steps),
      divider_(drawing_->labels().data(), drawing_->covered().data(), size().rows, size().columns,
               drawing_->count()) {}

const StyleCode* DrawingCanvas::code_of(const Style& style) const {
    if (style.kind == Style::Kind::hints) return nullptr;
    if (style.kind == Style::Kind::predicted) return &this->style();
    const StyleCode& code = style.code;
    if (code.size() != this->style().size()) {
        throw InputError(
            text("a style code has %zu numbers, not %zu", this->style().size(), code.size()));
    }
    const bool finite =
        std::all_of(code.begin(), code.end(), [](float value) { return std::isfinite(value); });
    if (!finite || std::all_of(code.begin(), code.end(), [](float v) { return v == 0.0F; })) {
        throw InputError("a style code must be finite and not all zero");
    }
    return &code;
}

void DrawingCanvas::render(const Style& style, const Strokes* hints,
                           const pictures::Rendering& rendering, const Steps& steps,
                           const TakeLines& lines) {
    const StyleCode* code = code_of(style);
    std::optional<regions::Hints> hinted;
    if (hints != nullptr) hinted = hints_of(*hints, steps);
    const regions::Hints* given = hinted ? &*hinted : nullptr;
    std::string key(code != nullptr ? "c" : "-");
    if (code != nullptr) append_key(key, code->data(), code->size());
    if (given != nullptr) append_hints(key, *given);
    rendered(
        key, [&] { return colored(code, given, key, steps); }, steps,
        [&](const DrawingColors& colors) { compose(colors, !lines, rendering, steps.flag()); });
    if (lines) lines(drawing_->lines(), 0);
}

regions::Hints DrawingCanvas::hints_of(const Strokes& strokes, const Steps& steps) const {
    require_size(strokes, size());
    const strokes::Dabs dabs =
        strokes.layer
            ? strokes::dabs_of_layer(*strokes.layer, model().threads(), steps.flag())
            : strokes::dabs_of_lines(strokes.lines, size().rows, size().columns, steps.flag());
    if (dabs.pixels.empty()) refuse_unmarked(strokes, size());
    if (!strokes.layer) warn_of_outside(strokes, size(), model());
    regions::Hints hints =
        regions::hints_of(dabs, drawing_->labels().data(), drawing_->covered().data(),
                          drawing_->areas().data(), drawing_->count());
    for (std::size_t i = 0; i < hints.crowded.size(); ++i) {
        model().log(
            Level::warning,
            text("a region has %d hints or more: the most frequent are used", regions::MOST_HINTS));
    }
    return hints;
}

std::shared_ptr<const Palette> DrawingCanvas::styled(const StyleCode& code,
                                                     const regions::Hints* hints,
                                                     const std::string& key, const Steps& steps) {
    return styles_.get(
        key, [&] { return std::make_shared<const Palette>(painter_.paint(code, hints, steps)); });
}

DrawingColors DrawingCanvas::colored(const StyleCode* code, const regions::Hints* hints,
                                     const std::string& key, const Steps& steps) {
    DrawingColors colors{{}, Palette(static_cast<std::size_t>(3 * drawing_->count()), 1.0F)};
    if (code != nullptr) colors.palette = *styled(*code, hints, key, steps);
    if (hints == nullptr) return colors;
    colors.palette = with_hints(colors.palette, *hints);
    if (hints->divided()) {
        colors.labels.resize(drawing_->covered().size());
        propagation::within_memory(
            text("dividing regions of %tdx%td pixels", size().rows, size().columns), [&] {
                divider_.divide({hints->counts.data(), hints->pixels.data(), hints->owners.data(),
                                 static_cast<std::ptrdiff_t>(hints->pixels.size())},
                                model().threads(), steps.flag(), colors.labels.data());
            });
    }
    return colors;
}

void DrawingCanvas::compose(const DrawingColors& colors, bool lines,
                            const pictures::Rendering& rendering, const CancelFlag* cancel) const {
    const int threads = model().threads();
    const std::vector<std::int32_t>& own =
        colors.labels.empty() ? drawing_->covered() : colors.labels;
    Plane<const std::int32_t> labels = drawing_->plane(own);
    drawing::Lines over = drawing_->lines().view();
    std::vector<std::int32_t> small;
    drawing::LineLayer reduced{};
    if (!(rendering.shape == size())) {
        const pictures::Size shape = rendering.shape;
        small = drawing_->reduced(own, shape);
        labels = {small.data(), shape.rows, shape.columns, shape.columns, 1};
        if (lines) {
            reduced = drawing::resampled(over, shape.rows, shape.columns, threads, cancel);
            over = reduced.view();
        }
    }
    drawing::compose_drawing(colors.palette.data(),
                             static_cast<std::ptrdiff_t>(colors.palette.size() / 3), labels,
                             nullptr, lines ? &over : nullptr, rendering.part, rendering.saturation,
                             rendering.target, threads, cancel);
}

void DrawingCanvas::preview(const Style& style, const color::Target& target, const Steps& steps) {
    if (style.kind == Style::Kind::hints) {
        throw InputError("a preview is of a style; hints alone have none");
    }
    const StyleCode& code = *code_of(style);
    const Turns::Turn turn(model().turns(), steps);
    std::string key("c");
    append_key(key, code.data(), code.size());
    const auto palette = styled(code, nullptr, key, steps);
    const pictures::Size working = working_size();
    const std::vector<std::int32_t> ground = drawing_->reduced(drawing_->covered(), working);
    const Plane<const float> luma = drawing_->working_luma();
    for (std::ptrdiff_t y = 0; y < working.rows; ++y) {
        auto* row = static_cast<std::uint8_t*>(target.row(y));
        for (std::ptrdiff_t x = 0; x < working.columns; ++x) {
            const float* color =
                palette->data() + 3 * std::ptrdiff_t{ground[y * working.columns + x]};
            for (int c = 0; c < 3; ++c) {
                const float value = std::clamp(color[c] * luma.at(y, x), 0.0F, 1.0F);
                row[x * target.column_stride + c * target.channel_stride] =
                    static_cast<std::uint8_t>(value * 255.0F + 0.5F);
            }
        }
    }
}

void DrawingCanvas::write_regions(const Plane<std::int32_t>& labels) {
    const std::int32_t* from = drawing_->labels().data();
    for (std::ptrdiff_t y = 0; y < labels.rows; ++y, from += labels.columns) {
        std::copy_n(from, labels.columns, &labels.at(y, 0));
    }
}

std::size_t DrawingCanvas::bytes() const {
    return drawing_->bytes() + painter_.bytes() + styles_.sum(palette_bytes) + layer_bytes() +
           divider_.bytes();
}

}  // namespace colordeploy::methods
