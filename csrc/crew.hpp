// Threads that work on one thing in step.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "cancel.hpp"

#if defined(__x86_64__) || defined(_M_X64)
#include <emmintrin.h>
#endif

namespace colordeploy {

// What the members of a crew have in common: which phase of the work is under way, which of its
// pieces are taken and how many are done. A phase ends with its last piece, whoever does that. So
// nobody waits for a member that the system has not let run, unless it holds a piece.
class Crew {
 public:
    // The next piece of a phase; -1 when all `count` are taken, or the phase is over.
    std::ptrdiff_t take(std::uint32_t phase, std::ptrdiff_t count) {
        std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
        for (;;) {
            const auto next = static_cast<std::ptrdiff_t>(ticket & kPieces);
            if (ticket >> kBits != phase || next >= count) return -1;
            if (ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel,
                                              std::memory_order_acquire)) {
                return next;
            }
        }
    }

    // Whether the piece that is done now was the last one: then `end` is due.
    bool done(std::ptrdiff_t count) {
        return done_.fetch_add(1, std::memory_order_acq_rel) + 1 == count;
    }

    void end(std::uint32_t phase) {
        done_.store(0, std::memory_order_relaxed);
        ticket_.store(std::uint64_t{phase + 1} << kBits, std::memory_order_release);
        phase_.store(phase + 1, std::memory_order_release);
        phase_.notify_all();
    }

    // Until the phase is over.
    void wait(std::uint32_t phase) {
        // The pieces that others hold take microseconds: to sleep would cost more. But where
        // processors are short, the one waited for needs this one's.
        for (int spins = 0; spins < 2000; ++spins) {
            if (phase_.load(std::memory_order_acquire) != phase) return;
            pause();
        }
        phase_.wait(phase, std::memory_order_acquire);
    }

 private:
    static constexpr int kBits = 32;  // of the number of a piece
    static constexpr std::uint64_t kPieces = (std::uint64_t{1} << kBits) - 1;

    static void pause() {
#if defined(__x86_64__) || defined(_M_X64)
        _mm_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }

    std::atomic<std::uint64_t> ticket_{0};  // phase, next piece
    std::atomic<std::ptrdiff_t> done_{0};
    std::atomic<std::uint32_t> phase_{0};  // the same as in the ticket: this is what is waited for
};

// One member's view of its crew. All members call `share` as often and with equal arguments; one
// that was late passes over the phases that are over.
class Member {
 public:
    Member(Crew* crew, int rank, const CancelFlag* cancel)
        : crew_(crew), rank_(rank), cancel_(cancel) {}

    // This thread without the others.
    Member alone() const { return {nullptr, 0, cancel_}; }

    int rank() const { return rank_; }
    // The members need not learn of it at the same time: nothing that they do together may hang
    // on it.
    bool cancelled() const { return is_set(cancel_); }

    // Calls work(begin, end) for the pieces of [0, n), `grain` long each: whoever is free takes the
    // next. Then whoever did the last one calls finish(), once. Returns when that is done. The
    // pieces do not depend on the size of the crew, so neither does any result. Once cancelled,
    // nothing is called any more: what was to be computed holds anything. Neither may throw.
    template <typename Work, typename Finish>
    void share(std::ptrdiff_t n, std::ptrdiff_t grain, Work&& work, Finish&& finish) {
        const std::ptrdiff_t count = std::max<std::ptrdiff_t>((n + grain - 1) / grain, 1);
        const auto piece = [&](std::ptrdiff_t i) {
            if (i * grain < n) work(i * grain, std::min((i + 1) * grain, n));
        };
        if (crew_ == nullptr) {
            for (std::ptrdiff_t i = 0; i < count && !cancelled(); ++i) piece(i);
            if (!cancelled()) finish();
            return;
        }
        const std::uint32_t phase = phase_++;
        for (;;) {
            if (cancelled()) return;
            const std::ptrdiff_t i = crew_->take(phase, count);
            if (i < 0) break;
            piece(i);
            if (crew_->done(count)) {
                finish();
                crew_->end(phase);
                return;
            }
        }
        crew_->wait(phase);
    }

    template <typename Work>
    void share(std::ptrdiff_t n, std::ptrdiff_t grain, Work&& work) {
        share(n, grain, work, [] {});
    }

    // Called by one member, the others wait.
    template <typename Work>
    void once(Work&& work) {
        share(0, 1, [](std::ptrdiff_t, std::ptrdiff_t) {}, work);
    }

 private:
    Crew* crew_;
    int rank_;
    const CancelFlag* cancel_;
    std::uint32_t phase_ = 0;
};

// Runs work(member) on `size` threads, this one included, and returns when all are done. With
// fewer threads than asked for (the system may refuse them) the result is the same. `work` must
// not throw.
template <typename Work>
void run_crew(int size, const CancelFlag* cancel, Work&& work) {
    Crew crew;
    const auto run = [&](Crew* with, int rank) {
        Member member(with, rank, cancel);
        work(member);
    };
    std::vector<std::thread> threads;
    try {
        if (size > 1) threads.reserve(static_cast<std::size_t>(size) - 1);
        for (int rank = 1; rank < size; ++rank) threads.emplace_back(run, &crew, rank);
    } catch (...) {  // no threads, or no memory for them
    }
    run(threads.empty() ? nullptr : &crew, 0);
    for (std::thread& thread : threads) thread.join();
}

}  // namespace colordeploy
