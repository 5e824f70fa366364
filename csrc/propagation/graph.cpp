#include "graph.hpp"

#include <algorithm>
#include <utility>

#include "../crew.hpp"
#include "../simd.hpp"
#include "kernels.hpp"

namespace colordeploy::propagation {

namespace {

// Members of a crew for so many multiplications: starting a thread costs as much as two million.
int worthwhile(int threads, std::ptrdiff_t operations) {
    return static_cast<int>(
        std::clamp<std::ptrdiff_t>(1 + operations / 2'000'000, 1, std::max(threads, 1)));
}

// Channels of `n` pixels, one plane a channel: so the kernels take eight pixels at a time.
template <typename T>
void to_planes(const T* pixel, std::ptrdiff_t pixel_stride, std::ptrdiff_t channels,
               std::ptrdiff_t n, double* planes, std::ptrdiff_t plane_stride) {
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        for (std::ptrdiff_t c = 0; c < channels; ++c) {
            planes[c * plane_stride + i] = pixel[i * pixel_stride + c];
        }
    }
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

template <typename T>
void local_affinities(const Grid& grid, const View3<const T>& features, double sigma, int threads,
                      const CancelFlag* cancel, double* local) {
    const std::ptrdiff_t width = grid.width, channels = features.channels;
    const std::size_t planes = static_cast<std::size_t>(width * channels);
    const double inverse_sigma = 1.0 / sigma;  // before squaring: sigma^2 alone could underflow
    threads = worthwhile(threads, 4 * grid.pixels() * channels);
    std::vector<std::vector<double>> rows(2 * static_cast<std::size_t>(threads),
                                          std::vector<double>(planes));
    run_crew(threads, cancel, [&](Member& member) {
        double* above = rows[static_cast<std::size_t>(2 * member.rank())].data();
        double* below = rows[static_cast<std::size_t>(2 * member.rank() + 1)].data();
        constexpr std::ptrdiff_t kRowsOfPiece = 16;
        const auto convert = [&](std::ptrdiff_t y, double* target) {
            to_planes(features.pixel(y, 0), features.column_stride, channels, width, target, width);
        };
        member.share(grid.height, kRowsOfPiece, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
            convert(begin, above);
            for (std::ptrdiff_t y = begin; y < end; ++y) {
                if (y + 1 < grid.height) convert(y + 1, below);
                for (std::size_t d = 0; d < kDirections.size(); ++d) {
                    const auto [dy, dx] = kDirections[d];
                    double* out =
                        local + (static_cast<std::ptrdiff_t>(d) * grid.height + y) * width;
                    const std::ptrdiff_t first = dx < 0 ? 1 : 0;
                    const std::ptrdiff_t count = dx == 0 ? width : width - 1;
                    if (dx != 0) out[dx < 0 ? 0 : width - 1] = 0.0;
                    if (dy > 0 && y + 1 == grid.height) {
                        std::fill_n(out, width, 0.0);
                        continue;
                    }
                    kernel_table().affinities.paired_distances(
                        above + first, (dy > 0 ? below : above) + first + dx, width, channels,
                        count, inverse_sigma, out + first);
                    kernel_table().affinities.gaussian(out + first, count);
                }
                std::swap(above, below);
            }
        });
    });
    throw_if_set(cancel);
}

template <typename T>
void global_affinities(const Grid& grid, const View3<const T>& features, double sigma, int threads,
                       const CancelFlag* cancel, double* global) {
    const std::vector<std::int32_t> points = grid.global_pixels();
    const auto n = static_cast<std::ptrdiff_t>(points.size());
    const std::ptrdiff_t channels = features.channels;
    const double inverse_sigma = 1.0 / sigma;
    threads = worthwhile(threads, n * n / 2 * channels);
    std::vector<double> planes(static_cast<std::size_t>(n * channels));
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        to_planes(features.pixel(points[i] / grid.width, points[i] % grid.width), 0, channels, 1,
                  planes.data() + i, n);
    }
    std::vector<std::vector<double>> own(static_cast<std::size_t>(threads),
                                         std::vector<double>(static_cast<std::size_t>(channels)));
    run_crew(threads, cancel, [&](Member& member) {
        double* point = own[static_cast<std::size_t>(member.rank())].data();
        member.share(n, 8, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
            for (std::ptrdiff_t i = begin; i < end; ++i) {
                for (std::ptrdiff_t c = 0; c < channels; ++c) {
                    point[c] = planes[static_cast<std::size_t>(c * n + i)];
                }
                double* out = global + pair_index(static_cast<std::size_t>(i), 0);
                kernel_table().affinities.distances(point, planes.data(), n, channels, i,
                                                    inverse_sigma, out);
                kernel_table().affinities.gaussian(out, i);
            }
        });
    });
    throw_if_set(cancel);
}

template void local_affinities(const Grid&, const View3<const float>&, double, int,
                               const CancelFlag*, double*);
template void local_affinities(const Grid&, const View3<const double>&, double, int,
                               const CancelFlag*, double*);
template void global_affinities(const Grid&, const View3<const float>&, double, int,
                                const CancelFlag*, double*);
template void global_affinities(const Grid&, const View3<const double>&, double, int,
                                const CancelFlag*, double*);

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
