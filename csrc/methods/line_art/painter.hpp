// What turns a drawing, a style and hints into colours: one colour a region, by a transformer over
// the regions of a drawing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../../regions/hints.hpp"
#include "drawing.hpp"

namespace colordeploy::methods {

struct RegionNetwork {
    int multiple;  // of the sides that the encoder sees
    // The short side that it was trained at: larger drawings are reduced to that, since lines of
    // another width and shapes beyond its reach tell it less.
    int most;
};

// Colours of regions, triples.
using Palette = std::vector<float>;

// A palette of all regions with the hints' colours in their rows, and rows for the parts of divided
// regions below them, in RegionDivider's order.
Palette with_hints(const Palette& base, const regions::Hints& hints);

// A drawing whose regions have been described. Safe to use from several threads.
class RegionPainter {
 public:
    // Throws BackendError, Cancelled.
    RegionPainter(const Drawing& drawing, const RegionNetwork& network, const Model& model,
                  const Steps& steps);

    const std::vector<float>& style() const { return style_; }  // predicted, of unit mean square

    // Of all labels, 0 included, which is black. hints: null for none. Throws BackendError,
    // Cancelled.
    Palette paint(const std::vector<float>& code, const regions::Hints* hints,
                  const Steps& steps) const;

    std::size_t bytes() const;

 private:
    void describe(const Drawing& drawing, const RegionNetwork& network, const Steps& steps);

    const Model& model_;    // outlives it
    std::ptrdiff_t count_;  // of regions; a drawing of lines alone has one without a pixel
    std::ptrdiff_t labels_;
    std::vector<float> style_, geometry_, borders_;
    runtime::Tensor tokens_, whole_;
};

}  // namespace colordeploy::methods
