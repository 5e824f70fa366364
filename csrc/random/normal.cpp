#include "normal.hpp"

#include <array>
#include <bit>
#include <cmath>

namespace colordeploy::random {

namespace {

__extension__ typedef unsigned __int128 Wide;
constexpr Wide wide(std::uint64_t high, std::uint64_t low) { return (Wide{high} << 64) | low; }

// Entropy pool (O'Neill 2015, randutils; numpy.random.SeedSequence).
class SeedSequence {
 public:
    explicit SeedSequence(const std::vector<std::uint32_t>& entropy) {
        std::uint32_t constant = 0x43b0d7e5;
        const auto hashed = [&](std::uint32_t value) {
            value ^= constant;
            constant *= 0x931e8875;
            value *= constant;
            return value ^ (value >> 16);
        };
        const auto mixed = [](std::uint32_t x, std::uint32_t y) {
            const std::uint32_t value = 0xca01f9dd * x - 0x4973f715 * y;
            return value ^ (value >> 16);
        };
        for (std::size_t i = 0; i < pool_.size(); ++i) {
            pool_[i] = hashed(i < entropy.size() ? entropy[i] : 0);
        }
        for (std::size_t from = 0; from < pool_.size(); ++from) {
            for (std::size_t to = 0; to < pool_.size(); ++to) {
                if (from != to) pool_[to] = mixed(pool_[to], hashed(pool_[from]));
            }
        }
        for (std::size_t from = pool_.size(); from < entropy.size(); ++from) {
            for (std::uint32_t& word : pool_) word = mixed(word, hashed(entropy[from]));
        }
    }

    std::array<std::uint64_t, 4> words() const {
        std::uint32_t constant = 0x8b51f9dd;
        std::array<std::uint64_t, 4> result{};
        for (std::size_t i = 0; i < 2 * result.size(); ++i) {
            std::uint32_t value = pool_[i % pool_.size()] ^ constant;
            constant *= 0x58f38ded;
            value *= constant;
            value ^= value >> 16;
            result[i / 2] |= std::uint64_t{value} << (i % 2 * 32);
        }
        return result;
    }

 private:
    std::array<std::uint32_t, 4> pool_{};
};

// PCG XSL-RR 128/64 (O'Neill 2014).
class Generator {
 public:
    explicit Generator(const std::array<std::uint64_t, 4>& words)
        : increment_((wide(words[2], words[3]) << 1) | 1) {
        step();
        state_ += wide(words[0], words[1]);
        step();
    }

    std::uint64_t next() {
        step();
        const auto high = static_cast<std::uint64_t>(state_ >> 64);
        return std::rotr(high ^ static_cast<std::uint64_t>(state_), static_cast<int>(high >> 58));
    }

    double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
    void step() { state_ = state_ * wide(2549297995355413924U, 4865540595714422341U) + increment_; }

    Wide state_ = 0, increment_;
};

constexpr std::size_t LAYERS = 256;
constexpr double EDGE = 3.6541528853610087963519472518;  // where the tail begins
constexpr double AREA = 0.0049286732339746549;           // of each layer, and of the tail's
constexpr double SCALE = 0x1p52;

double density(double x) { return std::exp(-0.5 * x * x); }

// Layers under the bell curve (Marsaglia and Tsang 2000).
struct Layers {
    std::array<std::uint64_t, LAYERS> inside;    // mantissas below lie under the curve for sure
    std::array<double, LAYERS> widths, heights;  // of the layers, widths over SCALE

    Layers() {
        std::array<double, LAYERS> x{};
        x[LAYERS - 1] = EDGE;
        for (std::size_t i = LAYERS - 2; i > 0; --i) {
            x[i] = std::sqrt(-2.0 * std::log(AREA / x[i + 1] + density(x[i + 1])));
        }
        const double base = AREA / density(EDGE);
        for (std::size_t i = 0; i < LAYERS; ++i) {
            const double inner = i == 0 ? EDGE / base : i == 1 ? 0.0 : x[i - 1] / x[i];
            inside[i] = static_cast<std::uint64_t>(inner * SCALE);
            widths[i] = (i == 0 ? base : x[i]) / SCALE;
            heights[i] = i == 0 ? 1.0 : density(x[i]);
        }
    }
};

double drawn(Generator& generator) {
    static const Layers layers;
    for (;;) {
        const std::uint64_t bits = generator.next();
        const std::size_t layer = bits & 0xff;
        const std::uint64_t mantissa = (bits >> 9) & 0x000fffffffffffff;
        const double size = static_cast<double>(mantissa) * layers.widths[layer];
        const double x = (bits >> 8 & 1) != 0 ? -size : size;
        if (mantissa < layers.inside[layer]) return x;
        if (layer > 0) {
            const double between = layers.heights[layer - 1] - layers.heights[layer];
            if (between * generator.uniform() + layers.heights[layer] < density(x)) return x;
            continue;
        }
        for (;;) {  // the tail
            const double beyond = -std::log1p(-generator.uniform()) / EDGE;
            const double other = -std::log1p(-generator.uniform());
            if (other + other > beyond * beyond) {
                return (mantissa >> 8 & 1) != 0 ? -(EDGE + beyond) : EDGE + beyond;
            }
        }
    }
}

}  // namespace

std::vector<float> normal(const std::vector<std::uint32_t>& seed, std::size_t n) {
    Generator generator(SeedSequence(seed).words());
    std::vector<float> result(n);
    for (float& value : result) value = static_cast<float>(drawn(generator));
    return result;
}

std::vector<float> normal(std::uint64_t seed, std::size_t n) {
    std::vector<std::uint32_t> words{static_cast<std::uint32_t>(seed)};
    if (seed >> 32 != 0) words.push_back(static_cast<std::uint32_t>(seed >> 32));
    return normal(words, n);
}

}  // namespace colordeploy::random
