#include "photo.hpp"

#include <algorithm>
#include <cmath>

#include "../color/resample.hpp"

namespace colordeploy::pictures {

namespace {

constexpr float HUNDRED = 100.0F;  // CIE L of white

std::vector<float> clipped(std::vector<float> values, float highest) {
    for (float& value : values) value = std::clamp(value, 0.0F, highest);
    return values;
}

}  // namespace

Size working_shape(Size picture, const WorkingSize& wanted, std::ptrdiff_t standard,
                   bool enlarged) {
    if (!wanted)
        return color::working_size(picture, standard, {.bounded = true, .enlarged = enlarged});
    return *wanted == 0 ? picture : color::working_size(picture, *wanted, {});
}

Size preview_shape(Size picture, std::ptrdiff_t short_side) {
    return color::working_size(picture, short_side, {});
}

Photo::Photo(const Image& image, Size working, Space space, int threads, const CancelFlag* cancel)
    : size_{image.rows, image.columns}, working_size_(working), space_(space), threads_(threads) {
    lightness_ = space == Space::luma ? luma_of(image, threads, cancel)
                                      : lightness_of(image, threads, cancel);
    working_.resize(static_cast<std::size_t>(working_size_.rows * working_size_.columns));
    const Plane<float> result{working_.data(), working_size_.rows, working_size_.columns,
                              working_size_.columns, 1};
    color::resize(lightness(), result, threads, cancel);
    working_ = clipped(std::move(working_), space == Space::luma ? 1.0F : HUNDRED);
    if (space == Space::lab) {
        for (float& value : lightness_) value /= HUNDRED;
    }
}

std::size_t Photo::bytes() const {
    const std::lock_guard lock(mutex_);
    const std::size_t values = lightness_.size() + working_.size() +
                               (preview_ == nullptr ? 0 : preview_->lightness.size());
    return values * sizeof(float);
}

NetworkInput Photo::network_input(std::ptrdiff_t multiple) const {
    const auto whole = [&](std::ptrdiff_t side) {
        return (side + multiple - 1) / multiple * multiple;
    };
    NetworkInput input{{}, {whole(working_size_.rows), whole(working_size_.columns)}};
    input.values.reserve(static_cast<std::size_t>(input.size.rows * input.size.columns));
    for (std::ptrdiff_t y = 0; y < input.size.rows; ++y) {
        for (std::ptrdiff_t x = 0; x < input.size.columns; ++x) {
            const float value = working().at(std::min(y, working_size_.rows - 1),
                                             std::min(x, working_size_.columns - 1));
            input.values.push_back(space_ == Space::lab ? (value - 50.0F) / 50.0F : value);
        }
    }
    return input;
}

ChromaLayer Photo::layer(const std::vector<float>& chroma) const {
    std::vector<float> scaled = chroma, light = working_;
    if (space_ == Space::lab) {
        for (float& value : scaled) value /= color::AB_SCALE;
        for (float& value : light) value /= HUNDRED;
    }
    const Channels<const float> pairs{
        scaled.data(), working_size_.rows, working_size_.columns, 2 * working_size_.columns, 2, 1};
    const auto slopes = lost_detail() ? std::optional(color::Slopes{}) : std::nullopt;
    return {pairs, plane(light, working_size_), space_, slopes};
}

void Photo::compose(const ChromaLayer& layer, const Rendering& rendering,
                    const CancelFlag* cancel) const {
    std::shared_ptr<const Preview> preview;
    Plane<const float> light = lightness();
    if (!(rendering.shape == size_)) {
        preview = reduced(rendering.shape, cancel);
        light = plane(preview->lightness, preview->size);
    }
    color::compose(layer, light, rendering.part, {rendering.saturation}, rendering.target, threads_,
                   cancel);
}

std::shared_ptr<const Photo::Preview> Photo::reduced(Size shape, const CancelFlag* cancel) const {
    {
        const std::lock_guard lock(mutex_);
        if (preview_ != nullptr && preview_->size == shape) return preview_;
    }
    std::vector<float> values(static_cast<std::size_t>(shape.rows * shape.columns));
    const Plane<float> result{values.data(), shape.rows, shape.columns, shape.columns, 1};
    color::resample(lightness(), result, threads_, cancel);
    auto made = std::make_shared<const Preview>(Preview{shape, clipped(std::move(values), 1.0F)});
    const std::lock_guard lock(mutex_);
    preview_ = made;
    return made;
}

}  // namespace colordeploy::pictures
