#include "graph.hpp"

#include <cmath>

#include "simd.hpp"

namespace colordeploy::propagation {

namespace {

// |a - b|^2 / sigma^2, scaled before it is squared: sigma^2 alone could underflow.
inline double scaled_distance(const double* a, const double* b, std::ptrdiff_t channels,
                              double inverse_sigma) {
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        const double difference = (a[c] - b[c]) * inverse_sigma;
        sum += difference * difference;
    }
    return sum;
}

// Calls visit(direction, y, x, y2, x2) for every 8-neighbour edge inside the picture.
template <typename Visit>
void for_each_local_edge(const Grid& grid, Visit&& visit) {
    for (int d = 0; d < static_cast<int>(kDirections.size()); ++d) {
        for (int y = 0; y < grid.height; ++y) {
            for (int x = 0; x < grid.width; ++x) {
                const int y2 = y + kDirections[d].dy;
                const int x2 = x + kDirections[d].dx;
                if (grid.inside(y2, x2)) visit(d, y, x, y2, x2);
            }
        }
    }
}

// Calls visit(index of the pair, pixel i, pixel j) for every pair of global points.
template <typename Visit>
void for_each_global_pair(const Grid& grid, Visit&& visit) {
    const std::vector<std::int32_t> points = grid.global_pixels();
    for (std::size_t i = 1; i < points.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) visit(pair_index(i, j), points[i], points[j]);
    }
}

}  // namespace

std::vector<std::int32_t> Grid::global_pixels() const {
    std::vector<std::int32_t> points;
    if (global_step <= 0) return points;
    points.reserve(static_cast<std::size_t>(global_points()));
    for (int y = global_step / 2; y < height; y += global_step) {
        for (int x = global_step / 2; x < width; x += global_step) points.push_back(y * width + x);
    }
    return points;
}

COLORDEPLOY_SIMD void local_affinities(const Grid& grid, const View3<const double>& features,
                                       double sigma, double* local) {
    const std::ptrdiff_t plane = grid.pixels();
    const double inverse_sigma = 1.0 / sigma;
    for (std::ptrdiff_t i = 0; i < 4 * plane; ++i) local[i] = 0.0;
    for_each_local_edge(grid, [&](int d, int y, int x, int y2, int x2) {
        local[d * plane + static_cast<std::ptrdiff_t>(y) * grid.width + x] =
            std::exp(-0.5 * scaled_distance(features.pixel(y, x), features.pixel(y2, x2),
                                            features.channels, inverse_sigma));
    });
}

COLORDEPLOY_SIMD void global_affinities(const Grid& grid, const View3<const double>& features,
                                        double sigma, double* global) {
    const double inverse_sigma = 1.0 / sigma;
    const int w = grid.width;
    for_each_global_pair(grid, [&](std::size_t pair, int i, int j) {
        global[pair] = std::exp(-0.5 * scaled_distance(features.pixel(i / w, i % w),
                                                       features.pixel(j / w, j % w),
                                                       features.channels, inverse_sigma));
    });
}

COLORDEPLOY_SIMD AffinityGradient
affinity_gradient(const Grid& grid, const View3<const double>& features, double sigma, double alpha,
                  const double* local, const double* global, const View3<const double>& x,
                  const View3<const double>& adjoint, const View3<double>& grad_features) {
    AffinityGradient result;
    const double inverse_variance = 1.0 / (sigma * sigma);
    auto accumulate = [&](double weight, int ya, int xa, int yb, int xb) {
        if (weight == 0.0) return;
        const double *xa_ = x.pixel(ya, xa), *xb_ = x.pixel(yb, xb);
        const double *la = adjoint.pixel(ya, xa), *lb = adjoint.pixel(yb, xb);
        double product = 0.0;
        for (std::ptrdiff_t k = 0; k < x.channels; ++k)
            product += (la[k] - lb[k]) * (xa_[k] - xb_[k]);
        result.alpha -= weight * product;
        const double grad_exponent = -alpha * product * weight;  // d loss / d log w
        const double *fa = features.pixel(ya, xa), *fb = features.pixel(yb, xb);
        double *ga = grad_features.pixel(ya, xa), *gb = grad_features.pixel(yb, xb);
        const double factor = -grad_exponent * inverse_variance;
        double distance = 0.0;
#pragma omp simd reduction(+ : distance)
        for (std::ptrdiff_t c = 0; c < features.channels; ++c) {
            const double difference = fa[c] - fb[c];
            ga[c] += factor * difference;
            gb[c] -= factor * difference;
            distance += difference * difference;
        }
        result.sigma += grad_exponent * distance * inverse_variance / sigma;
    };
    const std::ptrdiff_t plane = grid.pixels();
    if (local != nullptr) {
        for_each_local_edge(grid, [&](int d, int y, int xx, int y2, int x2) {
            accumulate(local[d * plane + static_cast<std::ptrdiff_t>(y) * grid.width + xx], y, xx,
                       y2, x2);
        });
    }
    if (global != nullptr) {
        const int w = grid.width;
        for_each_global_pair(grid, [&](std::size_t pair, int i, int j) {
            accumulate(global[pair], i / w, i % w, j / w, j % w);
        });
    }
    return result;
}

}  // namespace colordeploy::propagation
