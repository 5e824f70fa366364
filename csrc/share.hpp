// Work that falls into pieces, shared among threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <vector>

#include "crew.hpp"

namespace colordeploy {

constexpr std::ptrdiff_t ROWS = 16;  // of a picture that a thread takes at a time

// Calls work(begin, end, scratch) for the pieces of [0, n), `grain` long each; every thread has a
// scratch of its own, from make(). Which thread does a piece is not determined, what the pieces
// are is. Threads that the system refuses are done without. What `work` or `make` throws is thrown
// here when all threads have ended.
template <typename Make, typename Work>
void share(std::ptrdiff_t n, std::ptrdiff_t grain, int threads, const Make& make,
           const Work& work) {
    const std::ptrdiff_t size = std::clamp<std::ptrdiff_t>(n / grain, 1, std::max(threads, 1));
    std::vector<std::exception_ptr> failures(static_cast<std::size_t>(size));
    std::atomic<bool> failed{false};
    run_crew(static_cast<int>(size), nullptr, [&](Member& member) {
        std::exception_ptr& failure = failures[static_cast<std::size_t>(member.rank())];
        const auto guarded = [&](const auto& call) {
            try {
                call();
            } catch (...) {
                failed = true;
                failure = std::current_exception();
            }
        };
        guarded([&] {
            auto scratch = make();
            member.share(n, grain, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                if (!failed) guarded([&] { work(begin, end, scratch); });
            });
        });
    });
    for (const std::exception_ptr& failure : failures) {
        if (failure) std::rethrow_exception(failure);
    }
}

}  // namespace colordeploy
