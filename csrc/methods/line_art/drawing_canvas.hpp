// One drawing in colours.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../../regions/divider.hpp"
#include "../layered_canvas.hpp"
#include "canvas.hpp"
#include "painter.hpp"

namespace colordeploy::methods {

// Colours of a drawing in one style with hints.
struct DrawingColors {
    std::vector<std::int32_t> labels;  // where hints divide regions; none: those under the lines
    Palette palette;

    std::size_t bytes() const {
        return labels.size() * sizeof(std::int32_t) + palette.size() * sizeof(float);
    }
};

class DrawingCanvas : public LayeredCanvas<DrawingColors, LineArtCanvas> {
 public:
    DrawingCanvas(std::shared_ptr<const Model> model, std::unique_ptr<const Drawing> drawing,
                  const RegionNetwork& network, const Steps& steps);

    const StyleCode& style() const override { return painter_.style(); }
    void render(const Style& style, const Strokes* hints, const pictures::Rendering& rendering,
                const Steps& steps, const TakeLines& lines) override;
    void preview(const Style& style, const color::Target& target, const Steps& steps) override;
    void write_regions(const Plane<std::int32_t>& labels) override;

    std::ptrdiff_t count() const { return drawing_->count(); }  // of labels
    pictures::Size size() const override { return drawing_->size(); }
    pictures::Size working_size() const override { return drawing_->working_size(); }
    std::size_t bytes() const override;

 private:
    // Null where regions without a hint stay white.
    const StyleCode* code_of(const Style& style) const;
    regions::Hints hints_of(const Strokes& strokes, const Steps& steps) const;
    std::shared_ptr<const Palette> styled(const StyleCode& code, const regions::Hints* hints,
                                          const std::string& key, const Steps& steps);
    DrawingColors colored(const StyleCode* code, const regions::Hints* hints,
                          const std::string& key, const Steps& steps);
    void compose(const DrawingColors& colors, bool lines, const pictures::Rendering& rendering,
                 const CancelFlag* cancel) const;

    std::unique_ptr<const Drawing> drawing_;
    RegionPainter painter_;
    Kept<Palette> styles_;
    regions::RegionDivider divider_;  // prepares nothing before it is needed
};

}  // namespace colordeploy::methods
