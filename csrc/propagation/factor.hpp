// The factor of a system for a mask, and what it takes to bring it to another mask.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../crew.hpp"
#include "../memory.hpp"
#include "batches.hpp"
#include "elimination.hpp"
#include "plan.hpp"

namespace colordeploy::propagation {

// The first (in order of elimination) pivot that failed, or memory that ran out.
class Failure {
 public:
    bool any() const { return position_.load() >= 0 || memory_.load(); }
    bool of_memory() const { return memory_.load(); }
    std::int32_t position() const { return position_.load(); }
    void set_memory() { memory_ = true; }
    void set_position(std::int32_t where) {
        std::int32_t seen = position_.load();
        while ((seen < 0 || where < seen) && !position_.compare_exchange_weak(seen, where)) {
        }
    }

 private:
    std::atomic<std::int32_t> position_{-1};
    std::atomic<bool> memory_{false};
};

// Which separators are eliminated by one thread each, and which by all together.
struct Schedule {
    Schedule(const Plan& plan, int threads);

    std::vector<std::int32_t> roots;  // of disjoint subtrees, enough to keep all threads busy
    std::vector<std::int32_t> top;    // what is above them
    std::int32_t depth;               // of the roots
};

template <typename T>
class Factor {
 public:
    Factor(const Plan& plan, const System& system);

    // Entries of work memory that a thread needs: the leader, who lends it for what is done
    // together, and the others.
    std::size_t work_size(bool leads, const Schedule& schedule) const;

    // Notes what has to be eliminated for a mask, and takes the memory: std::bad_alloc.
    void change(const std::uint8_t* mask);
    // Does it, by all members of a crew; the leader's work memory is used by all.
    void eliminate(const Schedule& schedule, T* own, T* leaders, Failure& failure,
                   const Member& member);
    // Says that it was done to the end, or that what there is is not to be used.
    void settle(bool done);
    void forget() { mask_.clear(); }
    void drop_updates() { updates_.clear(); }

    const std::uint8_t* mask() const { return mask_.data(); }
    const T* separators() const { return separators_.get(); }
    const T* cells() const { return cells_.get(); }
    const std::vector<Batch>& batches() const { return batches_; }
    std::size_t bytes() const;

 private:
    T* update_of(std::int32_t f) const {
        return keep_ ? kept_.get() + plan_.fronts[f].update : updates_[f].get();
    }
    bool take_update(std::int32_t f, Failure& failure);
    void eliminate_batch(const Batch& batch, T* work, Failure& failure);
    void eliminate_front(std::int32_t f, T* work, Failure& failure, const Member& member);

    const Plan& plan_;
    const System system_;
    const bool keep_;
    std::size_t cells_size_ = 0;  // before the batches, which set it
    std::vector<Batch> batches_;
    Buffer<T> separators_;               // panels, packed
    Buffer<T> cells_;                    // by batch
    Buffer<T> kept_;                     // updates of all fronts ...
    std::vector<Buffer<T>> updates_;     // ... or each until its parent has taken it
    std::vector<std::uint8_t> mask_;     // what it is for; empty: nothing
    std::vector<std::uint8_t> changed_;  // fronts that are still to be eliminated for it
};

}  // namespace colordeploy::propagation
