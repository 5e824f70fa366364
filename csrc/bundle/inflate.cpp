#include "inflate.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace colordeploy::bundle {

namespace {

constexpr int LONGEST = 15;  // bits of a code

[[noreturn]] void fail(const char* what) { throw InflateError(what); }

class Bits {
 public:
    explicit Bits(std::string_view data) : data_(data) {}

    std::uint32_t take(int count) {
        while (held_ < count) {
            if (at_ >= data_.size()) fail("its packed data ends too early");
            bits_ |= std::uint64_t{static_cast<unsigned char>(data_[at_++])} << held_;
            held_ += 8;
        }
        const auto value = static_cast<std::uint32_t>(bits_ & ((std::uint64_t{1} << count) - 1));
        bits_ >>= count;
        held_ -= count;
        return value;
    }

    // Whole bytes from the next one on.
    std::string_view bytes(std::size_t count) {
        bits_ >>= held_ % 8;
        held_ -= held_ % 8;
        while (held_ > 0) {  // bytes that were looked at already
            held_ -= 8;
            --at_;
        }
        bits_ = 0;
        if (count > data_.size() - at_) fail("its packed data ends too early");
        at_ += count;
        return data_.substr(at_ - count, count);
    }

 private:
    std::string_view data_;
    std::size_t at_ = 0;
    std::uint64_t bits_ = 0;
    int held_ = 0;
};

// Canonical Huffman codes.
class Code {
 public:
    Code(const std::uint8_t* lengths, int count) {
        for (int i = 0; i < count; ++i) ++counts_[lengths[i]];
        counts_[0] = 0;
        int left = 1;
        for (int length = 1; length <= LONGEST; ++length) {
            left = 2 * left - counts_[length];
            if (left < 0) fail("its packed data has impossible codes");
        }
        std::array<int, LONGEST + 2> begin{};
        for (int length = 1; length <= LONGEST; ++length) {
            begin[length + 1] = begin[length] + counts_[length];
        }
        for (int i = 0; i < count; ++i) {
            if (lengths[i] != 0) symbols_[begin[lengths[i]]++] = static_cast<std::uint16_t>(i);
        }
    }

    int read(Bits& bits) const {
        int code = 0, first = 0, index = 0;
        for (int length = 1; length <= LONGEST; ++length) {
            code |= static_cast<int>(bits.take(1));
            const int count = counts_[length];
            if (code - count < first) return symbols_[index + (code - first)];
            index += count;
            first = 2 * (first + count);
            code *= 2;
        }
        fail("its packed data has a code that there is not");
    }

 private:
    std::array<int, LONGEST + 1> counts_{};
    std::array<std::uint16_t, 288> symbols_{};
};

constexpr std::array<std::uint16_t, 29> LENGTHS{3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                                15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                                67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr std::array<std::uint8_t, 29> LENGTH_BITS{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                   2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr std::array<std::uint16_t, 30> DISTANCES{
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr std::array<std::uint8_t, 30> DISTANCE_BITS{0, 0, 0,  0,  1,  1,  2,  2,  3,  3,
                                                     4, 4, 5,  5,  6,  6,  7,  7,  8,  8,
                                                     9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

class Unpacking {
 public:
    Unpacking(std::string_view packed, std::size_t bytes) : bits_(packed), most_(bytes) {
        out_.reserve(bytes);
    }

    std::string whole() {
        for (bool last = false; !last;) {
            last = bits_.take(1) == 1;
            switch (bits_.take(2)) {
                case 0:
                    stored();
                    break;
                case 1:
                    fixed();
                    break;
                case 2:
                    dynamic();
                    break;
                default:
                    fail("its packed data has a block of an unknown kind");
            }
        }
        if (out_.size() != most_) fail("it is shorter than its archive says");
        return std::move(out_);
    }

 private:
    void room(std::size_t bytes) const {
        if (bytes > most_ - out_.size()) fail("it is longer than its archive says");
    }

    void stored() {
        const std::string_view head = bits_.bytes(4);
        const auto word = [&](std::size_t i) {
            return static_cast<unsigned char>(head[i]) | static_cast<unsigned char>(head[i + 1])
                                                             << 8;
        };
        const int length = word(0);
        if ((length ^ word(2)) != 0xFFFF) fail("its packed data has a block of an odd length");
        room(static_cast<std::size_t>(length));
        out_ += bits_.bytes(static_cast<std::size_t>(length));
    }

    void fixed() {
        std::array<std::uint8_t, 288> lengths;
        std::fill(lengths.begin(), lengths.begin() + 144, std::uint8_t{8});
        std::fill(lengths.begin() + 144, lengths.begin() + 256, std::uint8_t{9});
        std::fill(lengths.begin() + 256, lengths.begin() + 280, std::uint8_t{7});
        std::fill(lengths.begin() + 280, lengths.end(), std::uint8_t{8});
        std::array<std::uint8_t, 30> distances;
        distances.fill(5);
        block(Code(lengths.data(), 288), Code(distances.data(), 30));
    }

    void dynamic() {
        const int literals = static_cast<int>(bits_.take(5)) + 257;
        const int distances = static_cast<int>(bits_.take(5)) + 1;
        const int codes = static_cast<int>(bits_.take(4)) + 4;
        if (literals > 286 || distances > 30) fail("its packed data has too many codes");
        constexpr std::array<std::uint8_t, 19> order{16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                     11, 4,  12, 3, 13, 2, 14, 1, 15};
        std::array<std::uint8_t, 19> short_ones{};
        for (int i = 0; i < codes; ++i) {
            short_ones[order[i]] = static_cast<std::uint8_t>(bits_.take(3));
        }
        const Code code(short_ones.data(), 19);
        std::array<std::uint8_t, 286 + 30> lengths{};
        for (int at = 0; at < literals + distances;) {
            const int symbol = code.read(bits_);
            if (symbol < 16) {
                lengths[at++] = static_cast<std::uint8_t>(symbol);
                continue;
            }
            if (symbol == 16 && at == 0) fail("its packed data repeats nothing");
            const std::uint8_t value = symbol == 16 ? lengths[at - 1] : std::uint8_t{0};
            int times = 0;
            if (symbol == 16) times = 3 + static_cast<int>(bits_.take(2));
            if (symbol == 17) times = 3 + static_cast<int>(bits_.take(3));
            if (symbol == 18) times = 11 + static_cast<int>(bits_.take(7));
            if (at + times > literals + distances) fail("its packed data repeats too much");
            while (times-- > 0) lengths[at++] = value;
        }
        block(Code(lengths.data(), literals), Code(lengths.data() + literals, distances));
    }

    void block(const Code& literals, const Code& distances) {
        for (;;) {
            int symbol = literals.read(bits_);
            if (symbol == 256) return;
            if (symbol < 256) {
                room(1);
                out_.push_back(static_cast<char>(symbol));
                continue;
            }
            symbol -= 257;
            if (symbol >= 29) fail("its packed data has an impossible length");
            const std::size_t length = LENGTHS[symbol] + bits_.take(LENGTH_BITS[symbol]);
            const int far = distances.read(bits_);
            if (far >= 30) fail("its packed data has an impossible distance");
            const std::size_t distance = DISTANCES[far] + bits_.take(DISTANCE_BITS[far]);
            if (distance > out_.size()) fail("its packed data looks back too far");
            room(length);
            const std::size_t from = out_.size() - distance;
            for (std::size_t i = 0; i < length; ++i) out_.push_back(out_[from + i]);
        }
    }

    Bits bits_;
    std::size_t most_;
    std::string out_;
};

}  // namespace

std::string inflate(std::string_view packed, std::size_t bytes) {
    return Unpacking(packed, bytes).whole();
}

}  // namespace colordeploy::bundle
