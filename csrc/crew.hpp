// Threads that work on one thing in step.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "cancel.hpp"

#if defined(__x86_64__) || defined(_M_X64)
#include <emmintrin.h>
#endif

namespace colordeploy {

// What the members of a crew have in common.
class Crew {
 public:
    explicit Crew(int size) : size_(size) {}

    int size() const { return size_; }
    std::ptrdiff_t take() { return next_.fetch_add(1, std::memory_order_relaxed); }

    // Until all members are here.
    void wait() {
        const unsigned turn = turn_.load(std::memory_order_acquire);
        if (waiting_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
            waiting_.store(0, std::memory_order_relaxed);
            next_.store(0, std::memory_order_relaxed);
            turn_.store(turn + 1, std::memory_order_release);
            turn_.notify_all();
            return;
        }
        // Work between two of these takes microseconds: to sleep would cost more. But where
        // processors are short, the one waited for needs this one's.
        for (int spins = 0; spins < 2000; ++spins) {
            if (turn_.load(std::memory_order_acquire) != turn) return;
            pause();
        }
        turn_.wait(turn, std::memory_order_acquire);
    }

 private:
    static void pause() {
#if defined(__x86_64__) || defined(_M_X64)
        _mm_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }

    const int size_;
    std::atomic<int> waiting_{0};
    std::atomic<std::ptrdiff_t> next_{0};  // piece of the work that is being shared
    std::atomic<unsigned> turn_{0};
};

// One member's view of its crew.
class Member {
 public:
    Member(Crew* crew, int rank, const CancelFlag* cancel)
        : crew_(crew), rank_(rank), cancel_(cancel) {}

    // This thread without the others.
    Member alone() const { return {nullptr, 0, cancel_}; }

    int rank() const { return rank_; }
    bool leads() const { return rank_ == 0; }
    // The members need not learn of it at the same time: nothing that they do together may hang
    // on it.
    bool cancelled() const { return is_set(cancel_); }
    void wait() const {
        if (crew_ != nullptr) crew_->wait();
    }

    // Calls work(begin, end) for the pieces of [0, n), `grain` long each, that this member gets:
    // whoever is free takes the next. All members call this with equal arguments, and `wait` before
    // they share something else. The pieces do not depend on the size of the crew, so neither does
    // any result. Once cancelled, nothing is called any more: what was to be computed holds
    // anything.
    template <typename Work>
    void share(std::ptrdiff_t n, std::ptrdiff_t grain, Work&& work) const {
        std::ptrdiff_t own = 0;
        for (;;) {
            const std::ptrdiff_t begin = grain * (crew_ != nullptr ? crew_->take() : own++);
            if (begin >= n || cancelled()) return;
            work(begin, std::min(begin + grain, n));
        }
    }

 private:
    Crew* crew_;
    int rank_;
    const CancelFlag* cancel_;
};

// Runs work(member) on `size` threads, this one included, and returns when all are done. With
// fewer threads than asked for (the system may refuse them) the result is the same. `work` must
// not throw.
template <typename Work>
void run_crew(int size, const CancelFlag* cancel, Work&& work) {
    if (size <= 1) {
        work(Member(nullptr, 0, cancel));
        return;
    }
    std::vector<std::thread> threads;
    std::atomic<Crew*> crew{nullptr};  // once its size is known
    try {
        threads.reserve(static_cast<std::size_t>(size) - 1);
        for (int rank = 1; rank < size; ++rank) {
            threads.emplace_back([&, rank] {
                crew.wait(nullptr, std::memory_order_acquire);
                work(Member(crew.load(std::memory_order_acquire), rank, cancel));
            });
        }
    } catch (...) {  // no threads, or no memory for them
    }
    Crew all(static_cast<int>(threads.size()) + 1);
    crew.store(&all, std::memory_order_release);
    crew.notify_all();
    work(Member(&all, 0, cancel));
    for (std::thread& thread : threads) thread.join();
}

}  // namespace colordeploy
