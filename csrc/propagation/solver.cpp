#include "solver.hpp"

#include <algorithm>
#include <new>

namespace colordeploy::propagation {

namespace {

constexpr int kGroupsPerThread = 4;            // so that an unlucky distribution costs little
constexpr std::size_t kSmallFactor = 100'000;  // entries; below, threads cost more than they save

bool above_units(const Front& front) { return front.unit < 0; }

}  // namespace

// What one thread needs for itself.
struct Solver::Scratch {
    Buffer<double> work;
    std::array<Buffer<double>, 2> stack;  // updates inside a unit, by the parity of the depth
    std::array<std::size_t, 2> used{0, 0};
    Buffer<double> t;  // rows of a front in substitutions
    std::ptrdiff_t plane = 0;
    std::vector<double*> updates;  // of the fronts of the present group

    Scratch(const Plan& plan, std::int32_t depth, std::ptrdiff_t channels)
        : work(Elimination::work_size(plan, depth)),
          stack{Buffer<double>(plan.stack_size[0]), Buffer<double>(plan.stack_size[1])},
          t(plan.largest_rows * static_cast<std::size_t>(channels)),
          plane(static_cast<std::ptrdiff_t>(plan.largest_rows)) {}
};

// The first (in order of elimination) pivot that failed, or memory that ran out.
struct Solver::Failure {
    std::atomic<std::int32_t> position{-1};
    std::atomic<bool> memory{false};

    bool any() const { return position.load() >= 0 || memory.load(); }
    void at(std::int32_t where) {
        std::int32_t seen = position.load();
        while ((seen < 0 || where < seen) && !position.compare_exchange_weak(seen, where)) {
        }
    }
};

Solver::Solver(std::shared_ptr<const Plan> plan, const System& system)
    : plan_(std::move(plan)), system_(system), keep_(plan_->keeps()) {}

// Marks the fronts that have to be eliminated: all, or those above a changed pixel, beside those
// that a cancelled solve has left. What is in the same unit as a changed pixel is eliminated again
// as well, since its updates were not kept.
void Solver::find_changes(const std::uint8_t* mask) {
    const std::vector<Front>& fronts = plan_->fronts;
    if (state_->mask.empty() ||
        (!keep_ && !std::equal(state_->mask.begin(), state_->mask.end(), mask))) {
        state_->changed.assign(fronts.size(), 1);
        return;
    }
    if (!keep_) return;
    for (std::size_t pixel = 0; pixel < state_->mask.size(); ++pixel) {
        if ((state_->mask[pixel] != 0) == (mask[pixel] != 0)) continue;
        std::int32_t f = plan_->front_of[pixel];
        if (fronts[f].unit >= 0) {
            f = fronts[f].unit;
            if (state_->changed[f]) continue;
            std::fill(state_->changed.begin() + fronts[f].begin, state_->changed.begin() + f, 1);
        }
        for (; f >= 0 && !state_->changed[f]; f = fronts[f].parent) state_->changed[f] = 1;
    }
}

// Roots of disjoint subtrees, enough of them to keep all threads busy, each a unit or above.
std::vector<std::int32_t> Solver::groups(int threads) const {
    std::int32_t depth = 1;  // below the clique, which is all that has depth 0
    while ((1 << (depth - 1)) < kGroupsPerThread * threads) ++depth;
    if (threads <= 1) depth = 0;
    std::vector<std::int32_t> roots;
    for (std::size_t f = 0; f < plan_->fronts.size(); ++f) {
        const Front& front = plan_->fronts[f];
        const auto id = static_cast<std::int32_t>(f);
        if (front.depth == depth ? above_units(front) || front.unit == id
                                 : front.depth < depth && front.unit == id) {
            roots.push_back(id);
        }
    }
    return roots;
}

void Solver::eliminate_front(std::int32_t f, const Elimination& elimination, Scratch& scratch,
                             Failure& failure, const Member& member) {
    const Front& front = plan_->fronts[f];
    const std::size_t size = front.shape().update_size();
    const bool stacked = front.unit >= 0 && front.unit != f;
    const int parity = front.depth % 2;
    double* update = nullptr;
    if (stacked) {
        update = scratch.stack[parity].get() + scratch.used[parity];
        scratch.used[parity] += size;
    } else {
        if (member.leads() && !keep_) {
            try {
                state_->updates[f] = Buffer<double>(size);
            } catch (const std::bad_alloc&) {
                failure.memory = true;
            }
        }
        member.wait();
        if (failure.memory.load()) return;
        update = update_of(f);
    }
    const double* below[2] = {nullptr, nullptr};
    for (int i = 1; i >= 0; --i) {  // the second child is on top of its stack
        const std::int32_t c = front.children[i];
        if (c < 0) continue;
        const Front& child = plan_->fronts[c];
        if (child.unit >= 0 && child.unit != c) {
            scratch.used[1 - parity] -= child.shape().update_size();
            below[i] = scratch.stack[1 - parity].get() + scratch.used[1 - parity];
        } else {
            below[i] = update_of(c);
        }
    }
    const std::ptrdiff_t column = elimination.run(
        front, below, scratch.work.get(), {state_->factor.get() + front.factor, update}, member);
    if (!member.leads()) return;
    if (column >= 0) failure.at(front.first + static_cast<std::int32_t>(column));
    if (keep_) return;
    for (std::int32_t c : front.children) {
        if (c >= 0) state_->updates[c].reset();
    }
}

void Solver::eliminate_group(std::int32_t root, const Elimination& elimination, Scratch& scratch,
                             Failure& failure, const Member& member) {
    scratch.used = {0, 0};
    for (std::int32_t f = plan_->fronts[root].begin; f <= root; ++f) {
        if (state_->changed[f]) eliminate_front(f, elimination, scratch, failure, member.alone());
        if (failure.memory.load() || member.cancelled()) return;
    }
}

void Solver::substitute_forward(std::int32_t f, const Values& values, Scratch& scratch) const {
    const Front& front = plan_->fronts[f];
    const FrontShape shape = front.shape();
    const std::int32_t* pixels = plan_->pixel_at.data() + front.first;
    const std::ptrdiff_t rows = shape.rows(), below = padded(shape.pivots);
    for (std::ptrdiff_t c = 0; c < values.channels; ++c) {
        double* t = scratch.t.get() + c * scratch.plane;
        std::fill_n(t, rows, 0.0);
        for (std::ptrdiff_t k = 0; k < shape.pivots; ++k) {
            const std::ptrdiff_t pixel = pixels[k];
            if (!values.masked || state_->mask[static_cast<std::size_t>(pixel)]) {
                t[k] = values.b[pixel * values.channels + c];
            }
        }
    }
    for (std::int32_t child_index : front.children) {
        if (child_index < 0) continue;
        const Front& child = plan_->fronts[child_index];
        const double* source = state_->contributions.get() + child.index * values.channels;
        for (std::ptrdiff_t c = 0; c < values.channels; ++c) {
            double* t = scratch.t.get() + c * scratch.plane;
            for (std::size_t r = child.runs; r < child.runs + child.run_count; ++r) {
                const Run& run = plan_->runs[r];
                for (std::int32_t i = 0; i < run.length; ++i) {
                    t[run.to + i] += source[c * child.boundary + run.from + i];
                }
            }
        }
    }
    kernels<double>().forward(shape, state_->factor.get() + front.factor, scratch.t.get(),
                              scratch.plane, values.channels);
    double* target = state_->contributions.get() + front.index * values.channels;
    for (std::ptrdiff_t c = 0; c < values.channels; ++c) {
        const double* t = scratch.t.get() + c * scratch.plane;
        for (std::ptrdiff_t k = 0; k < shape.pivots; ++k) {
            values.x[pixels[k] * values.channels + c] = t[k];
        }
        std::copy_n(t + below, shape.boundary, target + c * shape.boundary);
    }
}

void Solver::substitute_backward(std::int32_t f, const Values& values, Scratch& scratch) const {
    const Front& front = plan_->fronts[f];
    const FrontShape shape = front.shape();
    const std::int32_t* pixels = plan_->pixel_at.data() + front.first;
    const std::int32_t* boundary = plan_->boundary_pixel.data() + front.index;
    const std::ptrdiff_t below = padded(shape.pivots);
    for (std::ptrdiff_t c = 0; c < values.channels; ++c) {
        double* t = scratch.t.get() + c * scratch.plane;
        for (std::ptrdiff_t k = 0; k < shape.pivots; ++k) {
            t[k] = values.x[pixels[k] * values.channels + c];
        }
        std::fill(t + shape.pivots, t + below, 0.0);
        for (std::ptrdiff_t i = 0; i < shape.boundary; ++i) {
            t[below + i] = values.x[boundary[i] * values.channels + c];
        }
        std::fill(t + shape.ground(), t + shape.rows(), 0.0);
    }
    kernels<double>().backward(shape, state_->factor.get() + front.factor, scratch.t.get(),
                               scratch.plane, values.channels);
    for (std::ptrdiff_t c = 0; c < values.channels; ++c) {
        const double* t = scratch.t.get() + c * scratch.plane;
        for (std::ptrdiff_t k = 0; k < shape.pivots; ++k) {
            values.x[pixels[k] * values.channels + c] = t[k];
        }
    }
}

void Solver::solve(const std::uint8_t* mask, const Values& values, int threads,
                   const CancelFlag* cancel) {
    throw_if_set(cancel);
    struct Turned {
        Turn& turn;
        ~Turned() { turn.give_back(); }
    };
    const bool abandoned = turn_.take();
    const Turned turned{turn_};
    if (abandoned) static_cast<void>(state_.release());  // to destroy it could go wrong
    if (!state_) state_ = std::make_unique<State>();
    solve_in_turn(mask, values, threads, cancel);
}

void Solver::solve_in_turn(const std::uint8_t* mask, const Values& values, int threads,
                           const CancelFlag* cancel) {
    const Plan& plan = *plan_;
    if (plan.factor_size < kSmallFactor || threads < 1) threads = 1;
    find_changes(mask);
    state_->mask.clear();  // no longer what the factor is for; set again when all went well
    std::vector<std::uint8_t> present(mask, mask + plan.grid.pixels());
    if (!state_->factor) state_->factor = Buffer<double>(plan.factor_size);
    if (keep_ && !state_->kept) state_->kept = Buffer<double>(plan.kept_size);
    if (!keep_) state_->updates.resize(plan.fronts.size());
    state_->contributions.reset();
    state_->contributions =
        Buffer<double>(plan.boundary_pixel.size() * static_cast<std::size_t>(values.channels));
    const std::vector<std::int32_t> roots = groups(threads);
    std::vector<std::int32_t> top;  // fronts above the groups, which all threads share
    for (std::size_t f = 0, g = 0; f < plan.fronts.size(); ++f) {
        if (g < roots.size() && plan.fronts[roots[g]].begin == static_cast<std::int32_t>(f)) {
            f = static_cast<std::size_t>(roots[g++]);
        } else {
            top.push_back(static_cast<std::int32_t>(f));
        }
    }
    std::vector<Scratch> scratch;
    scratch.reserve(static_cast<std::size_t>(threads));
    for (int i = 0; i < threads; ++i) scratch.emplace_back(plan, i == 0 ? 0 : 1, values.channels);

    const Elimination elimination(plan, system_, present.data());
    Failure failure;
    state_->mask.swap(present);
    std::atomic<std::size_t> next_elimination{0}, next_forward{0}, next_backward{0};
    const auto for_each_group = [&](std::atomic<std::size_t>& next, auto&& work) {
        for (std::size_t g = next++; g < roots.size(); g = next++) work(roots[g]);
    };
    std::atomic<bool> eliminated{false};
    run_crew(threads, cancel, [&](const Member& member) {
        Scratch& own = scratch[static_cast<std::size_t>(member.rank())];
        for_each_group(next_elimination, [&](std::int32_t root) {
            eliminate_group(root, elimination, own, failure, member);
        });
        member.wait();
        for (std::int32_t f : top) {
            if (state_->changed[f] && !failure.any()) {
                eliminate_front(f, elimination, scratch[0], failure, member);
            }
            member.wait();
        }
        if (failure.any()) return;
        // After the barrier: every member has done its part if this one finds the flag unset.
        if (member.leads() && !member.cancelled()) eliminated = true;
        for_each_group(next_forward, [&](std::int32_t root) {
            for (std::int32_t f = plan.fronts[root].begin; f <= root; ++f) {
                if (member.cancelled()) return;
                substitute_forward(f, values, own);
            }
        });
        member.wait();
        if (member.leads()) {
            for (std::int32_t f : top) {
                if (member.cancelled()) break;
                substitute_forward(f, values, own);
            }
            for (auto f = top.rbegin(); f != top.rend() && !member.cancelled(); ++f) {
                substitute_backward(*f, values, own);
            }
        }
        member.wait();
        for_each_group(next_backward, [&](std::int32_t root) {
            for (std::int32_t f = root; f >= plan.fronts[root].begin; --f) {
                if (member.cancelled()) return;
                substitute_backward(f, values, own);
            }
        });
    });
    if (!keep_) state_->updates.clear();
    bytes_ = state_->bytes();
    if (eliminated) std::fill(state_->changed.begin(), state_->changed.end(), 0);
    // What is cancelled has a mask and fronts that are still to be eliminated for it.
    throw_if_set(cancel);
    if (!failure.any()) return;
    state_->mask.clear();
    if (failure.memory.load()) throw std::bad_alloc();
    const std::int32_t position = failure.position.load();
    throw SingularSystem(plan.pixel_at[position]);
}

std::size_t Solver::State::bytes() const {
    return factor.bytes() + kept.bytes() + contributions.bytes() + mask.capacity() +
           changed.capacity();
}

}  // namespace colordeploy::propagation
