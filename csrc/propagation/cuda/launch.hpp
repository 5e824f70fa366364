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
#include <cmath>
#include <functional>
#include <thread>
#include <vector>
#define COLORDEPLOY_DEVICE inline
#else
#define COLORDEPLOY_DEVICE __device__ __forceinline__
#endif

namespace colordeploy::propagation::cuda {

inline constexpr unsigned kLayer = 65535;
inline constexpr std::int64_t kMostBlocks = 4096;  // side by side in a grid; more take turns

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

// Sum of one value of each thread; the first thread gets it. `space`: a value for each thread.
COLORDEPLOY_DEVICE double sum_of_block(const Block& block, double value, double* space) {
    space[block.thread] = value;
    for (int count = block.threads; count > 1;) {
        const int half = (count + 1) / 2;
        block.sync();
        if (block.thread + half < count) space[block.thread] += space[block.thread + half];
        count = half;
    }
    return block.thread == 0 ? space[0] : 0.0;
}

#ifdef COLORDEPLOY_EMULATED

// Threads of an emulated block; one runs without any synchronization.
int emulated_threads();
// Does something that was put on a stream, or notes it down while the stream is captured.
void put(Stream stream, std::function<void()> work);

COLORDEPLOY_DEVICE double reciprocal_root(double value) { return 1.0 / std::sqrt(value); }
COLORDEPLOY_DEVICE void keep_order() {}
COLORDEPLOY_DEVICE void renew(std::int64_t&) {}

COLORDEPLOY_DEVICE void atomic_max(int* target, int value) {
    std::atomic_ref<int> held(*target);
    int present = held.load();
    while (value > present && !held.compare_exchange_weak(present, value)) {
    }
}
template <typename T>
COLORDEPLOY_DEVICE void mark(T* target) {
    std::atomic_ref<T>(*target).store(1);
}
template <typename T>
COLORDEPLOY_DEVICE bool marked(T* target) {
    return std::atomic_ref<T>(*target).load() != 0;
}

template <typename Kernel>
void run_blocks(std::int64_t blocks, int pieces, int threads, int shared, const Kernel& kernel) {
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

template <typename Kernel>
void launch(std::int64_t blocks, int pieces, int threads, int shared, Stream stream,
            const Kernel& kernel) {
    put(stream, [=] { run_blocks(blocks, pieces, threads, shared, kernel); });
}

#else

COLORDEPLOY_DEVICE double reciprocal_root(double value) { return rsqrt(value); }
// Reads of memory stay behind it: or what a loop reads again and again is kept in registers that
// there are not.
COLORDEPLOY_DEVICE void keep_order() { asm volatile("" ::: "memory"); }
// What is computed from it is computed again from here on, instead of kept in registers.
COLORDEPLOY_DEVICE void renew(std::int64_t& value) { asm volatile("" : "+l"(value)); }

COLORDEPLOY_DEVICE void atomic_max(int* target, int value) { atomicMax(target, value); }
template <typename T>
COLORDEPLOY_DEVICE void mark(T* target) {
    *target = 1;
}
template <typename T>
COLORDEPLOY_DEVICE bool marked(T* target) {
    return *static_cast<volatile T*>(target) != 0;
}

template <typename Kernel>
__global__ void __launch_bounds__(Kernel::kMost, Kernel::kAtOnce)
    run_kernel(const Kernel kernel, const std::int64_t blocks) {
    extern __shared__ double shared[];
    for (std::int64_t x = blockIdx.x; x < blocks; x += gridDim.x) {
        kernel(Block{x, static_cast<int>(blockIdx.y + blockIdx.z * kLayer),
                     static_cast<int>(threadIdx.x), static_cast<int>(blockDim.x), shared});
        if (x + gridDim.x < blocks) __syncthreads();  // before shared memory is used again
    }
}

void check_launch(int status);  // a cudaError_t
const void* probe_kernel();     // any kernel of this build

template <typename Kernel>
void launch(std::int64_t blocks, int pieces, int threads, int shared, Stream stream,
            const Kernel& kernel) {
    if (blocks == 0 || pieces == 0) return;
    // A grid is at most so wide in its second direction; pieces beyond the last are for kernels to
    // leave out.
    const auto layers = (static_cast<unsigned>(pieces) + kLayer - 1) / kLayer;
    // After an edit most fronts have nothing to do: a few thousand blocks that look at several
    // fronts each cost less than a block for every one.
    const dim3 grid(static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks),
                    layers > 1 ? kLayer : static_cast<unsigned>(pieces), layers);
    cudaLaunchConfig_t how = {};
    how.gridDim = grid;
    how.blockDim = dim3(static_cast<unsigned>(threads));
    how.dynamicSmemBytes = static_cast<std::size_t>(shared) * 8;
    how.stream = static_cast<cudaStream_t>(stream.handle);
    // Its own status: what another library has left in this thread is not ours.
    check_launch(cudaLaunchKernelEx(&how, run_kernel<Kernel>, kernel, blocks));
}

#endif

inline std::int64_t pieces_of(std::int64_t count, std::int64_t piece) {
    return (count + piece - 1) / piece;
}

// A kernel that takes `kPiece` of `count` things in a block.
template <typename Kernel>
void launch_over(std::int64_t count, Stream stream, const Kernel& kernel) {
    launch(pieces_of(count, Kernel::kPiece), 1, Kernel::kMost, 0, stream, kernel);
}

}  // namespace colordeploy::propagation::cuda
