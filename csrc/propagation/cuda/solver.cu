#include <algorithm>
#include <string>

#include "../solver.hpp"
#include "affinity_kernels.hpp"
#include "solver.hpp"
#include "substitution_kernels.hpp"

namespace colordeploy::propagation::cuda {

namespace {

constexpr int kThreads = 128;
constexpr int kMostPieces = 1024;  // of a front, where a block takes every kMostPieces-th part
enum Flag { kFailed, kOdd, kMarked, kFlags };
constexpr int kNone = 0x7fffffff;

std::int64_t pieces_of(std::int64_t count, std::int64_t piece) {
    return (count + piece - 1) / piece;
}

int some(std::int64_t count) {
    return static_cast<int>(std::clamp<std::int64_t>(count, 1, kMostPieces));
}

template <typename T>
void weigh(const Grid& grid, const T* features, const FeatureLayout& layout, double sigma,
           const std::int32_t* points, double* local, double* global, int* odd, Stream stream) {
    const Features<T> given{features, layout, 1.0 / sigma};
    using Local = LocalAffinities<T>;
    launch(pieces_of(grid.pixels(), Local::kPiece), 1, Local::kPiece, 0, stream,
           Local{given, grid.height, grid.width, local, odd});
    launch(grid.global_points(), 1, kThreads, 0, stream,
           GlobalAffinities<T>{given, points, grid.width, global});
}

template <typename T>
void convert(const void* source, std::int64_t count, double* target, int* odd, Stream stream) {
    using Kernel = Convert<T>;
    launch(pieces_of(count, Kernel::kPiece), 1, 256, 0, stream,
           Kernel{static_cast<const T*>(source), target, count, odd});
}

}  // namespace

DeviceSolver::DeviceSolver(std::shared_ptr<const DevicePlan> plan, double alpha, double phi)
    : lists_(std::move(plan)),
      stream_(std::make_shared<OwnStream>(lists_->device, lists_->pool.get())),
      alpha_(alpha),
      phi_(phi) {
    const Stream stream = stream_->get();
    const FlatPlan& flat = lists_->flat;
    const Using guard(lists_->device);
    const std::size_t needed = 8 * lists_->solver_size(2),
                      present = free_memory(lists_->pool.get());
    if (needed > present) {
        throw DeviceMemoryError(std::to_string(needed >> 20) + " MiB are needed and " +
                                std::to_string(present >> 20) + " MiB are free");
    }
    const auto size = [](std::int64_t n) { return static_cast<std::size_t>(n); };
    const Grid& grid = lists_->plan->grid;
    const std::int64_t global = grid.global_points();
    local_ = Buffer<double>(size(4 * grid.pixels()), stream);
    global_ = Buffer<double>(size(global * (global - 1) / 2), stream);
    factor_ = Buffer<double>(size(flat.factor_size), stream);
    update_ = Buffer<double>(size(flat.update_size), stream);
    inverse_ = Buffer<double>(size(flat.inverse_size), stream);
    mask_ = Buffer<std::uint8_t>(size(grid.pixels()), stream);
    next_mask_ = Buffer<std::uint8_t>(size(grid.pixels()), stream);
    changed_ = Buffer<int>(flat.fronts.size(), stream);
    flags_ = Buffer<int>(kFlags, stream);
    list_ = Buffer<std::int32_t>(flat.fronts.size(), stream);
    std::int64_t most = 0;
    for (const Level& level : lists_->levels) most = std::max(most, level.count);
    sums_ = Buffer<double>(size(most * kTile), stream);
}

DeviceSolver::DeviceSolver(std::shared_ptr<const DevicePlan> plan, const Source& features,
                           const FeatureLayout& layout, double sigma, double alpha, double phi)
    : DeviceSolver(std::move(plan), alpha, phi) {
    const Using guard(lists_->device);
    const Stream stream = stream_->get();
    const Grid& grid = lists_->plan->grid;
    clear(flags_.get(), kFlags * sizeof(int), stream);
    const std::size_t bytes = static_cast<std::size_t>(grid.pixels() * layout.channels) *
                              (features.single ? sizeof(float) : sizeof(double));
    Buffer<std::uint8_t> copy;
    const void* values = features.data;
    if (!features.on_device) {
        copy = Buffer<std::uint8_t>(bytes, stream);
        upload(copy.get(), values, bytes, stream);
        values = copy.get();
    } else {
        receive(features);
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
    download(flags, flags_.get(), sizeof flags, stream);
    synchronize(stream);
    if (flags[kOdd]) throw NotFinite("features hold NaN or infinite values; replace them first");
}

DeviceSolver::DeviceSolver(std::shared_ptr<const DevicePlan> plan, const double* local,
                           const double* global, double alpha, double phi)
    : DeviceSolver(std::move(plan), alpha, phi) {
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
    receive(source);
    if (source.single) {
        convert<float>(source.data, count, buffer.get(), odd, stream);
    } else {
        convert<double>(source.data, count, buffer.get(), odd, stream);
    }
    return buffer.get();
}

// Levels to eliminate for a mask, their fronts in list_.
std::vector<Level> DeviceSolver::find_changes(const std::uint8_t* mask) {
    const Stream stream = stream_->get();
    const FlatPlan& flat = lists_->flat;
    const std::size_t count = flat.fronts.size();
    clear(changed_.get(), count * sizeof(int), stream);
    const std::int64_t pixels = lists_->plan->grid.pixels();
    launch(pieces_of(pixels, FindChanges::kPiece), 1, 256, 0, stream,
           FindChanges{mask_.get(), mask, lists_->front_of.get(), pixels, changed_.get()});
    std::vector<int> changed(count);
    download(changed.data(), changed_.get(), count * sizeof(int), stream);
    synchronize(stream);
    std::vector<std::uint8_t> chosen(count, 0);
    for (std::size_t f = 0; f < count; ++f) {
        if (!changed[f]) continue;
        for (auto up = static_cast<std::int32_t>(f); up >= 0 && !chosen[up]; up = flat.parent[up]) {
            chosen[up] = 1;
        }
    }
    std::vector<Level> levels = flat.levels(chosen, host_list_);
    upload(list_.get(), host_list_.data(), host_list_.size() * sizeof(std::int32_t), stream);
    return levels;
}

void DeviceSolver::factorize(const std::vector<Level>& levels, const std::int32_t* list,
                             const std::uint8_t* mask) {
    const Stream stream = stream_->get();
    const FlatPlan& flat = lists_->flat;
    const auto root = static_cast<std::int32_t>(flat.fronts.size()) - 1;
    for (const Level& level : levels) {
        const Fronts at{lists_->fronts.get(), list + level.begin, lists_->to_parent.get(),
                        factor_.get(),        update_.get(),      inverse_.get()};
        const int parts = some(pieces_of(level.entries, kThreads * 8));
        launch(level.count, parts, kThreads, 0, stream, Clear{at, parts});
        launch(level.count, 1, kThreads, 0, stream,
               AddEdges{at, lists_->edges.get(), lists_->pixel_at.get(), mask, local_.get(), alpha_,
                        phi_});
        if (flat.clique && flat.depth[root] == 0 && &level == &levels.back()) {
            const int columns = some(level.pivots);
            launch(level.count, columns, kThreads, 0, stream,
                   AddClique{at, global_.get(), alpha_, columns});
        }
        for (int child = 0; child < 2; ++child) {
            const int columns = some(level.rows);
            launch(level.count, columns, kThreads, 0, stream, AddChild{at, child, columns});
        }
        const std::int32_t panels = static_cast<std::int32_t>(pieces_of(level.pivots, kTile));
        for (std::int32_t panel = 0; panel < panels; ++panel) {
            const std::int64_t rest = level.rows - std::int64_t{panel} * kTile;
            launch(level.count, std::min(kTile, level.pivots), kThreads, kThreads, stream,
                   SumColumns{at, panel, sums_.get()});
            using Eliminate = EliminatePanel;
            launch(level.count, some(pieces_of(rest, Eliminate::kRowsOfPiece)), kThreads,
                   Eliminate::kSharedSize, stream,
                   Eliminate{at, panel, sums_.get(), flags_.get() + kFailed});
            launch(level.count, static_cast<int>(UpdateRest::tiles(rest)), UpdateRest::kMost,
                   UpdateRest::kSharedSize, stream, UpdateRest{at, panel});
        }
    }
}

void DeviceSolver::substitute(const double* b, const std::uint8_t* mask, double* x,
                              std::int64_t channels) {
    const Stream stream = stream_->get();
    const std::int64_t plane = lists_->flat.vector_size;
    const Sides sides{lists_->pixel_at.get(), lists_->boundary_pixel.get(), vectors_.get(), plane,
                      channels};
    const auto at = [&](const Level& level) {
        return Fronts{lists_->fronts.get(),    lists_->list.get() + level.begin,
                      lists_->to_parent.get(), factor_.get(),
                      update_.get(),           inverse_.get()};
    };
    const std::vector<Level>& levels = lists_->levels;
    const auto threads = [](const Level& level) {
        return level.rows > 256 ? Forward::kMost : kThreads;
    };
    for (const Level& level : levels) {
        launch(level.count, static_cast<int>(channels), threads(level), Forward::kSharedSize,
               stream, Forward{at(level), sides, b, mask});
    }
    for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
        launch(level->count, static_cast<int>(channels), threads(*level), Backward::kSharedSize,
               stream, Backward{at(*level), sides, x});
    }
}

Buffer<double> DeviceSolver::solve(const Source& mask, const Source& b, std::int64_t channels,
                                   bool masked) {
    const std::lock_guard<std::mutex> lock(turn_);
    const Using guard(lists_->device);
    const Stream stream = stream_->get();
    const std::int64_t pixels = lists_->plan->grid.pixels();
    const auto bytes = static_cast<std::size_t>(pixels);
    // All memory first: what fails then has started nothing.
    const auto values = static_cast<std::size_t>(pixels * channels);
    Buffer<double> x(values, stream);
    b_.reserve(values, stream);
    vectors_.reserve(static_cast<std::size_t>(lists_->flat.vector_size * channels), stream);
    const std::uint8_t* marks = next_mask_.get();
    if (mask.on_device) {
        receive(mask);
        marks = static_cast<const std::uint8_t*>(mask.data);
    } else {
        upload(next_mask_.get(), mask.data, bytes, stream);
    }
    const int before[kFlags] = {kNone, 0, 0};
    upload(flags_.get(), before, sizeof before, stream);
    const double* right = as_double(b, pixels * channels, b_, flags_.get() + kOdd);
    launch(pieces_of(pixels, FindMark::kPiece), 1, 256, 0, stream,
           FindMark{marks, pixels, flags_.get() + kMarked});
    if (!factorized_) {
        factorize(lists_->levels, lists_->list.get(), marks);
    } else {
        const std::vector<Level> levels = find_changes(marks);
        factorized_ = false;  // until all of it went well
        factorize(levels, list_.get(), marks);
    }
    substitute(right, masked ? marks : nullptr, x.get(), channels);
    copy(mask_.get(), marks, bytes, stream);
    int flags[kFlags];
    download(flags, flags_.get(), sizeof flags, stream);
    synchronize(stream);
    if (!flags[kMarked]) throw NoMark("mask marks no pixel: there is no colour to propagate");
    if (flags[kFailed] != kNone) {
        throw SingularSystem(lists_->plan->pixel_at[static_cast<std::size_t>(flags[kFailed])]);
    }
    factorized_ = true;
    if (flags[kOdd]) throw NotFinite("values hold NaN or infinite values; replace them first");
    return x;
}

void DeviceSolver::affinities(double* local, double* global) {
    const Using guard(lists_->device);
    download(local, local_.get(), local_.size() * sizeof(double), stream_->get());
    if (global_.size()) {
        download(global, global_.get(), global_.size() * sizeof(double), stream_->get());
    }
    synchronize(stream_->get());
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
