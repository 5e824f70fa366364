#include "drawing.hpp"

#include <algorithm>
#include <functional>

#include "../../drawing/page.hpp"
#include "../../errors.hpp"
#include "../../propagation/plans.hpp"
#include "../../regions/aggregate.hpp"
#include "../../regions/labels.hpp"
#include "../../regions/search.hpp"
#include "../../regions/trapped_ball.hpp"
#include "../../text.hpp"

namespace colordeploy::methods {

namespace {

constexpr float DARK = 0.5F;  // a page without anything lighter is dark all over
constexpr int LARGEST_RADIUS = 31;

void check(const std::vector<int>& radii) {
    if (std::adjacent_find(radii.begin(), radii.end(), std::less_equal<>()) != radii.end()) {
        throw InputError("radii must be decreasing whole numbers, at least one");
    }
    if (!radii.empty() && (radii.front() > LARGEST_RADIUS || radii.back() < 0)) {
        throw InputError(text("radii must lie between 0 and %d, not %d to %d", LARGEST_RADIUS,
                              radii.back(), radii.front()));
    }
}

template <typename T>
drawing::LineLayer lines_of(std::vector<T> samples, const pictures::Image& image, bool inverted,
                            int threads) {
    constexpr T white = std::is_floating_point_v<T> ? T{1} : static_cast<T>(255);
    if (inverted) {
        for (T& sample : samples) sample = static_cast<T>(white - sample);
    }
    return drawing::line_layer(samples.data(), image.rows, image.columns,
                               image.channels == 1 ? 1 : 3, threads);
}

}  // namespace

Drawing::Drawing(const pictures::Image& image, const PrepareOptions& options, const Model& model,
                 const CancelFlag* cancel)
    : size_{image.rows, image.columns},
      working_size_(
          pictures::working_shape(size_, options.size, model.description().working_size)) {
    check(options.radii);
    const std::vector<std::uint8_t> line = separate(image, model, cancel);
    working_luma_.resize(static_cast<std::size_t>(working_size_.rows * working_size_.columns));
    color::resize(
        pictures::Photo::plane(luma_, size_),
        {working_luma_.data(), working_size_.rows, working_size_.columns, working_size_.columns, 1},
        model.threads(), cancel);
    luma_ = {};
    for (float& value : working_luma_) value = std::clamp(value, 0.0F, 1.0F);
    find_regions(line, options.radii, model);
}

std::vector<std::uint8_t> Drawing::separate(const pictures::Image& image, const Model& model,
                                            const CancelFlag* cancel) {
    const int threads = model.threads();
    const std::vector<float> luma = pictures::luma_of(image, threads, cancel);
    const Plane<const float> plane = pictures::Photo::plane(luma, size_);
    const drawing::Page page = drawing::examined(plane, threads, cancel);
    luma_.resize(luma.size());
    std::vector<std::uint8_t> line(luma.size());
    const std::int64_t joined =
        drawing::separated(plane, page, threads, cancel, luma_.data(), line.data());
    if (drawing::is_blank(page, line.data(), size_.rows * size_.columns, joined)) {
        const bool dark = *std::max_element(luma.begin(), luma.end()) < DARK;
        throw InputError(text(
            "the picture is %s: no line stands out from its ground; line art is lines on paper "
            "that is lighter or darker than they are, scan it with more contrast",
            dark ? "dark all over" : "empty, or noise alone"));
    }
    if (page.inverted) {
        model.log(Level::warning,
                  "the picture is mostly dark: it is taken for light lines on dark ground and "
                  "inverted");
    }
    lines_ =
        image.sample == pictures::Sample::bytes
            ? lines_of(pictures::bytes_of(image, threads, cancel), image, page.inverted, threads)
            : lines_of(pictures::floats_of(image, threads, cancel), image, page.inverted, threads);
    return line;
}

void Drawing::find_regions(const std::vector<std::uint8_t>& line, const std::vector<int>& radii,
                           const Model& model) {
    const auto short_side = [](pictures::Size size) {
        return static_cast<double>(std::min(size.rows, size.columns));
    };
    labels_.resize(line.size());
    const regions::Found found = propagation::within_memory(
        text("looking for regions in %tdx%td pixels", size_.rows, size_.columns), [&] {
            return regions::find_regions(line.data(), size_.rows, size_.columns,
                                         {short_side(size_) / short_side(working_size_), radii},
                                         labels_.data());
        });
    if (found.before > 0) {
        model.log(Level::warning,
                  text("the picture has %d regions, more like a photo than line art; small ones "
                       "are merged until at most %d are left",
                       found.before, regions::MAXIMUM_REGIONS));
    }
    count_ = found.count + 1;
    covered_ = labels_;
    regions::cover_lines(size_.rows, size_.columns, covered_.data());
    areas_.assign(static_cast<std::size_t>(count_), 0);
    for (const std::int32_t label : labels_) ++areas_[label];
}

std::vector<std::int32_t> Drawing::reduced(const std::vector<std::int32_t>& labels,
                                           pictures::Size size) const {
    std::vector<std::int32_t> small(static_cast<std::size_t>(size.rows * size.columns));
    regions::nearest_labels(plane(labels),
                            {small.data(), size.rows, size.columns, size.columns, 1});
    return small;
}

std::size_t Drawing::bytes() const {
    return lines_.bytes() + working_luma_.size() * sizeof(float) +
           (labels_.size() + covered_.size()) * sizeof(std::int32_t) +
           areas_.size() * sizeof(std::int64_t);
}

}  // namespace colordeploy::methods
