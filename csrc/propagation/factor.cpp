#include "factor.hpp"

#include <algorithm>
#include <new>

namespace colordeploy::propagation {

namespace {

constexpr int kGroupsPerThread = 4;  // so that an unlucky distribution costs little

}  // namespace

Schedule::Schedule(const Plan& plan, int threads) : depth(threads > 1 ? 1 : 0) {
    // Depth 0 is the clique alone.
    while (threads > 1 && (1 << (depth - 1)) < kGroupsPerThread * threads) ++depth;
    for (std::size_t f = 0; f < plan.fronts.size(); ++f) {
        const Front& front = plan.fronts[f];
        if (front.cell >= 0 || front.depth > depth) continue;
        (front.depth == depth ? roots : top).push_back(static_cast<std::int32_t>(f));
    }
}

template <typename T>
Factor<T>::Factor(const Plan& plan, const System& system)
    : plan_(plan),
      system_(system),
      keep_(plan.keeps(sizeof(T))),
      batches_(batches_of(plan, kernels<T>().lanes, cells_size_)) {}

template <typename T>
std::size_t Factor<T>::work_size(bool shared, const Schedule& schedule) const {
    std::size_t cell = 0;
    for (const CellShape& shape : plan_.shapes) cell = std::max(cell, shape.work_size());
    return std::max(cell * static_cast<std::size_t>(kernels<T>().lanes),
                    Elimination<T>::work_size(plan_, shared ? 0 : schedule.depth));
}

// All fronts, or those above a changed pixel, beside those that a cancelled solve has left.
template <typename T>
void Factor<T>::change(const std::uint8_t* mask) {
    const auto pixels = static_cast<std::size_t>(plan_.grid.pixels());
    std::vector<std::uint8_t> present(mask, mask + pixels);
    const bool known = !mask_.empty();
    if (!known || (!keep_ && !std::equal(mask_.begin(), mask_.end(), mask))) {
        changed_.assign(plan_.fronts.size(), 1);
    } else if (keep_) {
        for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
            if ((mask_[pixel] != 0) == (mask[pixel] != 0)) continue;
            std::int32_t f = plan_.front_of[pixel];
            for (; f >= 0 && !changed_[f]; f = plan_.fronts[f].parent) changed_[f] = 1;
        }
    }
    mask_.clear();  // for now: memory may run out
    if (!separators_) separators_ = Buffer<T>(plan_.factor_size);
    if (!cells_) cells_ = Buffer<T>(cells_size_);
    if (keep_ && !kept_) kept_ = Buffer<T>(plan_.kept_size);
    if (!keep_) updates_.resize(plan_.fronts.size());
    mask_.swap(present);
}

template <typename T>
bool Factor<T>::take_update(std::int32_t f, Failure& failure) {
    if (keep_) return true;
    try {
        updates_[f] = Buffer<T>(plan_.fronts[f].shape().update_size());
        return true;
    } catch (const std::bad_alloc&) {
        failure.set_memory();
        return false;
    }
}

template <typename T>
void Factor<T>::eliminate(const Batch& batch, T* work, Failure& failure) {
    const auto begin = plan_.cells.begin() + batch.begin, end = begin + batch.count;
    const auto changed = [&](const Cell& cell) { return changed_[cell.front] != 0; };
    if (std::none_of(begin, end, changed)) return;
    const CellProgram program = plan_.shapes[batch.shape].program();
    const auto origins = batch.origins(plan_);
    std::array<std::int32_t, Batch::kMostLanes> failed;
    const CellSystem system{system_.local, system_.alpha, system_.phi, system_.screening,
                            mask_.data()};
    kernels<T>().eliminate_cells(program, system, origins.data(), work, cells_.get() + batch.factor,
                                 failed.data());
    for (auto cell = begin; cell != end; ++cell) {
        if (!changed(*cell)) continue;
        const std::ptrdiff_t lane = cell - begin;
        const Front& front = plan_.fronts[cell->front];
        if (failed[lane] >= 0) failure.set_position(front.first_pivot + failed[lane]);
        if (!take_update(cell->front, failure)) return;
        kernels<T>().scatter_cell(program, work, lane,
                                  plan_.boundary_place.data() + front.boundary_begin,
                                  update_of(cell->front));
    }
}

template <typename T>
void Factor<T>::eliminate(std::int32_t f, T* work, Failure& failure, Member& member) {
    if (!changed_[f]) return;
    if (!keep_) member.once([&] { take_update(f, failure); });
    if (failure.of_memory()) return;
    const Front& front = plan_.fronts[f];
    const T* below[2] = {nullptr, nullptr};
    for (int i = 0; i < 2; ++i) {
        if (front.children[i] >= 0) below[i] = update_of(front.children[i]);
    }
    Elimination<T>(plan_, system_, mask_.data())
        .run(front, below, work, {separators_.get() + front.factor, update_of(f)}, failure, member);
    if (keep_) return;
    member.once([&] {
        for (std::int32_t c : front.children) {
            if (c >= 0) updates_[c].reset();
        }
    });
}

template <typename T>
void Factor<T>::settle(bool done) {
    if (done) std::fill(changed_.begin(), changed_.end(), 0);
}

template <typename T>
std::size_t Factor<T>::bytes() const {
    return separators_.bytes() + cells_.bytes() + kept_.bytes() + mask_.capacity() +
           changed_.capacity() + batches_.capacity() * sizeof(Batch);
}

template class Factor<double>;
template class Factor<float>;

}  // namespace colordeploy::propagation
