// A plan's index lists in the form that kernels read, and copied to the device.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "../plan.hpp"
#include "device.hpp"

namespace colordeploy::propagation::cuda {

#ifdef __CUDACC__
#define COLORDEPLOY_BOTH __host__ __device__
#else
#define COLORDEPLOY_BOTH
#endif

inline constexpr int kTile = 32;  // columns of a front that are eliminated at a time
inline constexpr int kSide = 64;  // rows and columns of a tile that is updated at a time

// A front on the device. Its rows: pivots, boundary, ground; nothing is padded. Entry (r, c) of
// its columns of the factor is at factor + r + c * rows(), of what it adds to its parent at
// update + (r - pivots) + (c - pivots) * (boundary + 1). Diagonals are not stored.
struct DeviceFront {
    std::int32_t first, pivots, boundary;
    std::int32_t child[2];
    std::int64_t factor, update;
    std::int64_t inverse;  // its panels' inverses, kTile values for each pivot
    std::int64_t index;    // its boundary in boundary_pixel and to_parent
    std::int64_t vector;   // rows() values for each right-hand side

    COLORDEPLOY_BOTH std::int32_t rows() const { return pivots + boundary + 1; }
    COLORDEPLOY_BOTH std::int32_t ground() const { return pivots + boundary; }
    COLORDEPLOY_BOTH std::int32_t panels() const { return (pivots + kTile - 1) / kTile; }
};

// Fronts of one depth that are worked on together, and the largest of them.
struct Level {
    std::int64_t begin = 0, count = 0;  // in the list of fronts
    std::int32_t pivots = 0, boundary = 0, rows = 0;
};

// What does not depend on a device.
struct FlatPlan {
    explicit FlatPlan(const Plan& plan);

    // All fronts by depth, the deepest first, and these depths.
    std::vector<Level> levels(std::vector<std::int32_t>& list) const;

    std::vector<DeviceFront> fronts;
    std::vector<std::int32_t> parent, depth;
    std::vector<std::int32_t> to_parent;   // a boundary unknown's row in the parent
    std::vector<std::int32_t> from_child;  // a row's place in the update of either child, or -1
    std::vector<FrontEdge> edges;          // by elimination position; rows without padding
    std::vector<std::int32_t> edges_begin;
    std::int64_t factor_size = 0, update_size = 0, inverse_size = 0, vector_size = 0;
    bool clique = false;  // the root (the last front) holds the global points

 private:
    void sort_edges(const Plan& plan);
};

// A stream with a pool of memory, both its own.
class OwnStream {
 public:
    OwnStream(int device, void* pool) : device_(device) {
        const Using guard(device);
        stream_ = make_stream(pool);
    }
    ~OwnStream();
    int device() const { return device_; }
    OwnStream(const OwnStream&) = delete;
    OwnStream& operator=(const OwnStream&) = delete;
    const Stream& get() const { return stream_; }

 private:
    int device_;
    Stream stream_;
};

// The memory of all solvers of a device, of whatever size: what one frees the next one gets.
class OwnPool {
 public:
    explicit OwnPool(int device) {
        const Using guard(device);
        pool_ = make_pool(device);
    }
    ~OwnPool() { drop_pool(pool_); }
    OwnPool(const OwnPool&) = delete;
    OwnPool& operator=(const OwnPool&) = delete;
    void* get() const { return pool_; }
    void keep_at_least(std::size_t bytes);

 private:
    void* pool_ = nullptr;
    std::mutex guard_;
    std::size_t kept_ = 0;
};

// Lives as long as there is a plan for the device.
std::shared_ptr<OwnPool> pool_of(int device);

// The lists on the device.
struct DevicePlan {
    DevicePlan(std::shared_ptr<const Plan> plan, int device);

    // Sums of columns by tiles, for the fronts of the depth that needs most.
    std::int64_t sums_size() const;
    // Entries of 8 bytes that our own factorization takes beside the lists.
    std::size_t solver_size(std::int64_t channels) const;

    std::shared_ptr<const Plan> plan;
    int device;
    FlatPlan flat;
    std::vector<std::int32_t> everything;  // all fronts in the order of `levels`
    std::vector<Level> levels;
    std::shared_ptr<OwnPool> pool;
    OwnStream stream;

    Buffer<DeviceFront> fronts;
    Buffer<std::int32_t> list, pixel_at, front_of, parent, boundary_pixel, to_parent, from_child;
    Buffer<std::int32_t> edges_begin, points;
    Buffer<FrontEdge> edges;

    // What cuDSS keeps for systems of this size, once there was one.
    mutable std::mutex cudss_guard;
    mutable std::shared_ptr<void> cudss;

 private:
    void upload_all();
};

}  // namespace colordeploy::propagation::cuda
