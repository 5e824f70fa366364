// Coloured drawings: any part of them, into the caller's memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../cancel.hpp"
#include "../color/output.hpp"
#include "../view.hpp"

namespace colordeploy::drawing {

// What varies within regions: colours less their region's, enlarged bilinearly. Where `ground` (a
// label for each of the colours) is 0 nothing varies.
// Colours and the region of each; what is shaded is their difference to their region's colour in
// `reference` (count triples), at most as large as the region's limit. Null: the palette, no limit.
struct Shading {
    Channels<const float> colors;
    Plane<const std::int32_t> ground;
    const float* reference;
    const float* limits;
    std::ptrdiff_t count;  // of the reference's colours and of the limits
};

// Lines over the colours; ink is black where it has no data.
struct Lines {
    Plane<const std::uint8_t> opacity;
    Channels<const std::uint8_t> ink;
};

// Part of the picture: each label's colour (count triples in [0, 1]), shading added, chroma times
// `saturation` at the same luma, under the lines. `shading` and `lines` may be null. Throws
// std::out_of_range for labels that are not below count, std::invalid_argument, and Cancelled when
// the flag (may be null) is set before the end.
void compose_drawing(const float* palette, std::ptrdiff_t count,
                     const Plane<const std::int32_t>& labels, const Shading* shading,
                     const Lines* lines, const Rectangle& part, float saturation,
                     const color::Target& target, int threads, const CancelFlag* cancel);

}  // namespace colordeploy::drawing
