// Pictures of given lightness and chroma: any part of them, into the caller's memory.
//
// A colour outside of sRGB keeps its lightness (luma, in that space) and its hue, and loses chroma
// until it fits. In CIE Lab half a level of eight bits outside is forgiven, which fades to nothing
// within eight units of L of black and white: white stays white and black stays black. Chroma that
// is not finite counts as none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "../cancel.hpp"
#include "../view.hpp"
#include "guided.hpp"
#include "output.hpp"
#include "rows.hpp"

namespace colordeploy::color {

struct Look {
    float saturation = 1.0F;  // chroma times this, 0 to 2
    // Two channels of the lightness' size, in the units of the chroma, which is added to them.
    std::optional<Channels<const float>> base = std::nullopt;
};

// The part of the picture whose lightness this is, in [0, 1] (others are clipped), coloured by
// `chroma`; bit for bit what the whole picture has there. Throws std::invalid_argument, and
// Cancelled when the flag (may be null) is set before the end.
void compose(const GuidedChroma& chroma, const Plane<const float>& lightness, const Rectangle& part,
             const Look& look, const Target& target, int threads, const CancelFlag* cancel);

// n lightnesses in [0, 100] (others are clipped) and pairs of a and b to sRGB triples.
void compose_lab(const float* lightness, const float* ab, std::ptrdiff_t n, std::uint8_t* rgb);

}  // namespace colordeploy::color
