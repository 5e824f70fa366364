#include "solver.hpp"

#include <atomic>
#include <new>
#include <vector>

#include "../memory.hpp"
#include "../turn.hpp"
#include "factor.hpp"
#include "substitution.hpp"

namespace colordeploy::propagation {

namespace {

constexpr std::size_t kSmallFactor = 100'000;  // entries; below, threads cost more than they save

template <typename List, typename Work>
void share_each(Member& member, const List& list, Work&& work) {
    member.share(static_cast<std::ptrdiff_t>(list.size()), 1,
                 [&](std::ptrdiff_t i, std::ptrdiff_t) { work(list[i]); });
}

template <typename T>
class SolverOf final : public Solver {
 public:
    SolverOf(std::shared_ptr<const Plan> plan, const System& system)
        : plan_(std::move(plan)), system_(system) {}

    void solve(const std::uint8_t* mask, const Values& values, int threads,
               const CancelFlag* cancel) override {
        throw_if_set(cancel);
        const bool abandoned = turn_.take();
        const struct GiveBack {
            Turn& turn;
            ~GiveBack() { turn.give_back(); }
        } at_the_end{turn_};
        if (abandoned) static_cast<void>(state_.release());  // to destroy it could go wrong
        if (!state_) state_ = std::make_unique<State>(*plan_, system_);
        const bool small = plan_->factor_size + plan_->cell_factor_size < kSmallFactor;
        solve_in_turn(mask, values, small || threads < 1 ? 1 : threads, cancel);
    }

    std::size_t bytes() const override { return bytes_; }
    const Plan& plan() const override { return *plan_; }

 private:
    struct State {
        State(const Plan& plan, const System& system) : factor(plan, system) {}
        Factor<T> factor;
        Buffer<T> contributions;  // of the forward substitution, by front
        std::vector<std::uint8_t> nonzero;
    };

    // What one thread needs for itself.
    struct Scratch {
        Buffer<T> work, t;
    };

    void solve_in_turn(const std::uint8_t* mask, const Values& values, int threads,
                       const CancelFlag* cancel);
    bool eliminate(const Schedule& schedule, const Substitution<T>& substitution,
                   const Scratch& own, T* shared, Failure& failure, Member& member);
    void substitute_back(const Schedule& schedule, const Substitution<T>& substitution,
                         const Scratch& own, Member& member) const;

    std::shared_ptr<const Plan> plan_;
    const System system_;
    Turn turn_;
    std::unique_ptr<State> state_;
    std::atomic<std::size_t> bytes_{0};
};

template <typename T>
void SolverOf<T>::solve_in_turn(const std::uint8_t* mask, const Values& values, int threads,
                                const CancelFlag* cancel) {
    Factor<T>& factor = state_->factor;
    factor.change(mask);
    state_->contributions.reset();
    state_->contributions =
        Buffer<T>(plan_->boundary_pixel.size() * static_cast<std::size_t>(values.channels));
    state_->nonzero.resize(plan_->fronts.size());
    const Schedule schedule(*plan_, threads);
    std::vector<Scratch> scratch;
    scratch.reserve(static_cast<std::size_t>(threads));
    for (int i = 0; i < threads; ++i) {
        scratch.push_back({Buffer<T>(factor.work_size(i == 0, schedule)),
                           Buffer<T>(Substitution<T>::scratch_size(*plan_, values.channels))});
    }
    const Substitution<T> substitution(*plan_, factor.separators(), factor.cells(), factor.mask(),
                                       values, state_->contributions.get(), state_->nonzero.data());
    Failure failure;
    std::atomic<bool> eliminated{false};
    run_crew(threads, cancel, [&](Member& member) {
        const Scratch& own = scratch[static_cast<std::size_t>(member.rank())];
        T* shared = scratch[0].work.get();
        if (!eliminate(schedule, substitution, own, shared, failure, member)) return;
        eliminated = true;
        substitute_back(schedule, substitution, own, member);
    });
    factor.drop_updates();
    bytes_ = factor.bytes() + state_->contributions.bytes();
    factor.settle(eliminated);
    // What is cancelled has a mask and fronts that are still to be eliminated for it.
    throw_if_set(cancel);
    if (!failure.any()) return;
    factor.forget();
    if (failure.of_memory()) throw std::bad_alloc();
    throw SingularSystem(plan_->pixel_at[failure.position()]);
}

// With the forward substitution of all but the top: what has just been eliminated is in the cache.
// Returns whether it was done to the end.
template <typename T>
bool SolverOf<T>::eliminate(const Schedule& schedule, const Substitution<T>& substitution,
                            const Scratch& own, T* shared, Failure& failure, Member& member) {
    Factor<T>& factor = state_->factor;
    T *work = own.work.get(), *t = own.t.get();
    share_each(member, factor.batches(), [&](const Batch& batch) {
        factor.eliminate(batch, work, failure);
        substitution.forward(batch, t);
    });
    share_each(member, schedule.roots, [&](std::int32_t root) {
        Member alone = member.alone();
        for (std::int32_t f = plan_->fronts[root].first_front; f <= root; ++f) {
            if (failure.of_memory() || member.cancelled()) return;
            if (plan_->fronts[f].cell >= 0) continue;
            factor.eliminate(f, work, failure, alone);
            substitution.forward(plan_->fronts[f], t);
        }
    });
    for (std::int32_t f : schedule.top) factor.eliminate(f, shared, failure, member);
    // Nothing was left out if this member finds the flag unset.
    return !failure.any() && !member.cancelled();
}

template <typename T>
void SolverOf<T>::substitute_back(const Schedule& schedule, const Substitution<T>& substitution,
                                  const Scratch& own, Member& member) const {
    const std::vector<Front>& fronts = plan_->fronts;
    T* t = own.t.get();
    member.once([&] {
        for (std::int32_t f : schedule.top) {
            if (!member.cancelled()) substitution.forward(fronts[f], t);
        }
        for (auto f = schedule.top.rbegin(); f != schedule.top.rend(); ++f) {
            if (!member.cancelled()) substitution.backward(fronts[*f], t);
        }
    });
    share_each(member, schedule.roots, [&](std::int32_t root) {
        for (std::int32_t f = root; f >= fronts[root].first_front; --f) {
            if (member.cancelled()) return;
            if (fronts[f].cell < 0) substitution.backward(fronts[f], t);
        }
    });
    share_each(member, state_->factor.batches(),
               [&](const Batch& batch) { substitution.backward(batch, t); });
}

}  // namespace

std::unique_ptr<Solver> Solver::make(std::shared_ptr<const Plan> plan, const System& system,
                                     bool single) {
    if (single) return std::make_unique<SolverOf<float>>(std::move(plan), system);
    return std::make_unique<SolverOf<double>>(std::move(plan), system);
}

}  // namespace colordeploy::propagation
