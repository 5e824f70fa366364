// A coloured picture that strokes mend: its luma and chroma, of which only the latter changes.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "image.hpp"
#include "photo.hpp"

namespace colordeploy::pictures {

class Base {
 public:
    struct Planes {
        Size size;
        std::vector<float> luma, chroma;  // in [0, 1]; pairs of U and V

        Plane<const float> light() const { return Photo::plane(luma, size); }
        Channels<const float> pairs() const {
            return {chroma.data(), size.rows, size.columns, 2 * size.columns, 2, 1};
        }
    };

    // A coloured picture of the photo's size, which keeps its own luma. Throws InputError,
    // Cancelled.
    Base(const Image& image, const Photo& photo, const CancelFlag* cancel);
    // CIE a and b in floats, which get the photo's own lightness; the photo is in luma.
    Base(const Channels<const float>& ab, const Photo& photo, const CancelFlag* cancel);

    std::size_t bytes() const;

    // At a working size, and at a preview's or its own.
    std::shared_ptr<const Planes> reduced(Size shape, const CancelFlag* cancel) const;
    std::shared_ptr<const Planes> preview(Size shape, const CancelFlag* cancel) const;

 private:
    void set(const std::vector<float>& rgb, Size size);

    int threads_;
    std::shared_ptr<const Planes> whole_;
    mutable std::mutex mutex_;
    mutable std::shared_ptr<const Planes> reduced_, preview_;  // the last ones
};

}  // namespace colordeploy::pictures
