// Kernels as function objects, so that the same source runs on a GPU and, emulated, on the host.
//
// A kernel is a struct of plain data with `operator()(const Block&) const`, `kMost`, the most
// threads that a block of it has, and `kAtOnce`, how many blocks a multiprocessor should hold at
// least. It reads its place from the block and spreads work over the block's threads by `each`;
// between phases it calls `sync`. It may not assume how many threads a block has: the emulation
// uses few.
#pragma once

#include <cstddef>
#include <cstdint>

#include "device.hpp"

#ifdef COLORDEPLOY_EMULATED
#include <algorithm>
#include <atomic>
#include <barrier>
#include <thread>
#include <vector>
#define COLORDEPLOY_DEVICE inline
#else
#define COLORDEPLOY_DEVICE __device__ __forceinline__
#endif

namespace colordeploy::propagation::cuda {

inline constexpr unsigned kLayer = 65535;

struct Block {
    std::int64_t x;  // number of the front, or of a piece
    int y;           // number of the piece of a front
    int thread, threads;
    double* shared;
#ifdef COLORDEPLOY_EMULATED
    std::barrier<>* barrier;
    void sync() const {
        if (barrier != nullptr) barrier->arrive_and_wait();
    }
#else
    COLORDEPLOY_DEVICE void sync() const { __syncthreads(); }
#endif

    // Calls work(i) for 0 <= i < n, spread over the threads.
    template <typename Work>
    COLORDEPLOY_DEVICE void each(std::int64_t n, const Work& work) const {
        for (std::int64_t i = thread; i < n; i += threads) work(i);
    }
};

#ifdef COLORDEPLOY_EMULATED

// Threads of an emulated block; one runs without any synchronization.
int emulated_threads();

COLORDEPLOY_DEVICE void keep_order() {}
COLORDEPLOY_DEVICE void renew(std::int64_t&) {}

COLORDEPLOY_DEVICE void atomic_min(int* target, int value) {
    std::atomic_ref<int> held(*target);
    int present = held.load();
    while (value < present && !held.compare_exchange_weak(present, value)) {
    }
}
COLORDEPLOY_DEVICE void mark(int* target) { std::atomic_ref<int>(*target).store(1); }

template <typename Kernel>
void launch(std::int64_t blocks, int pieces, int threads, int shared, Stream,
            const Kernel& kernel) {
    threads = std::min(threads, emulated_threads());
    for (std::int64_t x = 0; x < blocks; ++x) {
        for (int y = 0; y < pieces; ++y) {
            std::vector<double> memory(static_cast<std::size_t>(shared), 1e300);  // never zero
            if (threads == 1) {
                kernel(Block{x, y, 0, 1, memory.data(), nullptr});
                continue;
            }
            std::barrier<> barrier(threads);
            std::vector<std::thread> crew;
            for (int t = 0; t < threads; ++t) {
                crew.emplace_back([&, t] {
                    kernel(Block{x, y, t, threads, memory.data(), &barrier});
                    barrier.arrive_and_drop();
                });
            }
            for (std::thread& member : crew) member.join();
        }
    }
}

#else

// Reads of memory stay behind it: or what a loop reads again and again is kept in registers that
// there are not.
COLORDEPLOY_DEVICE void keep_order() { asm volatile("" ::: "memory"); }
// What is computed from it is computed again from here on, instead of kept in registers.
COLORDEPLOY_DEVICE void renew(std::int64_t& value) { asm volatile("" : "+l"(value)); }

COLORDEPLOY_DEVICE void atomic_min(int* target, int value) { atomicMin(target, value); }
COLORDEPLOY_DEVICE void mark(int* target) { *target = 1; }

template <typename Kernel>
__global__ void __launch_bounds__(Kernel::kMost, Kernel::kAtOnce) run_kernel(const Kernel kernel) {
    extern __shared__ double shared[];
    kernel(Block{blockIdx.x, static_cast<int>(blockIdx.y + blockIdx.z * kLayer),
                 static_cast<int>(threadIdx.x), static_cast<int>(blockDim.x), shared});
}

void check_launch();
const void* probe_kernel();  // any kernel of this build

template <typename Kernel>
void launch(std::int64_t blocks, int pieces, int threads, int shared, Stream stream,
            const Kernel& kernel) {
    if (blocks == 0 || pieces == 0) return;
    // A grid is at most so wide in its second direction; pieces beyond the last are for kernels to
    // leave out.
    const auto layers = (static_cast<unsigned>(pieces) + kLayer - 1) / kLayer;
    const dim3 grid(static_cast<unsigned>(blocks),
                    layers > 1 ? kLayer : static_cast<unsigned>(pieces), layers);
    // clang-format off: it takes the brackets of a launch for a comparison.
    run_kernel<<<grid, static_cast<unsigned>(threads), static_cast<std::size_t>(shared) * 8,
                 static_cast<cudaStream_t>(stream.handle)>>>(kernel);
    // clang-format on
    check_launch();
}

#endif

}  // namespace colordeploy::propagation::cuda
