// Rows of a picture that lines are drawn on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "constraints.hpp"

namespace colordeploy::strokes {

// Which line each pixel of a row belongs to, one row after another.
class LineRow {
 public:
    LineRow(const std::vector<Line>& lines, std::ptrdiff_t columns);

    // Draws the row; later lines lie over earlier ones.
    void draw(std::ptrdiff_t y);
    // The columns that lines may have: of others nothing is told.
    std::ptrdiff_t begin() const { return begin_; }
    std::ptrdiff_t end() const { return end_; }
    // Index of the line, or -1.
    std::int32_t operator[](std::ptrdiff_t x) const { return owners_[x]; }

 private:
    struct Rows {
        double first, last;
    };

    const std::vector<Line>* lines_;
    std::vector<Rows> reach_;  // of each line: in other rows it need not be looked at
    std::ptrdiff_t columns_, begin_ = 0, end_ = 0;
    std::vector<std::int32_t> owners_;
};

}  // namespace colordeploy::strokes
