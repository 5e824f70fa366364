// Threads that work on one thing in step.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "../cancel.hpp"

namespace colordeploy::propagation {

// What is shared by the members of a crew.
class Barrier {
 public:
    explicit Barrier(int size) : size_(size) {}

    void wait() {
        if (size_ == 1) return;
        const unsigned turn = turn_.load(std::memory_order_acquire);
        if (waiting_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
            waiting_.store(0, std::memory_order_relaxed);
            turn_.store(turn + 1, std::memory_order_release);
            return;
        }
        // The phases between two barriers are microseconds long: sleeping would cost more. But
        // where processors are short, the one waited for needs this one's.
        for (int spins = 0; turn_.load(std::memory_order_acquire) == turn; ++spins) {
            if (spins > 2000) std::this_thread::yield();
        }
    }

 private:
    const int size_;
    std::atomic<int> waiting_{0};
    std::atomic<unsigned> turn_{0};
};

// One member's view of its crew.
class Member {
 public:
    Member(Barrier* barrier, int rank, int size, const CancelFlag* cancel)
        : barrier_(barrier), rank_(rank), size_(size), cancel_(cancel) {}

    // This thread without the others.
    Member alone() const { return {nullptr, 0, 1, cancel_}; }

    int rank() const { return rank_; }
    int size() const { return size_; }
    bool leads() const { return rank_ == 0; }
    // The members need not learn of it at the same time: nothing that they do together may hang
    // on it.
    bool cancelled() const { return is_set(cancel_); }
    void wait() const {
        if (barrier_ != nullptr) barrier_->wait();
    }

    // Calls work(begin, end) for this member's part of [0, n) in pieces of `grain`. The pieces do
    // not depend on the size of the crew, so neither does any result. Once cancelled, nothing is
    // called any more: what was to be computed holds anything.
    template <typename Work>
    void share(std::ptrdiff_t n, std::ptrdiff_t grain, Work&& work) const {
        for (std::ptrdiff_t begin = rank_ * grain; begin < n; begin += size_ * grain) {
            if (cancelled()) return;
            work(begin, std::min(begin + grain, n));
        }
    }

 private:
    Barrier* barrier_;
    int rank_, size_;
    const CancelFlag* cancel_;
};

// Runs work(member) on `size` threads, this one included, and returns when all are done. With
// fewer threads than asked for (the system may refuse them) the result is the same. `work` must
// not throw.
template <typename Work>
void run_crew(int size, const CancelFlag* cancel, Work&& work) {
    if (size <= 1) {
        work(Member(nullptr, 0, 1, cancel));
        return;
    }
    std::vector<std::thread> threads;
    std::atomic<int> granted{0};  // the size of the crew, once it is known
    std::atomic<Barrier*> barrier{nullptr};
    threads.reserve(static_cast<std::size_t>(size) - 1);
    for (int rank = 1; rank < size; ++rank) {
        try {
            threads.emplace_back([&, rank] {
                while (granted.load(std::memory_order_acquire) == 0) std::this_thread::yield();
                work(Member(barrier.load(), rank, granted.load(), cancel));
            });
        } catch (...) {
            break;
        }
    }
    const int members = static_cast<int>(threads.size()) + 1;
    Barrier shared(members);
    barrier.store(&shared);
    granted.store(members, std::memory_order_release);
    work(Member(&shared, 0, members, cancel));
    for (std::thread& thread : threads) thread.join();
}

}  // namespace colordeploy::propagation
