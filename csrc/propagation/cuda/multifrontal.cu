#include <algorithm>
#include <string>

#include "front_kernels.hpp"
#include "multifrontal.hpp"
#include "substitution_kernels.hpp"

namespace colordeploy::propagation::cuda {

namespace {

constexpr int kThreads = 128;
constexpr std::int64_t kMostPieces = 1024;  // of a front, where a block takes several pieces
constexpr std::int64_t kEnoughBlocks = 8192;
constexpr std::int32_t kLargeBoundary = 256;  // from here on more than one block substitutes there
constexpr std::size_t kMostCaptured = 6;  // kinds of request: edits, colours, gradients; channels

int some(std::int64_t count, std::int64_t most = kMostPieces) {
    return static_cast<int>(std::max<std::int64_t>(1, std::min(count, most)));
}

std::int64_t parts_of(const Level& level) { return pieces_of(level.rows, kSide); }

std::size_t size(std::int64_t count) { return static_cast<std::size_t>(count); }

}  // namespace

Multifrontal::Multifrontal(std::shared_ptr<const DevicePlan> plan, Stream stream,
                           const Weights& weights, int* failed)
    : lists_(std::move(plan)), stream_(stream), weights_(weights), failed_(failed) {
    const FlatPlan& flat = lists_->flat;
    factor_ = Buffer<double>(size(flat.factor_size), stream);
    update_ = Buffer<double>(size(flat.update_size), stream);
    inverse_ = Buffer<double>(size(flat.inverse_size), stream);
    sums_ = Buffer<double>(size(lists_->sums_size()), stream);
    mask_ = Buffer<std::uint8_t>(size(lists_->plan->grid.pixels()), stream);
    chosen_ = Buffer<std::uint8_t>(flat.fronts.size(), stream);
}

Multifrontal::~Multifrontal() {
    for (const Captured& known : captured_) drop_captured(known.graph);
}

void Multifrontal::solve(const Request& request) {
    // Memory first: a capture must not take any.
    const Grid& grid = lists_->plan->grid;
    vectors_.reserve(size(lists_->flat.vector_size * request.channels), stream_);
    if (!factorized_) {
        fill(chosen_.get(), 1, chosen_.size(), stream_);
        factorize(request.mask);
        substitute(request);
        copy(mask_.get(), request.mask, mask_.size(), stream_);
        return;
    }
    factorized_ = false;  // until all of it went well
    const std::size_t values = size(grid.pixels() * request.channels);
    found_.reserve(values, stream_);
    // A capture writes to one place for ever.
    Request here = request;
    here.x = found_.get();
    if (!replay(here)) again(here);
    copy(request.x, found_.get(), values * sizeof(double), stream_);
}

// Does a request by a capture, if there is one of its kind or can be one by now.
bool Multifrontal::replay(const Request& request) {
    const Key key{request.same_mask, request.masked, request.channels, request.mask,
                  request.b,         request.x,      vectors_.get()};
    const auto same = [&](const Captured& known) { return known.key == key; };
    const auto found = std::find_if(captured_.begin(), captured_.end(), same);
    if (found == captured_.end()) {
        captured_.push_back({key});
        if (captured_.size() > kMostCaptured) {
            drop_captured(captured_.front().graph);
            captured_.erase(captured_.begin());
        }
        return false;
    }
    std::rotate(found, found + 1, captured_.end());
    Captured& known = captured_.back();
    if (known.graph == nullptr && captures_) known.graph = capture(request);
    if (known.graph == nullptr) return false;
    launch_captured(known.graph, stream_);
    return true;
}

// Null when it cannot be captured; then the ordinary way is gone from now on.
void* Multifrontal::capture(const Request& request) {
    if (!aside_) aside_ = std::make_unique<OwnStream>(lists_->device, lists_->pool->get());
    const Stream own = std::exchange(stream_, aside_->get());
    void* graph = nullptr;
    bool begun = false;
    try {
        begin_capture(stream_);
        begun = true;
        again(request);
    } catch (const DeviceError&) {
        captures_ = false;
    }
    try {
        if (begun) graph = end_capture(stream_);  // always, or the stream is of no use any more
    } catch (const DeviceError&) {
        captures_ = false;
    }
    stream_ = own;
    if (captures_) return graph;
    drop_captured(graph);
    return nullptr;
}

// Eliminates again what the mask changes, and solves. Holds nothing but launches and copies within
// the device, and none depends on what the mask is: so it can be captured.
void Multifrontal::again(const Request& request) {
    if (!request.same_mask) {
        fill(chosen_.get(), 0, chosen_.size(), stream_);
        const std::int64_t pixels = lists_->plan->grid.pixels();
        launch_over(pixels, stream_,
                    FindChanges{mask_.get(), request.mask, lists_->front_of.get(),
                                lists_->parent.get(), pixels, chosen_.get()});
        factorize(request.mask);
        copy(mask_.get(), request.mask, mask_.size(), stream_);
    }
    substitute(request);
}

void Multifrontal::factorize(const std::uint8_t* mask) {
    const FlatPlan& flat = lists_->flat;
    const auto unknowns = static_cast<int>(lists_->plan->pixel_at.size());
    for (const Level& level : lists_->levels) {
        const Fronts at{lists_->fronts.get(), lists_->list.get() + level.begin,
                        chosen_.get(),        factor_.get(),
                        update_.get(),        inverse_.get()};
        const PanelSums sums{sums_.get(), parts_of(level)};
        const bool root = &level == &lists_->levels.back();
        const int columns = some(level.rows, kEnoughBlocks / level.count);
        launch(
            level.count, columns, level.rows > kThreads / 2 ? kThreads : 32, Assemble::kSharedSize,
            stream_,
            Assemble{at, lists_->from_child.get(), lists_->edges.get(), lists_->edges_begin.get(),
                     lists_->pixel_at.get(), mask, weights_, root && flat.clique, columns, sums});
        const auto panels = static_cast<int>(pieces_of(level.pivots, kTile));
        for (int panel = 0; panel < panels; ++panel) {
            using Eliminate = EliminatePanel;
            const std::int64_t rest = level.rows - std::int64_t{panel} * kTile;
            const std::int64_t pieces = Eliminate::pieces(rest);  // each block does one of them
            if (some(pieces) < pieces) throw DeviceMemoryError("a front has too many rows");
            launch(level.count, some(pieces), kThreads, Eliminate::kSharedSize, stream_,
                   Eliminate{at, panel, sums, failed_, unknowns});
            launch(level.count, static_cast<int>(UpdateRest::tiles(rest)), UpdateRest::kMost,
                   UpdateRest::kSharedSize, stream_, UpdateRest{at, panel, sums});
        }
    }
}

void Multifrontal::substitute(const Request& request) {
    const auto channels = static_cast<int>(request.channels);
    const Sides sides{lists_->pixel_at.get(), lists_->boundary_pixel.get(), vectors_.get(),
                      lists_->flat.vector_size, request.channels};
    const std::uint8_t* mask = request.masked ? request.mask : nullptr;
    const auto at = [&](const Level& level) {
        return Fronts{lists_->fronts.get(), lists_->list.get() + level.begin,
                      chosen_.get(),        factor_.get(),
                      update_.get(),        inverse_.get()};
    };
    const auto threads = [](const Level& level) {
        return level.rows > 512 ? Forward::kMost : level.rows > 256 ? 512 : kThreads;
    };
    const auto split = [](const Level& level) { return level.boundary >= kLargeBoundary; };
    const auto pieces = [&](std::int64_t count, int piece) {
        return static_cast<int>(pieces_of(count, piece)) * channels;
    };
    const std::vector<Level>& levels = lists_->levels;
    for (const Level& level : levels) {
        launch(level.count, channels, threads(level), Forward::kSharedSize, stream_,
               Forward{at(level), lists_->to_parent.get(), sides, request.b, mask, split(level)});
        if (!split(level)) continue;
        launch(level.count, pieces(level.boundary, ForwardBelow::kRows), ForwardBelow::kMost,
               ForwardBelow::kSharedSize, stream_, ForwardBelow{at(level), sides});
    }
    for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
        if (split(*level)) {
            launch(level->count, pieces(level->pivots, BackwardBelow::kColumns),
                   BackwardBelow::kMost, BackwardBelow::kSharedSize, stream_,
                   BackwardBelow{at(*level), sides, request.x});
        }
        launch(level->count, channels, threads(*level), Backward::kSharedSize, stream_,
               Backward{at(*level), sides, request.x, split(*level)});
    }
}

}  // namespace colordeploy::propagation::cuda
