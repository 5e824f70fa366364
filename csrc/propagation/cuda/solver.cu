#include <algorithm>
#include <string>

#include "../singular_system.hpp"
#include "affinity_kernels.hpp"
#include "cudss.hpp"
#include "intake_kernels.hpp"
#include "multifrontal.hpp"
#include "solver.hpp"

namespace colordeploy::propagation::cuda {

namespace {

enum Flag { kFailed, kOdd, kMarked, kFlags };

template <typename T>
void weigh(const Grid& grid, const T* features, const FeatureLayout& layout, double sigma,
           const std::int32_t* points, double* local, double* global, int* odd, Stream stream) {
    const Features<T> given{features, layout, 1.0 / sigma};
    using Local = LocalAffinities<T>;
    using Global = GlobalAffinities<T>;
    launch_over(grid.pixels(), stream, Local{given, grid.height, grid.width, local, odd});
    launch(grid.global_points(), 1, Global::kMost, 0, stream,
           Global{given, points, grid.width, global});
}

template <typename T>
void convert(const void* source, std::int64_t count, double* target, int* odd, Stream stream) {
    using Kernel = Convert<T>;
    launch_over(count, stream, Kernel{static_cast<const T*>(source), target, count, odd});
}

void require_memory(const DevicePlan& plan) {
    const std::size_t needed = 8 * plan.solver_size(2), present = free_memory(plan.pool->get());
    if (needed > present) {
        throw DeviceMemoryError(std::to_string(needed >> 20) + " MiB are needed and " +
                                std::to_string(present >> 20) + " MiB are free");
    }
}

}  // namespace

DeviceSolver::DeviceSolver(std::shared_ptr<const DevicePlan> plan, const Settings& settings)
    : lists_(std::move(plan)),
      stream_(std::make_shared<OwnStream>(lists_->device, lists_->pool->get())) {
    const Stream stream = stream_->get();
    const Using guard(lists_->device);
    if (settings.cudss.empty()) require_memory(*lists_);
    const Grid& grid = lists_->plan->grid;
    const auto pixels = static_cast<std::size_t>(grid.pixels());
    const auto global = static_cast<std::size_t>(grid.global_points());
    local_ = Buffer<double>(4 * pixels, stream);
    global_ = Buffer<double>(global == 0 ? 0 : global * (global - 1) / 2, stream);
    mask_ = Buffer<std::uint8_t>(pixels, stream);
    flags_ = Buffer<int>(kFlags, stream);
    const Weights weights{local_.get(), global_.get(), settings.alpha, settings.phi,
                          settings.screening};
    if (settings.cudss.empty()) {
        factorization_ =
            std::make_unique<Multifrontal>(lists_, stream, weights, flags_.get() + kFailed);
    } else {
        factorization_ = make_cudss(settings.cudss, lists_, stream, weights);
    }
}

DeviceSolver::DeviceSolver(std::shared_ptr<const DevicePlan> plan, const Source& features,
                           const FeatureLayout& layout, double sigma, const Settings& settings)
    : DeviceSolver(std::move(plan), settings) {
    const Using guard(lists_->device);
    const Stream stream = stream_->get();
    const Grid& grid = lists_->plan->grid;
    if (features.on_device) receive(features);
    timer_.start(stream);
    fill(flags_.get(), 0, kFlags * sizeof(int), stream);
    const std::size_t bytes = static_cast<std::size_t>(grid.pixels() * layout.channels) *
                              (features.single ? sizeof(float) : sizeof(double));
    Buffer<std::uint8_t> copy;
    const void* values = features.data;
    if (!features.on_device) {
        copy = Buffer<std::uint8_t>(bytes, stream);
        upload(copy.get(), values, bytes, stream);
        values = copy.get();
    }
    const auto run = [&](auto* typed) {
        weigh(grid, typed, layout, sigma, lists_->points.get(), local_.get(), global_.get(),
              flags_.get() + kOdd, stream);
    };
    if (features.single) {
        run(static_cast<const float*>(values));
    } else {
        run(static_cast<const double*>(values));
    }
    int flags[kFlags];
    timer_.stop(stream);
    download(flags, flags_.get(), sizeof flags, stream);
    synchronize(stream);
    weighing_ = timer_.nanoseconds();
    if (flags[kOdd]) throw NotFinite("features hold NaN or infinite values; replace them first");
}

DeviceSolver::DeviceSolver(std::shared_ptr<const DevicePlan> plan, const double* local,
                           const double* global, const Settings& settings)
    : DeviceSolver(std::move(plan), settings) {
    const Using guard(lists_->device);
    const Stream stream = stream_->get();
    upload(local_.get(), local, local_.size() * sizeof(double), stream);
    if (global_.size()) upload(global_.get(), global, global_.size() * sizeof(double), stream);
    synchronize(stream);
}

DeviceSolver::~DeviceSolver() {
    try {
        const Using guard(lists_->device);
        synchronize(stream_->get());
        factorization_.reset();
    } catch (const DeviceError&) {  // nothing more can be done for it
    }
}

// Makes this solver's stream wait for what comes in device memory.
void DeviceSolver::receive(const Source& source) {
    const int place = device_of(source.data);
    if (place >= 0 && place != lists_->device) {
        throw WrongPlace("an array is on cuda:" + std::to_string(place) + ", the system on cuda:" +
                         std::to_string(lists_->device) + "; copy it there");
    }
    if (source.stream != 0) wait_for(stream_->get(), source.stream);
}

const double* DeviceSolver::as_double(const Source& source, std::int64_t count,
                                      Buffer<double>& buffer, int* odd) {
    const Stream stream = stream_->get();
    if (!source.on_device) {  // checked by the caller, and always double
        upload(buffer.get(), source.data, static_cast<std::size_t>(count) * sizeof(double), stream);
        return buffer.get();
    }
    if (source.single) {
        convert<float>(source.data, count, buffer.get(), odd, stream);
    } else {
        convert<double>(source.data, count, buffer.get(), odd, stream);
    }
    return buffer.get();
}

// Puts a mask where a captured request reads it each time; whether it is known to be there already.
bool DeviceSolver::take_mask(const Source& mask) {
    const Stream stream = stream_->get();
    const auto* given = static_cast<const std::uint8_t*>(mask.data);
    const bool same = !mask.on_device && host_mask_.size() == mask_.size() &&
                      std::equal(host_mask_.begin(), host_mask_.end(), given);
    if (same) return true;
    host_mask_.clear();  // until the factorization is that of the new one
    if (mask.on_device) {
        copy(mask_.get(), mask.data, mask_.size(), stream);
    } else {
        upload(mask_.get(), mask.data, mask_.size(), stream);
    }
    return false;
}

Solution DeviceSolver::solve(const Source& mask, const Source& b, std::int64_t channels,
                             bool masked) {
    const std::lock_guard<std::mutex> lock(turn_);
    const Using guard(lists_->device);
    const Stream stream = stream_->get();
    const std::int64_t pixels = lists_->plan->grid.pixels();
    // All memory first: what fails then has started nothing.
    const auto values = static_cast<std::size_t>(pixels * channels);
    Solution found{Buffer<double>(values, stream), 0};
    b_.reserve(values, stream);
    // What others still do to it is not this solver's time.
    if (mask.on_device) receive(mask);
    if (b.on_device) receive(b);
    timer_.start(stream);
    const bool same_mask = take_mask(mask);
    fill(flags_.get(), 0, kFlags * sizeof(int), stream);
    const double* right = as_double(b, pixels * channels, b_, flags_.get() + kOdd);
    launch_over(pixels, stream, FindMark{mask_.get(), pixels, flags_.get() + kMarked});
    factorization_->solve({mask_.get(), masked, right, found.x.get(), channels, same_mask});
    timer_.stop(stream);
    int flags[kFlags];
    download(flags, flags_.get(), sizeof flags, stream);
    synchronize(stream);
    const bool succeeded = flags[kMarked] && flags[kFailed] == 0;
    factorization_->settle(succeeded);
    if (!succeeded) host_mask_.clear();
    if (succeeded && !mask.on_device && !same_mask) {
        const auto* given = static_cast<const std::uint8_t*>(mask.data);
        host_mask_.assign(given, given + mask_.size());
    }
    if (!flags[kMarked]) throw NoMark("mask marks no pixel: there is no colour to propagate");
    if (flags[kFailed] != 0) {
        const auto unknown = static_cast<std::size_t>(pixels - flags[kFailed]);
        throw SingularSystem(lists_->plan->pixel_at[unknown]);
    }
    if (flags[kOdd]) throw NotFinite("values hold NaN or infinite values; replace them first");
    found.nanoseconds = timer_.nanoseconds();
    return found;
}

void DeviceSolver::affinities(double* local, double* global) {
    const Using guard(lists_->device);
    download(local, local_.get(), local_.size() * sizeof(double), stream_->get());
    if (global_.size()) {
        download(global, global_.get(), global_.size() * sizeof(double), stream_->get());
    }
    synchronize(stream_->get());
}

std::size_t DeviceSolver::bytes() const {
    const std::lock_guard<std::mutex> lock(turn_);
    return local_.bytes() + global_.bytes() + b_.bytes() + mask_.bytes() + flags_.bytes() +
           factorization_->bytes();
}

void DeviceSolver::fetch(double* target, const Buffer<double>& values) {
    const Using guard(lists_->device);
    download(target, values.get(), values.size() * sizeof(double), stream_->get());
    synchronize(stream_->get());
}

#ifndef COLORDEPLOY_EMULATED
const void* probe_kernel() { return reinterpret_cast<const void*>(&run_kernel<FindMark>); }
#endif

}  // namespace colordeploy::propagation::cuda
