#include "substitution.hpp"

#include <algorithm>

namespace colordeploy::propagation {

template <typename T>
std::size_t Substitution<T>::scratch_size(const Plan& plan, std::ptrdiff_t channels) {
    std::size_t cell = 0;
    for (const CellShape& shape : plan.shapes) cell = std::max(cell, shape.pixels().size());
    const auto lanes = static_cast<std::size_t>(kernels<T>().lanes);
    return std::max(plan.largest_rows * static_cast<std::size_t>(channels), 2 * cell * 2 * lanes);
}

template <typename T>
bool Substitution<T>::counts(const std::int32_t* pixels, std::ptrdiff_t count,
                             std::int64_t origin) const {
    return !values_.masked || std::any_of(pixels, pixels + count, [&](std::int32_t pixel) {
        return mask_[origin + pixel] != 0;
    });
}

template <typename T>
void Substitution<T>::forward(const Front& front, T* scratch) const {
    const FrontShape shape = front.shape();
    const std::int32_t* pixels = plan_.pixel_at.data() + front.first_pivot;
    const auto adds = [&](std::int32_t child) { return child >= 0 && nonzero_[child] != 0; };
    const bool nonzero =
        adds(front.children[0]) || adds(front.children[1]) || counts(pixels, shape.pivots, 0);
    nonzero_[&front - plan_.fronts.data()] = nonzero;
    if (!nonzero) return;
    const std::ptrdiff_t rows = shape.rows(), below = padded(shape.pivots);
    const std::ptrdiff_t channels = values_.channels;
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        T* t = scratch + c * plane_;
        std::fill_n(t, rows, T(0));
        for (std::ptrdiff_t k = 0; k < shape.pivots; ++k) {
            const std::ptrdiff_t pixel = pixels[k];
            if (!values_.masked || mask_[pixel]) {
                t[k] = static_cast<T>(values_.b[pixel * channels + c]);
            }
        }
    }
    for (std::int32_t child_index : front.children) {
        if (!adds(child_index)) continue;
        const Front& child = plan_.fronts[child_index];
        const T* source = contributions_ + child.boundary_begin * channels;
        for (std::ptrdiff_t c = 0; c < channels; ++c) {
            T* t = scratch + c * plane_;
            for (std::size_t r = child.run_begin; r < child.run_begin + child.run_count; ++r) {
                const Run& run = plan_.runs[r];
                for (std::int32_t i = 0; i < run.length; ++i) {
                    t[run.to + i] += source[c * child.boundary + run.from + i];
                }
            }
        }
    }
    kernels<T>().forward(shape, factor_ + front.factor, scratch, plane_, channels);
    T* target = contributions_ + front.boundary_begin * channels;
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        const T* t = scratch + c * plane_;
        for (std::ptrdiff_t k = 0; k < shape.pivots; ++k) {
            values_.x[pixels[k] * channels + c] = t[k];
        }
        std::copy_n(t + below, shape.boundary, target + c * shape.boundary);
    }
}

template <typename T>
void Substitution<T>::backward(const Front& front, T* scratch) const {
    const FrontShape shape = front.shape();
    const std::int32_t* pixels = plan_.pixel_at.data() + front.first_pivot;
    const std::int32_t* boundary = plan_.boundary_pixel.data() + front.boundary_begin;
    const std::ptrdiff_t below = padded(shape.pivots), channels = values_.channels;
    const std::ptrdiff_t known = nonzero_[&front - plan_.fronts.data()] ? shape.pivots : 0;
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        T* t = scratch + c * plane_;
        for (std::ptrdiff_t k = 0; k < known; ++k) {
            t[k] = static_cast<T>(values_.x[pixels[k] * channels + c]);
        }
        std::fill(t + known, t + below, T(0));
        for (std::ptrdiff_t i = 0; i < shape.boundary; ++i) {
            t[below + i] = static_cast<T>(values_.x[boundary[i] * channels + c]);
        }
        std::fill(t + shape.ground(), t + shape.rows(), T(0));
    }
    kernels<T>().backward(shape, factor_ + front.factor, scratch, plane_, channels);
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        const T* t = scratch + c * plane_;
        for (std::ptrdiff_t k = 0; k < shape.pivots; ++k) {
            values_.x[pixels[k] * channels + c] = t[k];
        }
    }
}

template <typename T>
void Substitution<T>::forward(const Batch& batch, T* scratch) const {
    const CellShape& shape = plan_.shapes[batch.shape];
    const std::ptrdiff_t lanes = kernels<T>().lanes, channels = values_.channels;
    const std::ptrdiff_t pivots = shape.pivots(), boundary = shape.boundary();
    const std::int32_t* pixels = shape.pixels().data();
    const auto origins = batch.origins(plan_);
    bool any = false;
    for (std::ptrdiff_t l = 0; l < batch.count; ++l) {
        const bool nonzero = counts(pixels, pivots, origins[l]);
        nonzero_[plan_.cells[batch.begin + l].front] = nonzero;
        any = any || nonzero;
    }
    if (!any) return;
    for (std::ptrdiff_t first = 0; first < channels; first += 2) {
        const std::ptrdiff_t some = std::min<std::ptrdiff_t>(2, channels - first);
        T* t = scratch;
        for (std::ptrdiff_t k = 0; k < pivots; ++k) {
            for (std::ptrdiff_t c = 0; c < some; ++c, t += lanes) {
                for (std::ptrdiff_t l = 0; l < lanes; ++l) {
                    const std::ptrdiff_t pixel = origins[l] + pixels[k];
                    const double value = values_.b[pixel * channels + first + c];
                    t[l] = !values_.masked || mask_[pixel] ? static_cast<T>(value) : T(0);
                }
            }
        }
        std::fill_n(t, boundary * some * lanes, T(0));
        kernels<T>().forward_cells(shape.program(), cell_factor_ + batch.factor, scratch, some);
        t = scratch;
        for (std::ptrdiff_t k = 0; k < pivots; ++k) {
            for (std::ptrdiff_t c = 0; c < some; ++c, t += lanes) {
                for (std::ptrdiff_t l = 0; l < batch.count; ++l) {
                    values_.x[(origins[l] + pixels[k]) * channels + first + c] = t[l];
                }
            }
        }
        for (std::ptrdiff_t l = 0; l < batch.count; ++l) {
            const Front& front = plan_.fronts[plan_.cells[batch.begin + l].front];
            const UpdatePlace* place = plan_.boundary_place.data() + front.boundary_begin;
            T* target = contributions_ + front.boundary_begin * channels + first * boundary;
            for (std::ptrdiff_t i = 0; i < boundary; ++i) {
                for (std::ptrdiff_t c = 0; c < some; ++c) {
                    target[c * boundary + place[i].row] = t[(i * some + c) * lanes + l];
                }
            }
        }
    }
}

template <typename T>
void Substitution<T>::backward(const Batch& batch, T* scratch) const {
    const CellShape& shape = plan_.shapes[batch.shape];
    const std::ptrdiff_t lanes = kernels<T>().lanes, channels = values_.channels;
    const auto unknowns = static_cast<std::ptrdiff_t>(shape.pixels().size());
    const std::int32_t* pixels = shape.pixels().data();
    const auto origins = batch.origins(plan_);
    const T* end = cell_factor_ + batch.factor + shape.factor_size() * lanes;
    bool any = false;
    for (std::ptrdiff_t l = 0; l < batch.count; ++l) {
        any = any || nonzero_[plan_.cells[batch.begin + l].front] != 0;
    }
    const std::ptrdiff_t unknown = any ? 0 : shape.pivots();  // the first whose value is read
    for (std::ptrdiff_t first = 0; first < channels; first += 2) {
        const std::ptrdiff_t some = std::min<std::ptrdiff_t>(2, channels - first);
        T* t = std::fill_n(scratch, unknown * some * lanes, T(0));
        for (std::ptrdiff_t k = unknown; k < unknowns; ++k) {
            for (std::ptrdiff_t c = 0; c < some; ++c, t += lanes) {
                for (std::ptrdiff_t l = 0; l < lanes; ++l) {
                    t[l] =
                        static_cast<T>(values_.x[(origins[l] + pixels[k]) * channels + first + c]);
                }
            }
        }
        kernels<T>().backward_cells(shape.program(), end, scratch,
                                    scratch + unknowns * some * lanes, some);
        t = scratch;
        for (std::ptrdiff_t k = 0; k < shape.pivots(); ++k) {
            for (std::ptrdiff_t c = 0; c < some; ++c, t += lanes) {
                for (std::ptrdiff_t l = 0; l < batch.count; ++l) {
                    values_.x[(origins[l] + pixels[k]) * channels + first + c] = t[l];
                }
            }
        }
    }
}

template class Substitution<double>;
template class Substitution<float>;

}  // namespace colordeploy::propagation
