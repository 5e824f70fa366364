// Chroma at a working size, prepared to follow the edges of full-size lightness.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "../view.hpp"
#include "rows.hpp"

namespace colordeploy::color {

// How chroma follows the lightness in the windows of the working size.
struct Slopes {
    int radius = 1;         // half a window's side
    double epsilon = 1e-3;  // regularization: windows of less variance count as flat
    double power = 8.0;     // of r^2, which weights a window
    // Variances below which a correlation means nothing.
    double flat_light = 1e-6, flat_chroma = 1e-4;
};

// Fitted once, composed as often as wanted (compose.hpp); never changes afterwards.
class GuidedChroma {
 public:
    // chroma: two channels, of lightness' size, finite or counted as 0. Without slopes the chroma
    // is enlarged without a look at the lightness.
    GuidedChroma(const Channels<const float>& chroma, const Plane<const float>& lightness,
                 Space space, const std::optional<Slopes>& slopes);

    std::ptrdiff_t rows() const { return rows_; }
    std::ptrdiff_t columns() const { return columns_; }
    Space space() const { return space_; }
    bool sloped() const { return sloped_; }
    std::size_t bytes() const { return planes_.size() * sizeof(float); }
    // Chroma (0, 1), slope (2, 3), lightness (4): rows * columns each.
    const float* plane(int index) const { return planes_.data() + index * rows_ * columns_; }

 private:
    void fit(const Slopes& slopes);

    std::ptrdiff_t rows_, columns_;
    Space space_;
    bool sloped_;
    std::vector<float> planes_;
};

}  // namespace colordeploy::color
