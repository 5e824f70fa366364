#include "canvas.hpp"

#include <algorithm>
#include <cmath>

#include "../../color/lightness.hpp"
#include "../../color/resize.hpp"
#include "../../errors.hpp"
#include "../../text.hpp"

namespace colordeploy::methods {

AutomaticCanvas::AutomaticCanvas(std::shared_ptr<const Model> model,
                                 std::unique_ptr<const pictures::Photo> photo,
                                 const Interface& interface, std::ptrdiff_t multiple,
                                 std::ptrdiff_t cell, const PrepareOptions& options,
                                 const Steps& steps)
    : PhotoCanvas(std::move(model), std::move(photo)),
      needs_anchors_(interface.needs_anchors),
      count_(options.anchors),
      seed_(options.seed) {
    if (options.anchors < 1) {
        throw InputError(text("anchors must be at least 1, not %d", options.anchors));
    }
    steps(0.1, "analysis");
    analysis_ = std::make_unique<const Analysis>(this->model().graph("analyze"),
                                                 this->photo().network_input(multiple),
                                                 working_size(), cell, interface, steps);
    const std::ptrdiff_t available = analysis_->places();
    if (count_ > available) {
        this->model().log(Level::info,
                          text("%td anchors were asked for, and this picture has %td places at its "
                               "working size: it gets %td anchors",
                               count_, available, available));
        count_ = available;
    }
    steps(0.9, "anchors");
    places_ = analysis_->located(count_, seed_);
}

Anchor AutomaticCanvas::anchor_at(std::int64_t place, int sample) const {
    const float* probabilities = analysis_->probabilities(place);
    const std::ptrdiff_t stride = analysis_->stride();
    const auto best = anchors::most_probable(probabilities, stride);
    const anchors::Grid& grid = analysis_->grid();
    const auto middle = anchors::middle_of({size().rows, size().columns}, grid,
                                           place / grid.columns(), place % grid.columns());
    Anchor anchor{middle.y, middle.x, 0.0, 0.0, 0.0, {}};
    std::vector<anchors::Bin> bins;
    for (const std::size_t index : best) {
        bins.push_back(anchors::bins()[index]);
        anchor.candidates.push_back(
            {static_cast<double>(bins.back().a), static_cast<double>(bins.back().b),
             static_cast<double>(probabilities[static_cast<std::ptrdiff_t>(index) * stride])});
    }
    const float light = photo().lightness().at(std::lrint(middle.y), std::lrint(middle.x));
    anchor.lightness = 100.0 * static_cast<double>(light);
    if (sample == 0 && !needs_anchors_) {
        const anchors::Chroma mean = anchors::expected(probabilities, stride);
        anchor.a = mean.a;
        anchor.b = mean.b;
    } else {
        const std::size_t chosen = anchors::diverse_order(bins)[static_cast<std::size_t>(sample)];
        anchor.a = anchor.candidates[chosen].a;
        anchor.b = anchor.candidates[chosen].b;
    }
    return anchor;
}

std::vector<Anchor> AutomaticCanvas::anchors(int sample) const {
    constexpr int most = static_cast<int>(anchors::CANDIDATES) - 1;
    if (sample < 0 || sample > most) {
        throw InputError(text("sample must be between 0 and %d, not %d", most, sample));
    }
    std::vector<Anchor> found;
    for (const std::int64_t place : places_) found.push_back(anchor_at(place, sample));
    return found;
}

std::vector<Anchor> AutomaticCanvas::anchors_from(const pictures::Image& picture, bool relocate,
                                                  const Steps& steps) const {
    const pictures::Size whole = size(), working = working_size();
    if (picture.channels == 1 || picture.rows != whole.rows || picture.columns != whole.columns) {
        throw InputError(
            text("the picture to take colours from must be in colour and have the "
                 "canvas's %tdx%td pixels, not %tdx%td of %d channels",
                 whole.rows, whole.columns, picture.rows, picture.columns, picture.channels));
    }
    const int threads = model().threads();
    const std::vector<float> rgb = pictures::rgb_of(picture, threads, steps.flag());
    const std::ptrdiff_t pixels = working.rows * working.columns;
    std::vector<float> small(static_cast<std::size_t>(3 * pixels)), lab(small.size());
    for (int c = 0; c < 3; ++c) {
        color::resize(
            Plane<const float>{rgb.data() + c, whole.rows, whole.columns, 3 * whole.columns, 3},
            Plane<float>{small.data() + c, working.rows, working.columns, 3 * working.columns, 3},
            threads, steps.flag());
    }
    for (float& value : small) value = std::clamp(value, 0.0F, 1.0F);
    color::lab_of(small.data(), pixels, threads, lab.data());
    const std::vector<float> means = analysis_->pooled(
        {lab.data() + 1, working.rows, working.columns, 3 * working.columns, 3, 1}, 2);
    const auto places = relocate ? analysis_->located(means, 2, count_, seed_) : places_;
    std::vector<Anchor> found;
    for (const std::int64_t place : places) {
        found.push_back(anchor_at(place, 0));
        found.back().a = static_cast<double>(means[static_cast<std::size_t>(place)]);
        found.back().b =
            static_cast<double>(means[static_cast<std::size_t>(analysis_->places() + place)]);
    }
    return found;
}

void AutomaticCanvas::render(const std::optional<std::vector<anchors::Anchor>>& wanted, int sample,
                             const pictures::Rendering& rendering, const Steps& steps) {
    if (wanted && sample != 0) {
        throw InputError("sample chooses colours for the anchors found; leave anchors out");
    }
    const bool own = !wanted && sample == 0 && !needs_anchors_;
    std::vector<anchors::Anchor> told;
    if (wanted) {
        told = *wanted;
    } else if (!own) {
        for (const Anchor& anchor : anchors(sample)) {
            told.push_back({anchor.y, anchor.x, anchor.a, anchor.b});
        }
    }
    if (told.empty() && !own) {
        throw InputError("there are no anchors: a picture needs at least one");
    }
    const anchors::Hints hints =
        anchors::hints_of(told, {size().rows, size().columns}, analysis_->grid(), analysis_->rows(),
                          analysis_->columns());
    std::string key;
    append_key(key, hints.mask.data(), hints.mask.size());
    append_key(key, hints.colors.data(), hints.colors.size());
    colored(
        key,
        [&] {
            return analysis_->answer(model().graph("generate"), hints, model().threads(), steps);
        },
        rendering, steps);
}

}  // namespace colordeploy::methods
