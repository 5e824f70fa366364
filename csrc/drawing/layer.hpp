// The lines of a drawing in memory of their own, to be laid over colours.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../cancel.hpp"
#include "../unfilled.hpp"
#include "compose.hpp"

namespace colordeploy::drawing {

struct LineLayer {
    std::ptrdiff_t rows, columns;
    UnfilledVector<std::uint8_t> opacity;  // ink of that opacity over white is the drawing
    UnfilledVector<std::uint8_t> ink;      // its colour, triples; none: black

    // Looks at this layer.
    Lines view() const;
    std::size_t bytes() const { return opacity.size() + ink.size(); }
};

// The ink taken off white paper. values: rows * columns times `channels` (1 or 3), floats in [0, 1]
// or bytes. Ink that is black but for rounding is black.
template <typename T>
LineLayer line_layer(const T* values, std::ptrdiff_t rows, std::ptrdiff_t columns, int channels,
                     int threads);

// At another size: as pictures are resampled; in colour the drawing on white paper is made small
// and taken apart again. Throws Cancelled.
LineLayer resampled(const Lines& lines, std::ptrdiff_t rows, std::ptrdiff_t columns, int threads,
                    const CancelFlag* cancel);

}  // namespace colordeploy::drawing
