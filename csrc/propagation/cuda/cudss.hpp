// cuDSS, NVIDIA's sparse direct solver, in place of our own factorization.
#pragma once

#include <memory>
#include <string>

#include "device_plan.hpp"
#include "factorization.hpp"

namespace colordeploy::propagation::cuda {

// cuDSS found no positive pivot.
struct NotDefinite : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Version "major.minor.patch" of a library; throws DeviceError when it is none or another major.
std::string cudss_version(const std::string& library);

// By the library at a path, which is loaded once. The pattern and its analysis are kept for the
// systems of one size that follow. Throws DeviceError.
std::unique_ptr<Factorization> make_cudss(const std::string& library,
                                          std::shared_ptr<const DevicePlan> plan, Stream stream,
                                          const Weights& weights);

}  // namespace colordeploy::propagation::cuda
