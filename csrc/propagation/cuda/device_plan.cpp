#include "device_plan.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace colordeploy::propagation::cuda {

namespace {

constexpr std::size_t kKept = std::size_t{1} << 30;  // bytes

template <typename T>
Buffer<T> uploaded(const std::vector<T>& values, Stream stream) {
    Buffer<T> buffer(values.size(), stream);
    upload(buffer.get(), values.data(), values.size() * sizeof(T), stream);
    return buffer;
}

}  // namespace

FlatPlan::FlatPlan(const Plan& plan)
    : to_parent(plan.boundary_pixel.size(), -1),
      edges_begin(static_cast<std::size_t>(plan.grid.pixels()) + 1, 0) {
    fronts.reserve(plan.fronts.size());
    for (const Front& front : plan.fronts) {
        DeviceFront flat{};
        flat.first = front.first_pivot;
        flat.pivots = front.pivots;
        flat.boundary = front.boundary;
        std::copy(front.children.begin(), front.children.end(), flat.child);
        flat.factor = factor_size;
        flat.update = update_size;
        flat.inverse = inverse_size;
        flat.index = static_cast<std::int64_t>(front.boundary_begin);
        flat.vector = vector_size;
        factor_size += std::int64_t{flat.rows()} * flat.pivots;
        update_size += (std::int64_t{flat.boundary} + 1) * flat.boundary;
        inverse_size += std::int64_t{flat.pivots} * kTile;
        vector_size += flat.rows();
        fronts.push_back(flat);
        parent.push_back(front.parent);
        depth.push_back(front.depth);
    }
    sort_edges(plan);
    for (const Front& front : plan.fronts) {
        if (front.parent < 0) continue;
        const std::int32_t pivots = plan.fronts[front.parent].pivots;
        const auto gap = static_cast<std::int32_t>(padded(pivots)) - pivots;
        for (std::size_t r = front.run_begin; r < front.run_begin + front.run_count; ++r) {
            const Run& run = plan.runs[r];
            for (std::int32_t i = 0; i < run.length; ++i) {
                const std::int32_t row = run.to + i;
                to_parent[front.boundary_begin + run.from + i] = row < pivots ? row : row - gap;
            }
        }
    }
    from_child.assign(static_cast<std::size_t>(2 * vector_size), -1);
    for (const DeviceFront& front : fronts) {
        for (int k = 0; k < 2; ++k) {
            if (front.child[k] < 0) continue;
            const DeviceFront& below = fronts[front.child[k]];
            std::int32_t* rows = from_child.data() + 2 * front.vector + k;
            for (std::int32_t i = 0; i < below.boundary; ++i) {
                rows[2 * to_parent[below.index + i]] = i;
            }
            rows[2 * front.ground()] = below.boundary;
        }
    }
    clique = plan.grid.global_points() > 1;
}

void FlatPlan::sort_edges(const Plan& plan) {
    const auto count = static_cast<std::int32_t>(plan.fronts.size());
    for (std::int32_t f = 0; f < count; ++f) {
        const Front& front = plan.fronts[f];
        const auto gap = static_cast<std::int32_t>(padded(front.pivots)) - front.pivots;
        std::vector<FrontEdge> own = plan.edges_of(f);
        std::stable_sort(own.begin(), own.end(), [](const FrontEdge& a, const FrontEdge& b) {
            return a.column < b.column;
        });
        for (FrontEdge& edge : own) {
            if (edge.row >= front.pivots) edge.row -= gap;
            ++edges_begin[front.first_pivot + edge.column + 1];
        }
        edges.insert(edges.end(), own.begin(), own.end());  // fronts are in order of elimination
    }
    std::partial_sum(edges_begin.begin(), edges_begin.end(), edges_begin.begin());
}

std::vector<Level> FlatPlan::levels(std::vector<std::int32_t>& list) const {
    const std::int32_t deepest = *std::max_element(depth.begin(), depth.end());
    std::vector<std::vector<std::int32_t>> by_depth(static_cast<std::size_t>(deepest) + 1);
    for (std::size_t f = 0; f < fronts.size(); ++f) {
        by_depth[depth[f]].push_back(static_cast<std::int32_t>(f));
    }
    list.clear();
    std::vector<Level> result;
    for (auto ids = by_depth.rbegin(); ids != by_depth.rend(); ++ids) {
        Level level;
        level.begin = static_cast<std::int64_t>(list.size());
        level.count = static_cast<std::int64_t>(ids->size());
        for (std::int32_t id : *ids) {
            const DeviceFront& front = fronts[id];
            level.pivots = std::max(level.pivots, front.pivots);
            level.boundary = std::max(level.boundary, front.boundary);
            level.rows = std::max(level.rows, front.rows());
        }
        list.insert(list.end(), ids->begin(), ids->end());
        result.push_back(level);
    }
    return result;
}

OwnStream::~OwnStream() {
    try {
        const Using guard(device_);
        drop(stream_);
    } catch (const DeviceError&) {  // the process ends, and the driver has gone before it
    }
}

void OwnPool::keep_at_least(std::size_t bytes) {
    const std::lock_guard<std::mutex> lock(guard_);
    if (bytes <= kept_) return;
    keep(pool_, bytes);
    kept_ = bytes;
}

std::shared_ptr<OwnPool> pool_of(int device) {
    static std::mutex guard;
    static std::map<int, std::weak_ptr<OwnPool>> pools;
    const std::lock_guard<std::mutex> lock(guard);
    std::shared_ptr<OwnPool> pool = pools[device].lock();
    if (!pool) pools[device] = pool = std::make_shared<OwnPool>(device);
    return pool;
}

DevicePlan::DevicePlan(std::shared_ptr<const Plan> given, int number)
    : plan(std::move(given)),
      device(number),
      flat(*plan),
      levels(flat.levels(everything)),
      pool(pool_of(number)),
      stream(number, pool->get()) {
    // Two canvases of this size at a time need no memory of the driver.
    pool->keep_at_least(std::max(kKept, 2 * 8 * solver_size(2)));
    upload_all();
}

void DevicePlan::upload_all() {
    const Using guard(device);
    const Stream own = stream.get();
    fronts = uploaded(flat.fronts, own);
    list = uploaded(everything, own);
    pixel_at = uploaded(plan->pixel_at, own);
    front_of = uploaded(plan->front_of, own);
    parent = uploaded(flat.parent, own);
    boundary_pixel = uploaded(plan->boundary_pixel, own);
    to_parent = uploaded(flat.to_parent, own);
    from_child = uploaded(flat.from_child, own);
    edges = uploaded(flat.edges, own);
    edges_begin = uploaded(flat.edges_begin, own);
    const std::vector<std::int32_t> global = plan->grid.global_pixels();
    points = uploaded(global, own);
    synchronize(own);  // `global` ends here
}

std::int64_t DevicePlan::sums_size() const {
    std::int64_t most = 0;
    for (const Level& level : levels) {
        most = std::max(most, level.count * ((level.rows + kSide - 1) / kSide) * kTile);
    }
    return most;
}

std::size_t DevicePlan::solver_size(std::int64_t channels) const {
    const auto pixels = static_cast<std::int64_t>(plan->grid.pixels());
    const auto global = static_cast<std::int64_t>(plan->grid.global_points());
    return static_cast<std::size_t>(flat.factor_size + flat.update_size + flat.inverse_size +
                                    flat.vector_size * channels + sums_size() + 4 * pixels +
                                    global * (global - 1) / 2 + 3 * pixels * channels);
}

}  // namespace colordeploy::propagation::cuda
