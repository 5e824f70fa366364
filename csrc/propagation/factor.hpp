// The factor of a system for a mask, and what it takes to bring it to another mask.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../crew.hpp"
#include "../memory.hpp"
#include "batches.hpp"
#include "elimination.hpp"
#include "failure.hpp"
#include "plan.hpp"

namespace colordeploy::propagation {

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

    // Entries of work memory that a thread needs; `shared`: for what is done together as well.
    std::size_t work_size(bool shared, const Schedule& schedule) const;

    // Notes what has to be eliminated for a mask, and takes the memory: std::bad_alloc.
    void change(const std::uint8_t* mask);
    // Does it for the cells of a batch, and for a separator once its children are done: by all
    // members of a crew, with work memory that they share.
    void eliminate(const Batch& batch, T* work, Failure& failure);
    void eliminate(std::int32_t separator, T* work, Failure& failure, Member& member);
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
