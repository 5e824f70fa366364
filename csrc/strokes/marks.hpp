// Which pixels of a layer are marks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../cancel.hpp"
#include "../view.hpp"

namespace colordeploy::strokes {

struct Run {
    std::int32_t begin, end;  // columns
    std::uint8_t alpha;       // of all of its pixels
    bool marked;
};

// Runs of visible pixels, row by row.
struct Runs {
    std::vector<Run> runs;
    std::vector<std::ptrdiff_t> rows;  // where each row's begin, and the end
};

// Fainter alpha is invisible: no mark, whatever lies around.
constexpr std::uint8_t FAINTEST = 4;

// A pixel is marked where its alpha is at least half of the largest of its own stroke: of all that
// is connected with it (eight neighbours) through pixels of at least half its alpha. So soft rims
// carry no colour, pale brushes mark, and a veil over the whole layer joins nothing.
Runs marks_of(const Channels<const std::uint8_t>& rgba, int threads, const CancelFlag* cancel);

// Whether the layer's colours are multiplied by alpha, as many editors keep them: no colour is
// lighter than its alpha, faint rims included. (Colours of rims that are not are as light as the
// stroke's; where there is no rim nothing tells, and nothing is assumed.)
bool premultiplied(const Channels<const std::uint8_t>& rgba, const Runs& all);

}  // namespace colordeploy::strokes
