// Sets of pixels, sixty-four to a word.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace colordeploy::regions {

using Index = std::ptrdiff_t;
using Word = std::uint64_t;
constexpr Index kBits = 64;

// A set of pixels, one bit each; rows are padded to whole words, and outside is not in the set.
class BitPlane {
 public:
    BitPlane(Index height, Index width)
        : words_((width + kBits - 1) / kBits), bits_(words_ * height, 0) {}

    Index words() const { return words_; }
    Word* row(Index y) { return bits_.data() + y * words_; }
    const Word* row(Index y) const { return bits_.data() + y * words_; }

 private:
    Index words_;
    std::vector<Word> bits_;
};

// The pixels whose bytes are not zero, or those whose are.
inline BitPlane plane_of(const std::uint8_t* bytes, Index height, Index width, bool marked) {
    BitPlane plane(height, width);
    for (Index y = 0; y < height; ++y) {
        for (Index i = 0; i < plane.words(); ++i) {
            const std::uint8_t* first = bytes + y * width + i * kBits;
            const Index count = std::min(kBits, width - i * kBits);
            Word word = 0;
            for (Index k = 0; k < count; ++k) word |= Word{(first[k] != 0) == marked} << k;
            plane.row(y)[i] = word;
        }
    }
    return plane;
}

// Calls visit(begin, end) for the runs of bits that are set.
template <typename Visit>
void for_runs(Word word, const Visit& visit) {
    for (int begin = 0, end = 0; end < kBits; begin = end) {
        begin += std::countr_zero(word >> begin);
        if (begin >= kBits) return;
        end = begin + std::countr_one(word >> begin);
        visit(begin, end);
    }
}

// Pixels of a row whose neighbour `by` to the right (left if negative) is in the set, |by| < 64.
inline void shifted(const Word* row, Index words, int by, Word* out) {
    for (Index i = 0; i < words; ++i) {
        if (by > 0) {
            const Word next = i + 1 < words ? row[i + 1] : 0;
            out[i] = (row[i] >> by) | (next << (kBits - by));
        } else {
            const Word before = i > 0 ? row[i - 1] : 0;
            out[i] = by == 0 ? row[i] : (row[i] << -by) | (before >> (kBits + by));
        }
    }
}

}  // namespace colordeploy::regions
