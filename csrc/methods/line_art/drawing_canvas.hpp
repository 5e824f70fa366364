// A drawing, analyzed: a style in, colours out (rasc).
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "../../regions/divider.hpp"
#include "../guidance.hpp"
#include "../layered_canvas.hpp"
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

class LineArtCanvas : public LayeredCanvas<DrawingColors> {
 public:
    using Code = std::vector<float>;

    LineArtCanvas(std::shared_ptr<const Model> model, std::unique_ptr<const Drawing> drawing,
                  const RegionNetwork& network, const Steps& steps);

    const Code& style() const { return painter_.style(); }
    Code random_style(std::uint64_t seed) const;

    // code: nothing leaves regions without a hint white. Lines are drawn over the colours unless
    // they are wanted apart. Throws InputError for codes of another length or that are no
    // direction, and for hints of another size or without a mark; BackendError, Cancelled.
    void render(const std::optional<Code>& code, const Strokes* hints, bool lines,
                const pictures::Rendering& rendering, const Steps& steps);
    // A picture at the working size.
    void preview(const Code& code, const color::Target& target, const Steps& steps);

    const Drawing& drawing() const { return *drawing_; }
    pictures::Size size() const override { return drawing_->size(); }
    pictures::Size working_size() const override { return drawing_->working_size(); }
    const char* device() const override { return model().graph("paint").device(); }
    std::size_t bytes() const override;

 private:
    regions::Hints hints_of(const Strokes& strokes, const Steps& steps) const;
    std::shared_ptr<const Palette> styled(const Code& code, const regions::Hints* hints,
                                          const std::string& key, const Steps& steps);
    DrawingColors colored(const std::optional<Code>& code, const regions::Hints* hints,
                          const std::string& key, const Steps& steps);
    void compose(const DrawingColors& colors, bool lines, const pictures::Rendering& rendering,
                 const CancelFlag* cancel) const;
    void require_code(const Code& code) const;

    std::unique_ptr<const Drawing> drawing_;
    RegionPainter painter_;
    Kept<Palette> styles_;
    regions::RegionDivider divider_;  // prepares nothing before it is needed
};

}  // namespace colordeploy::methods
