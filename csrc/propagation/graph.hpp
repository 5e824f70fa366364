// The propagation graph of a picture: 8-neighbour edges and a clique over global points.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../cancel.hpp"

namespace colordeploy::propagation {

// A non-owning view of a picture-shaped array (height, width, channels), channels contiguous.
template <typename T>
struct View3 {
    T* data;
    std::ptrdiff_t height, width, channels;
    std::ptrdiff_t row_stride, column_stride;  // in elements

    T* pixel(std::ptrdiff_t y, std::ptrdiff_t x) const {
        return data + y * row_stride + x * column_stride;
    }
};

// The four directions that name each undirected 8-neighbour edge once, from its first pixel.
struct Direction {
    int dy, dx;
};
inline constexpr std::array<Direction, 4> kDirections{{{0, 1}, {1, -1}, {1, 0}, {1, 1}}};

struct Grid {
    int height = 0;
    int width = 0;
    int global_step = 0;  // 0: no global points

    std::ptrdiff_t pixels() const { return static_cast<std::ptrdiff_t>(height) * width; }
    bool inside(int y, int x) const { return y >= 0 && y < height && x >= 0 && x < width; }
    bool is_global(int y, int x) const {
        return global_step > 0 && y % global_step == global_step / 2 &&
               x % global_step == global_step / 2;
    }
    // Global points along one side of the given length.
    int global_along(int length) const {
        const int first = global_step / 2;
        return global_step > 0 && length > first ? (length - first - 1) / global_step + 1 : 0;
    }
    std::ptrdiff_t global_points() const {
        return static_cast<std::ptrdiff_t>(global_along(height)) * global_along(width);
    }
    // Pixel numbers (y * width + x) of the global points, in raster order.
    std::vector<std::int32_t> global_pixels() const {
        std::vector<std::int32_t> points;
        if (global_step <= 0) return points;
        points.reserve(static_cast<std::size_t>(global_points()));
        for (int y = global_step / 2; y < height; y += global_step) {
            for (int x = global_step / 2; x < width; x += global_step) {
                points.push_back(y * width + x);
            }
        }
        return points;
    }
};

// Index of the pair (i, j), i > j, in a packed strict lower triangle.
inline std::size_t pair_index(std::size_t i, std::size_t j) {
    return i == 0 ? j : i * (i - 1) / 2 + j;
}

// w_ij = exp(-|f_i - f_j|^2 / (2 sigma^2)) (LGA-Net, Eq. 1).
// local: 4 planes of height * width, plane d holding the edge from a pixel in kDirections[d];
// zero where that edge leaves the picture. global: packed strict lower triangle of the clique.
// Both throw Cancelled.
template <typename T>
void local_affinities(const Grid& grid, const View3<const T>& features, double sigma, int threads,
                      const CancelFlag* cancel, double* local);
template <typename T>
void global_affinities(const Grid& grid, const View3<const T>& features, double sigma, int threads,
                       const CancelFlag* cancel, double* global);

// Derivatives of a loss with respect to what the system was built from, given the solution x of
// A x = M y and the adjoint solution lambda = A^-1 dloss/dx: dloss/dw_ij is
// -alpha * sum_k (lambda_i - lambda_j)(x_i - x_j). Empty affinities contribute nothing.
struct AffinityGradient {
    double sigma = 0.0;
    double alpha = 0.0;
};
AffinityGradient affinity_gradient(const Grid& grid, const View3<const double>& features,
                                   double sigma, double alpha, const double* local,
                                   const double* global, const View3<const double>& x,
                                   const View3<const double>& adjoint,
                                   const View3<double>& grad_features);

}  // namespace colordeploy::propagation
