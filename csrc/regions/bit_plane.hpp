// Sets of pixels, sixty-four to a word.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

// Which of up to sixty-four bytes are not zero: the first is the lowest bit.
inline Word bits_of(const std::uint8_t* bytes, Index count) {
    Word word = 0;
    Index k = 0;
    if constexpr (std::endian::native == std::endian::little) {
        for (; k + 8 <= count; k += 8) {
            constexpr Word LOW = 0x7F7F7F7F7F7F7F7F;
            Word eight = 0;
            std::memcpy(&eight, bytes + k, sizeof(eight));
            const Word marks = ((((eight & LOW) + LOW) | eight) & ~LOW) >> 7;  // 1 for each byte
            word |= (marks * 0x0102040810204080) >> 56 << k;  // eight bits side by side
        }
    }
    for (; k < count; ++k) word |= Word{bytes[k] != 0} << k;
    return word;
}

// The lowest bits, so many of sixty-four.
inline Word lowest(Index count) { return count < kBits ? ~(~Word{0} << count) : ~Word{0}; }

// The pixels whose bytes are not zero, or those whose are.
inline BitPlane plane_of(const std::uint8_t* bytes, Index height, Index width, bool marked) {
    BitPlane plane(height, width);
    for (Index y = 0; y < height; ++y) {
        for (Index i = 0; i < plane.words(); ++i) {
            const Index count = std::min(kBits, width - i * kBits);
            const Word word = bits_of(bytes + y * width + i * kBits, count);
            plane.row(y)[i] = marked ? word : ~word & lowest(count);
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
