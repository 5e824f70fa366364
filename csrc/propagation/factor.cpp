#include "factor.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "simd.hpp"

namespace colordeploy::propagation {

namespace {

constexpr std::int32_t kPanel = 32;  // columns eliminated between two calls of dgemm

// target += factor * source
COLORDEPLOY_SIMD void add_scaled(double* target, const double* source, double factor,
                                 std::ptrdiff_t n) {
#pragma omp simd
    for (std::ptrdiff_t i = 0; i < n; ++i) target[i] += factor * source[i];
}

COLORDEPLOY_SIMD void scale(double* target, double factor, std::ptrdiff_t n) {
#pragma omp simd
    for (std::ptrdiff_t i = 0; i < n; ++i) target[i] *= factor;
}

COLORDEPLOY_SIMD double sum(const double* a, std::ptrdiff_t n) {
    double result = 0.0;
#pragma omp simd reduction(+ : result)
    for (std::ptrdiff_t i = 0; i < n; ++i) result += a[i];
    return result;
}

COLORDEPLOY_SIMD double dot(const double* a, const double* b, std::ptrdiff_t n) {
    double result = 0.0;
#pragma omp simd reduction(+ : result)
    for (std::ptrdiff_t i = 0; i < n; ++i) result += a[i] * b[i];
    return result;
}

// What a front hands to its parent: weights between boundary unknowns (column-major lower
// triangle, diagonal unused) and their excess.
struct Update {
    std::unique_ptr<double[]> weights;
    std::vector<double> excess;
};

class Factorization {
 public:
    Factorization(const Plan& plan, const Blas& blas, const System& system,
                  const std::uint8_t* mask, double* values)
        : plan_(plan), blas_(blas), system_(system), mask_(mask), values_(values) {}

    void run() {
        std::vector<Update> updates(plan_.fronts.size());
        std::vector<std::vector<std::int32_t>> children(plan_.fronts.size());
        for (std::size_t f = 0; f < plan_.fronts.size(); ++f) {
            const Front& front = plan_.fronts[f];
            double* panel = values_ + front.factor;
            std::fill_n(panel, static_cast<std::size_t>(front.rows()) * front.pivots, 0.0);
            Update& update = updates[f];
            update.weights.reset(new double[square(front.boundary)]());
            std::vector<double> excess(front.rows(), 0.0);
            assemble(front, panel, excess);
            for (std::int32_t c : children[f]) {
                extend_add(plan_.fronts[c], updates[c], front, panel, update.weights.get(), excess);
                updates[c] = Update();
            }
            eliminate(front, panel, excess);
            update_boundary(front, panel, update.weights.get());
            update.excess.assign(excess.begin() + front.pivots, excess.end());
            if (front.parent >= 0) children[front.parent].push_back(static_cast<std::int32_t>(f));
        }
    }

 private:
    static std::size_t square(std::int32_t n) {
        return static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
    }

    void assemble(const Front& front, double* panel, std::vector<double>& excess) const {
        const std::size_t rows = front.rows();
        for (std::size_t e = front.edges; e < front.edges + front.edge_count; ++e) {
            const FrontEdge& edge = plan_.edges[e];
            panel[edge.row + edge.column * rows] +=
                system_.alpha * system_.local[edge.edge] + system_.phi;
        }
        for (std::int32_t k = 0; k < front.pivots; ++k) {
            if (mask_[plan_.pixel_at[front.first + k]]) excess[k] = 1.0;
        }
        const bool holds_clique = front.parent < 0 && plan_.grid.global_points() > 1;
        if (!holds_clique || system_.global == nullptr) return;
        for (std::int32_t i = 1; i < front.pivots; ++i) {
            const double* row = system_.global + pair_index(i, 0);
            for (std::int32_t j = 0; j < i; ++j) panel[i + j * rows] += system_.alpha * row[j];
        }
    }

    void extend_add(const Front& child, const Update& update, const Front& front, double* panel,
                    double* weights, std::vector<double>& excess) const {
        const std::int32_t n = child.boundary;
        const std::int32_t* row = plan_.boundary_row.data() + child.index;
        for (std::int32_t j = 0; j < n; ++j) {
            excess[row[j]] += update.excess[j];
            const double* source = update.weights.get() + static_cast<std::size_t>(j) * n;
            // Column row[j] of the front: in the panel, or in its own update (shifted so that
            // both are indexed by the row in the front).
            double* column =
                row[j] < front.pivots
                    ? panel + static_cast<std::size_t>(row[j]) * front.rows()
                    : weights + static_cast<std::size_t>(row[j] - front.pivots) * front.boundary -
                          front.pivots;
            for (std::int32_t i = j + 1; i < n; ++i) column[row[i]] += source[i];
        }
    }

    // Left-looking by panels: columns [begin, end) first receive all earlier columns at once.
    void eliminate(const Front& front, double* panel, std::vector<double>& excess) const {
        const std::int32_t n = front.rows();
        for (std::int32_t begin = 0; begin < front.pivots; begin += kPanel) {
            const std::int32_t end = std::min(begin + kPanel, front.pivots);
            double* columns = panel + static_cast<std::size_t>(begin) * n;
            if (begin > 0) {
                int m = n - begin, width = end - begin, depth = begin, ld = n;
                double one = 1.0;
                char no = 'N', yes = 'T';
                blas_.dgemm(&no, &yes, &m, &width, &depth, &one, panel + begin, &ld, panel + begin,
                            &ld, &one, columns + begin, &ld);
            }
            for (std::int32_t k = begin; k < end; ++k) {
                double* column = panel + static_cast<std::size_t>(k) * n;
                const std::ptrdiff_t below = n - k - 1;
                const double pivot = excess[k] + sum(column + k + 1, below);
                if (!std::isfinite(pivot)) {
                    throw SingularSystem(
                        "the system's weights overflow: use a smaller alpha, phi or weights");
                }
                if (!(pivot > 0.0)) {
                    throw SingularSystem(
                        "the system is singular: pixel " +
                        std::to_string(plan_.pixel_at[front.first + k]) +
                        " (raster order) is not tied to any marked pixel; use phi > 0");
                }
                const double root = std::sqrt(pivot);
                column[k] = root;
                scale(column + k + 1, 1.0 / root, below);
                add_scaled(excess.data() + k + 1, column + k + 1, excess[k] / root, below);
                for (std::int32_t j = k + 1; j < end; ++j) {
                    double* target = panel + static_cast<std::size_t>(j) * n;
                    add_scaled(target + j + 1, column + j + 1, column[j], n - j - 1);
                }
            }
        }
    }

    void update_boundary(const Front& front, const double* panel, double* weights) const {
        if (front.boundary == 0 || front.pivots == 0) return;
        int n = front.boundary, k = front.pivots, ld = front.rows();
        double one = 1.0;
        char lower = 'L', no = 'N';
        blas_.dsyrk(&lower, &no, &n, &k, &one, const_cast<double*>(panel) + front.pivots, &ld, &one,
                    weights, &n);
    }

    const Plan& plan_;
    const Blas& blas_;
    const System& system_;
    const std::uint8_t* mask_;
    double* values_;
};

}  // namespace

Factor::Factor(std::shared_ptr<const Plan> plan, const Blas& blas, const System& system,
               const std::uint8_t* mask)
    : plan_(std::move(plan)), values_(new double[plan_->factor_size]) {
    Factorization(*plan_, blas, system, mask, values_.get()).run();
}

void Factor::solve(const double* b, double* x, std::ptrdiff_t channels) const {
    const auto n = static_cast<std::ptrdiff_t>(plan_->pixel_at.size());
    std::int32_t largest = 0;
    for (const Front& front : plan_->fronts) largest = std::max(largest, front.rows());
    // One plane a channel: in elimination order, and for the rows of one front. All channels pass a
    // front together, so that the factor is read once.
    std::vector<double> z(static_cast<std::size_t>(n * channels));
    std::vector<double> local(static_cast<std::size_t>(largest * channels));
    const auto plane = [&](std::ptrdiff_t c) { return z.data() + c * n; };
    const auto rows_of = [&](std::ptrdiff_t c) { return local.data() + c * largest; };

    for (std::ptrdiff_t i = 0; i < n; ++i) {
        const double* source = b + plan_->pixel_at[i] * channels;
        for (std::ptrdiff_t c = 0; c < channels; ++c) plane(c)[i] = source[c];
    }
    for (const Front& front : plan_->fronts) {
        const std::int32_t* boundary = plan_->boundary_position.data() + front.index;
        const std::int32_t rows = front.rows();
        for (std::ptrdiff_t c = 0; c < channels; ++c) {
            std::copy_n(plane(c) + front.first, front.pivots, rows_of(c));
            std::fill_n(rows_of(c) + front.pivots, front.boundary, 0.0);
        }
        for (std::int32_t k = 0; k < front.pivots; ++k) {
            const double* column =
                values_.get() + front.factor + static_cast<std::size_t>(k) * rows;
            for (std::ptrdiff_t c = 0; c < channels; ++c) {
                double* t = rows_of(c);
                t[k] /= column[k];
                add_scaled(t + k + 1, column + k + 1, t[k], rows - k - 1);
            }
        }
        for (std::ptrdiff_t c = 0; c < channels; ++c) {
            const double* t = rows_of(c);
            std::copy_n(t, front.pivots, plane(c) + front.first);
            for (std::int32_t i = 0; i < front.boundary; ++i) {
                plane(c)[boundary[i]] += t[front.pivots + i];
            }
        }
    }
    for (auto it = plan_->fronts.rbegin(); it != plan_->fronts.rend(); ++it) {
        const Front& front = *it;
        const std::int32_t* boundary = plan_->boundary_position.data() + front.index;
        const std::int32_t rows = front.rows();
        for (std::ptrdiff_t c = 0; c < channels; ++c) {
            double* t = rows_of(c);
            std::copy_n(plane(c) + front.first, front.pivots, t);
            for (std::int32_t i = 0; i < front.boundary; ++i) {
                t[front.pivots + i] = plane(c)[boundary[i]];
            }
        }
        for (std::int32_t k = front.pivots - 1; k >= 0; --k) {
            const double* column =
                values_.get() + front.factor + static_cast<std::size_t>(k) * rows;
            for (std::ptrdiff_t c = 0; c < channels; ++c) {
                double* t = rows_of(c);
                t[k] = (t[k] + dot(column + k + 1, t + k + 1, rows - k - 1)) / column[k];
            }
        }
        for (std::ptrdiff_t c = 0; c < channels; ++c) {
            std::copy_n(rows_of(c), front.pivots, plane(c) + front.first);
        }
    }
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        double* target = x + plan_->pixel_at[i] * channels;
        for (std::ptrdiff_t c = 0; c < channels; ++c) target[c] = plane(c)[i];
    }
}

}  // namespace colordeploy::propagation
