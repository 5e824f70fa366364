// Lloyd's k-means, the same bits on every machine: all sums run in one order, in double precision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace colordeploy::clustering {

struct KMeansOptions {
    int rounds = 20;          // at most
    double tolerance = 1e-4;  // ends when the summed movement of the centres, squared, is below
};

// k different numbers below n, in random order; depends on the seed alone.
std::vector<std::int64_t> choose(std::int64_t n, std::int64_t k, std::uint64_t seed);

// points: n x dimensions, row-major. centres: k x dimensions, start and result: the means of the
// clusters. labels: nearest centre (the first of equally near ones) of the round before that last
// update, as in DISCO's implementation. A cluster left empty takes the point farthest from its
// centre.
void kmeans(const double* points, std::ptrdiff_t n, std::ptrdiff_t dimensions, std::ptrdiff_t k,
            const KMeansOptions& options, double* centres, std::int32_t* labels);

}  // namespace colordeploy::clustering
