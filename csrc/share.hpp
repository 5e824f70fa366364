// Work that falls into pieces, shared among threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace colordeploy {

constexpr std::ptrdiff_t ROWS = 16;  // of a picture that a thread takes at a time

// Calls work(begin, end, scratch) for the pieces of [0, n), `grain` long each; every thread has a
// scratch of its own, from make(). Which thread does a piece is not determined, what the pieces
// are is. Threads that the system refuses are done without. What `work` or `make` throws is thrown
// here when all threads have ended.
template <typename Make, typename Work>
void share(std::ptrdiff_t n, std::ptrdiff_t grain, int threads, const Make& make,
           const Work& work) {
    std::atomic<std::ptrdiff_t> next{0};
    const std::ptrdiff_t size = std::clamp<std::ptrdiff_t>(n / grain, 1, threads);
    std::vector<std::exception_ptr> failures(size);
    const auto member = [&](std::ptrdiff_t rank) {
        try {
            auto scratch = make();
            for (;;) {
                const std::ptrdiff_t begin = next.fetch_add(grain);
                if (begin >= n) return;
                work(begin, std::min(begin + grain, n), scratch);
            }
        } catch (...) {
            failures[rank] = std::current_exception();
        }
    };
    std::vector<std::thread> crew;
    crew.reserve(size);
    try {
        for (std::ptrdiff_t rank = 1; rank < size; ++rank) crew.emplace_back(member, rank);
    } catch (...) {
    }
    member(0);
    for (std::thread& thread : crew) thread.join();
    for (const std::exception_ptr& failure : failures) {
        if (failure) std::rethrow_exception(failure);
    }
}

}  // namespace colordeploy
