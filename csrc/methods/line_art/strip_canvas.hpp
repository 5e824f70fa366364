// A long strip of drawings, page by page.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "../../drawing/pages.hpp"
#include "drawing_canvas.hpp"

namespace colordeploy::methods {

using Pages = std::vector<drawing::Rows>;

// Rows of the pages of a strip; one page where a picture is none.
Pages pages_in(const pictures::Image& image, int threads, const CancelFlag* cancel);

// Everything is as on the page alone. Of pages beyond a bound of memory the drawing alone is kept,
// and analyzed again when it is needed. Safe to use from several threads.
class StripCanvas : public LineArtCanvas {
 public:
    using Prepare =
        std::function<std::shared_ptr<DrawingCanvas>(const pictures::Image& page, const Steps&)>;

    // Copies the picture.
    StripCanvas(std::shared_ptr<const Model> model, const pictures::Image& image, Pages pages,
                Prepare prepare, const Steps& steps);

    const StyleCode& style() const override { return style_; }
    void render(const Style& style, const Strokes* hints, const pictures::Rendering& rendering,
                const Steps& steps, const TakeLines& lines) override;
    void preview(const Style& style, const color::Target& target, const Steps& steps) override;
    void write_regions(const Plane<std::int32_t>& labels) override;

    pictures::Size size() const override { return {picture_.rows, picture_.columns}; }
    pictures::Size working_size() const override { return working_size_; }
    std::size_t bytes() const override;

 private:
    using Page = std::shared_ptr<DrawingCanvas>;

    // A page, ready; those longest not used are given up when they hold too much.
    Page page(std::size_t number, const Steps& steps);
    std::size_t held() const;
    drawing::Rows rows_at(drawing::Rows rows, std::ptrdiff_t height) const;

    std::vector<std::uint8_t> bytes_;
    std::vector<float> floats_;
    pictures::Image picture_;  // looks at either
    Pages pages_;
    Prepare prepare_;
    StyleCode style_;
    pictures::Size working_size_{};
    mutable std::mutex mutex_;
    std::list<std::pair<std::size_t, Page>> ready_;  // used longest ago first
};

}  // namespace colordeploy::methods
