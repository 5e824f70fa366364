// The solver on a GPU: affinities, factorization and substitution without leaving the device.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "device_plan.hpp"

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

class DeviceSolver {
 public:
    // From features (contiguous ones, when they are on the host), or from affinities (see
    // ../graph.hpp).
    DeviceSolver(std::shared_ptr<const DevicePlan> plan, const Source& features,
                 const FeatureLayout& layout, double sigma, double alpha, double phi);
    DeviceSolver(std::shared_ptr<const DevicePlan> plan, const double* local, const double* global,
                 double alpha, double phi);
    ~DeviceSolver();
    DeviceSolver(const DeviceSolver&) = delete;
    DeviceSolver& operator=(const DeviceSolver&) = delete;

    // As Solver::solve does. mask: one byte a pixel; b: (pixels, channels). The result stays in
    // device memory and belongs to the stream of this solver, on which it is ready when this
    // returns. Callers of several threads take turns. Throws SingularSystem, NoMark, NotFinite,
    // WrongPlace, DeviceMemoryError, DeviceError.
    Buffer<double> solve(const Source& mask, const Source& b, std::int64_t channels, bool masked);

    // What the system is made of, for looking at it.
    void affinities(double* local, double* global);
    void fetch(double* target, const Buffer<double>& values);

    const DevicePlan& plan() const { return *lists_; }
    const std::shared_ptr<OwnStream>& stream() const { return stream_; }
    const std::shared_ptr<const DevicePlan>& shared_plan() const { return lists_; }

 private:
    DeviceSolver(std::shared_ptr<const DevicePlan> plan, double alpha, double phi);

    std::vector<Level> find_changes(const std::uint8_t* mask);
    void factorize(const std::vector<Level>& levels, const std::int32_t* list,
                   const std::uint8_t* mask);
    void substitute(const double* b, const std::uint8_t* mask, double* x, std::int64_t channels);
    void receive(const Source& source);
    const double* as_double(const Source& source, std::int64_t count, Buffer<double>& buffer,
                            int* odd);

    std::shared_ptr<const DevicePlan> lists_;
    std::shared_ptr<OwnStream> stream_;
    double alpha_, phi_;
    std::mutex turn_;
    Buffer<double> local_, global_, factor_, update_, inverse_, vectors_, sums_, b_;
    Buffer<std::uint8_t> mask_, next_mask_;
    Buffer<int> changed_, flags_;
    Buffer<std::int32_t> list_;  // fronts that are eliminated again
    std::vector<std::int32_t> host_list_;
    bool factorized_ = false;
};

}  // namespace colordeploy::propagation::cuda
