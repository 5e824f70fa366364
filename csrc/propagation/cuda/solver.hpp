// The solver on a GPU: affinities, factorization and substitution without leaving the device.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "device_plan.hpp"
#include "factorization.hpp"

namespace colordeploy::propagation::cuda {

// Values somewhere: on the host, or on the device, where `stream` (a handle of the CUDA array
// interface; 0: none) still works on them.
struct Source {
    const void* data = nullptr;
    bool on_device = false;
    bool single = false;  // float32, not float64
    std::uintptr_t stream = 0;
};

// Where the features of a pixel lie: values from one to the next in each direction.
struct FeatureLayout {
    std::int64_t channels, down, right, across;
};

struct NotFinite : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

// An array in another GPU's memory.
struct WrongPlace : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

// A mask without a mark.
struct NoMark : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

// What a system is made with besides its edge weights. cudss: path of the library that factorizes;
// empty: our own method.
struct Settings {
    double alpha, phi, screening;
    std::string cudss;
};

// x, and what it took by the device's clock.
struct Solution {
    Buffer<double> x;
    std::int64_t nanoseconds;
};

class DeviceSolver {
 public:
    // From features (contiguous ones, when they are on the host), or from affinities (see
    // ../graph.hpp).
    DeviceSolver(std::shared_ptr<const DevicePlan> plan, const Source& features,
                 const FeatureLayout& layout, double sigma, const Settings& settings);
    DeviceSolver(std::shared_ptr<const DevicePlan> plan, const double* local, const double* global,
                 const Settings& settings);
    ~DeviceSolver();
    DeviceSolver(const DeviceSolver&) = delete;
    DeviceSolver& operator=(const DeviceSolver&) = delete;

    // As Solver::solve does. mask: one byte a pixel; b: (pixels, channels). The result stays in
    // device memory and belongs to the stream of this solver, on which it is ready when this
    // returns. Callers of several threads take turns. Throws SingularSystem, NotDefinite, NoMark,
    // NotFinite, WrongPlace, DeviceMemoryError, DeviceError.
    Solution solve(const Source& mask, const Source& b, std::int64_t channels, bool masked);

    // What the system is made of, for looking at it.
    void affinities(double* local, double* global);
    void fetch(double* target, const Buffer<double>& values);

    const DevicePlan& plan() const { return *lists_; }
    const std::shared_ptr<OwnStream>& stream() const { return stream_; }
    std::int64_t nanoseconds() const { return weighing_; }  // of the affinities
    std::size_t bytes() const;                              // device memory that it holds

 private:
    DeviceSolver(std::shared_ptr<const DevicePlan> plan, const Settings& settings);

    void receive(const Source& source);
    bool take_mask(const Source& mask);
    const double* as_double(const Source& source, std::int64_t count, Buffer<double>& buffer,
                            int* odd);

    std::shared_ptr<const DevicePlan> lists_;
    std::shared_ptr<OwnStream> stream_;
    mutable std::mutex turn_;
    Timer timer_;
    std::int64_t weighing_ = 0;
    Buffer<double> local_, global_, b_;
    Buffer<std::uint8_t> mask_;
    std::vector<std::uint8_t> host_mask_;  // the one in mask_, when it came from the host
    Buffer<int> flags_;
    std::unique_ptr<Factorization> factorization_;
};

}  // namespace colordeploy::propagation::cuda
