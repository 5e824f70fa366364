#include "base.hpp"

#include <algorithm>
#include <cmath>

#include "../color/chroma.hpp"
#include "../color/lightness.hpp"
#include "../color/resample.hpp"
#include "../errors.hpp"
#include "../text.hpp"

namespace colordeploy::pictures {

namespace {

void require_size(std::ptrdiff_t rows, std::ptrdiff_t columns, const Photo& photo) {
    const Size size = photo.size();
    if (rows == size.rows && columns == size.columns) return;
    throw InputError(
        text("the base is %tdx%td pixels, but the picture is %tdx%td; give a coloured "
             "version of the same size",
             columns, rows, size.columns, size.rows));
}

// Each plane of a picture at another size, by `resize(source, result)`.
template <typename Resize>
std::shared_ptr<const Base::Planes> resized(const Base::Planes& whole, Size shape,
                                            const Resize& resize) {
    const auto pixels = static_cast<std::size_t>(shape.rows * shape.columns);
    auto planes = std::make_shared<Base::Planes>(
        Base::Planes{shape, std::vector<float>(pixels), std::vector<float>(2 * pixels)});
    resize(whole.light(),
           Plane<float>{planes->luma.data(), shape.rows, shape.columns, shape.columns, 1});
    for (int c = 0; c < 2; ++c) {
        resize(Plane<const float>{whole.chroma.data() + c, whole.size.rows, whole.size.columns,
                                  2 * whole.size.columns, 2},
               Plane<float>{planes->chroma.data() + c, shape.rows, shape.columns, 2 * shape.columns,
                            2});
    }
    for (float& value : planes->luma) value = std::clamp(value, 0.0F, 1.0F);
    return planes;
}

}  // namespace

Base::Base(const Image& image, const Photo& photo, const CancelFlag* cancel)
    : threads_(photo.threads()) {
    require_size(image.rows, image.columns, photo);
    set(rgb_of(image, threads_, cancel), photo.size());
}

Base::Base(const Channels<const float>& ab, const Photo& photo, const CancelFlag* cancel)
    : threads_(photo.threads()) {
    require_size(ab.rows, ab.columns, photo);
    const auto pixels = static_cast<std::size_t>(ab.rows * ab.columns);
    std::vector<float> light(pixels), pairs;
    pairs.reserve(2 * pixels);
    bool finite = true;
    for (std::ptrdiff_t y = 0; y < ab.rows; ++y) {
        for (std::ptrdiff_t x = 0; x < ab.columns; ++x) {
            for (int c = 0; c < 2; ++c) {
                pairs.push_back(ab.at(y, x, c));
                finite = finite && std::isfinite(pairs.back());
            }
        }
    }
    if (!finite) {
        throw InputError("a base of CIE a and b holds NaN or infinite values; replace them");
    }
    throw_if_set(cancel);
    const auto count = static_cast<std::ptrdiff_t>(pixels);
    color::lightness_of_gray(photo.lightness().data, count, threads_, light.data());
    std::vector<std::uint8_t> bytes(3 * pixels);
    color::compose_lab(light.data(), pairs.data(), count, bytes.data());
    std::vector<float> rgb(3 * pixels);
    for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] = static_cast<float>(bytes[i]) / 255.0F;
    set(rgb, photo.size());
}

void Base::set(const std::vector<float>& rgb, Size size) {
    const std::size_t pixels = rgb.size() / 3;
    auto planes = std::make_shared<Planes>(
        Planes{size, std::vector<float>(pixels), std::vector<float>(2 * pixels)});
    const auto count = static_cast<std::ptrdiff_t>(pixels);
    color::luma_of(rgb.data(), count, threads_, planes->luma.data());
    color::chroma_of(rgb.data(), count, threads_, planes->chroma.data());
    whole_ = std::move(planes);
}

std::size_t Base::bytes() const {
    const std::lock_guard lock(mutex_);
    std::size_t values = 0;
    for (const auto& planes : {whole_, reduced_, preview_}) {
        if (planes != nullptr) values += planes->luma.size() + planes->chroma.size();
    }
    return values * sizeof(float);
}

std::shared_ptr<const Base::Planes> Base::reduced(Size shape, const CancelFlag* cancel) const {
    if (shape == whole_->size) return whole_;
    {
        const std::lock_guard lock(mutex_);
        if (reduced_ != nullptr && reduced_->size == shape) return reduced_;
    }
    auto made = resized(*whole_, shape, [&](const auto& source, const auto& result) {
        color::resize(source, result, threads_, cancel);
    });
    const std::lock_guard lock(mutex_);
    return reduced_ = made;
}

std::shared_ptr<const Base::Planes> Base::preview(Size shape, const CancelFlag* cancel) const {
    if (shape == whole_->size) return whole_;
    {
        const std::lock_guard lock(mutex_);
        if (preview_ != nullptr && preview_->size == shape) return preview_;
    }
    auto made = resized(*whole_, shape, [&](const auto& source, const auto& result) {
        color::resample(source, result, threads_, cancel);
    });
    const std::lock_guard lock(mutex_);
    return preview_ = made;
}

}  // namespace colordeploy::pictures
