// Hatching, screentone and other texture of line art: many small pieces that are one region.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colordeploy::regions {

struct ToneOptions {
    int thin = 9;     // pixels: pieces nowhere wider than twice this may belong to a texture
    int bridge = 9;   // pixels: lines up to so wide lie within it
    int pieces = 16;  // fewer are no texture
};

// Pieces that lie side by side across thin lines, all of them thin, become one region where there
// are many. labels: 0 on lines, 1..K elsewhere; afterwards 1..K', numbered in the order of their
// first pixels. Returns K'.
std::int32_t merge_tones(std::ptrdiff_t height, std::ptrdiff_t width, const ToneOptions& options,
                         std::int32_t* labels);

}  // namespace colordeploy::regions
