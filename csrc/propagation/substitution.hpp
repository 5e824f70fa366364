// Forward and backward substitution.
#pragma once

#include <cstddef>
#include <cstdint>

#include "batches.hpp"
#include "plan.hpp"

namespace colordeploy::propagation {

// Values at the pixels (raster order, channels innermost).
struct Values {
    const double* b;
    double* x;
    std::ptrdiff_t channels;
    bool masked;  // b counts at marked pixels only
};

// With the factor of a plan, for one right-hand side. Each call does its part of the work for one
// front or batch; those of children come before (forward) or after (backward). Most subtrees of a
// scribbled picture hold no mark: forward they add nothing, and are passed over.
template <typename T>
class Substitution {
 public:
    // contributions: what each front adds to its parent, channels() * plan.boundary_pixel.size();
    // nonzero: whether it adds anything, by front.
    Substitution(const Plan& plan, const T* factor, const T* cell_factor, const std::uint8_t* mask,
                 const Values& values, T* contributions, std::uint8_t* nonzero)
        : plan_(plan),
          factor_(factor),
          cell_factor_(cell_factor),
          mask_(mask),
          values_(values),
          contributions_(contributions),
          nonzero_(nonzero),
          plane_(static_cast<std::ptrdiff_t>(plan.largest_rows)) {}

    // Entries that a thread needs for itself.
    static std::size_t scratch_size(const Plan& plan, std::ptrdiff_t channels);

    void forward(const Front& front, T* scratch) const;
    void backward(const Front& front, T* scratch) const;
    void forward(const Batch& batch, T* scratch) const;
    void backward(const Batch& batch, T* scratch) const;

 private:
    // Whether some right-hand side counts at one of these pixels.
    bool counts(const std::int32_t* pixels, std::ptrdiff_t count, std::int64_t origin) const;

    const Plan& plan_;
    const T *factor_, *cell_factor_;
    const std::uint8_t* mask_;
    const Values values_;
    T* contributions_;
    std::uint8_t* nonzero_;
    const std::ptrdiff_t plane_;
};

}  // namespace colordeploy::propagation
