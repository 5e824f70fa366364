// What solves a system whose edge weights are on the device. Two files implement it:
// multifrontal.cu, the CPU's method, and cudss.cu by NVIDIA's library.
#pragma once

#include <cstddef>
#include <cstdint>

#include "device.hpp"

namespace colordeploy::propagation::cuda {

// Edge weights, as ../graph.hpp says, and those of the terms (LGA-Net, Eqs. 2 and 4).
struct Weights {
    const double* local;
    const double* global;
    double alpha, phi;
    double screening;  // see ../elimination.hpp
};

// A right-hand side (pixels, channels) for marks of the pixels; all of it lies on the device.
struct Request {
    const std::uint8_t* mask;
    bool masked;  // b counts at marked pixels only
    const double* b;
    double* x;
    std::int64_t channels;
    bool same_mask;  // known to be the one before
};

class Factorization {
 public:
    virtual ~Factorization() = default;

    // Puts on the stream what is to be factorized again since the last mask, and the solution.
    virtual void solve(const Request& request) = 0;
    // Says, when the stream has been waited for, whether a solution came out. What failed is not
    // kept.
    virtual void settle(bool succeeded) = 0;
    // Device memory that it holds, but for what a library takes by itself.
    virtual std::size_t bytes() const = 0;
};

}  // namespace colordeploy::propagation::cuda
