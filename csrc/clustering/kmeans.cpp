#include "kmeans.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "../isa/isa.hpp"
#include "distance.hpp"

namespace colordeploy::clustering {

COLORDEPLOY_DECLARE_TABLES(DistanceTable, distance_table)

namespace {

// SplitMix64 (Steele, Lea and Flood 2014).
class Random {
 public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    // Below n, without bias.
    std::uint64_t below(std::uint64_t n) {
        const std::uint64_t limit = std::numeric_limits<std::uint64_t>::max() -
                                    std::numeric_limits<std::uint64_t>::max() % n;
        std::uint64_t value = next();
        while (value >= limit) value = next();
        return value % n;
    }

 private:
    std::uint64_t state_;
};

}  // namespace

std::vector<std::int64_t> choose(std::int64_t n, std::int64_t k, std::uint64_t seed) {
    std::vector<std::int64_t> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    Random random(seed);
    for (std::int64_t i = 0; i < k; ++i) {
        const auto j =
            i + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n - i)));
        std::swap(all[static_cast<std::size_t>(i)], all[static_cast<std::size_t>(j)]);
    }
    all.resize(static_cast<std::size_t>(k));
    return all;
}

void kmeans(const double* points, std::ptrdiff_t n, std::ptrdiff_t dimensions, std::ptrdiff_t k,
            const KMeansOptions& options, double* centres, std::int32_t* labels) {
    const auto squared_distance = COLORDEPLOY_CHOOSE_TABLE(distance_table).squared;
    std::vector<double> sums(static_cast<std::size_t>(k * dimensions));
    std::vector<double> distances(static_cast<std::size_t>(n));
    std::vector<std::ptrdiff_t> counts(static_cast<std::size_t>(k));
    for (int round = 0; round < options.rounds; ++round) {
        std::fill(sums.begin(), sums.end(), 0.0);
        std::fill(counts.begin(), counts.end(), 0);
        for (std::ptrdiff_t i = 0; i < n; ++i) {
            const double* point = points + i * dimensions;
            double best = std::numeric_limits<double>::infinity();
            std::ptrdiff_t label = 0;
            for (std::ptrdiff_t c = 0; c < k; ++c) {
                const double d = squared_distance(point, centres + c * dimensions, dimensions);
                if (d < best) {
                    best = d;
                    label = c;
                }
            }
            labels[i] = static_cast<std::int32_t>(label);
            distances[static_cast<std::size_t>(i)] = best;
            ++counts[static_cast<std::size_t>(label)];
            double* sum = sums.data() + label * dimensions;
            for (std::ptrdiff_t d = 0; d < dimensions; ++d) sum[d] += point[d];
        }
        double moved = 0.0;
        for (std::ptrdiff_t c = 0; c < k; ++c) {
            double* mean = sums.data() + c * dimensions;
            const std::ptrdiff_t count = counts[static_cast<std::size_t>(c)];
            if (count > 0) {
                for (std::ptrdiff_t d = 0; d < dimensions; ++d) {
                    mean[d] /= static_cast<double>(count);
                }
            } else {
                const auto farthest = std::max_element(distances.begin(), distances.end());
                *farthest = 0.0;  // another empty cluster takes another point
                std::copy_n(points + (farthest - distances.begin()) * dimensions, dimensions, mean);
            }
            moved += std::sqrt(squared_distance(mean, centres + c * dimensions, dimensions));
        }
        std::copy(sums.begin(), sums.end(), centres);
        if (moved * moved < options.tolerance) break;
    }
}

}  // namespace colordeploy::clustering
