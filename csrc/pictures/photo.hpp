// A photo at two sizes: its own, where pixels are made, and the working one, where colours are.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "../cancel.hpp"
#include "../color/compose.hpp"
#include "../color/guided.hpp"
#include "../color/resize.hpp"
#include "image.hpp"

namespace colordeploy::pictures {

using color::Size;
using color::Space;

// Short side at which colours are computed: nothing is the model's, 0 the picture's own.
using WorkingSize = std::optional<std::ptrdiff_t>;
// The model's also brings smaller pictures up to it, for networks that know things at one size.
Size working_shape(Size picture, const WorkingSize& wanted, std::ptrdiff_t standard,
                   bool enlarged = false);
// Of a preview, never enlarged.
Size preview_shape(Size picture, std::ptrdiff_t short_side);

// Which pixels of a result are wanted, and where they go.
struct Rendering {
    Size shape;  // of the whole result: the picture's own or a preview's
    Rectangle part;
    float saturation;
    color::Target target;
};

// What a network sees: one plane, sides padded to multiples by the edge.
struct NetworkInput {
    std::vector<float> values;
    Size size;
};

// Colours of a photo for one guidance, at the working size, ready to be composed.
using ChromaLayer = color::GuidedChroma;

class Photo {
 public:
    // Throws InputError, Cancelled.
    Photo(const Image& image, Size working, Space space, int threads, const CancelFlag* cancel);

    Size size() const { return size_; }
    Size working_size() const { return working_size_; }
    // Whether the working size is smaller: only then was detail lost that chroma can follow.
    bool lost_detail() const {
        return working_size_.rows < size_.rows || working_size_.columns < size_.columns;
    }
    Space space() const { return space_; }
    int threads() const { return threads_; }
    std::size_t bytes() const;

    // What the result keeps: luma, or a hundredth of CIE L, in [0, 1].
    Plane<const float> lightness() const { return plane(lightness_, size_); }
    // The same at the working size, as networks are trained on it: luma in [0, 1], L in [0, 100].
    Plane<const float> working() const { return plane(working_, working_size_); }

    // Luma as it is; CIE L as (L - 50) / 50.
    NetworkInput network_input(std::ptrdiff_t multiple) const;

    // Pairs at the working size, U and V or CIE a and b, ready to be composed.
    ChromaLayer layer(const std::vector<float>& chroma) const;

    // Makes the wanted pixels. Throws Cancelled.
    void compose(const ChromaLayer& layer, const Rendering& rendering,
                 const CancelFlag* cancel) const;

    static Plane<const float> plane(const std::vector<float>& values, Size size) {
        return {values.data(), size.rows, size.columns, size.columns, 1};
    }

 private:
    struct Preview {
        Size size;
        std::vector<float> lightness;
    };
    std::shared_ptr<const Preview> reduced(Size shape, const CancelFlag* cancel) const;

    Size size_, working_size_;
    Space space_;
    int threads_;
    std::vector<float> lightness_, working_;
    mutable std::mutex mutex_;
    mutable std::shared_ptr<const Preview> preview_;  // the last one: previews come in rows
};

}  // namespace colordeploy::pictures
