// A picture that colours are taken from, as its encoder sees it.
#pragma once

#include <cstddef>
#include <vector>

#include "../cancel.hpp"
#include "../view.hpp"

namespace colordeploy::references {

struct Working {
    std::vector<float> rgb;     // sRGB triples in [0, 1] at the working size
    std::vector<float> planes;  // three of the padded size: L, a and b about within [-1, 1]
    float chroma;               // the largest of a pixel, in ab units
};

// A reference whose every pixel has less chroma, in ab units, has no colour to take.
constexpr float LEAST_CHROMA = 2.0F;

// samples: three channels, floats in [0, 1] or bytes. The planes' sides are filled up to whole
// multiples of `multiple` by repeating the edge.
template <typename T>
Working working(const Channels<const T>& samples, std::ptrdiff_t rows, std::ptrdiff_t columns,
                std::ptrdiff_t multiple, int threads, const CancelFlag* cancel);

}  // namespace colordeploy::references
