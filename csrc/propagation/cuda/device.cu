#include <cuda_runtime.h>
#include <dlfcn.h>

#include <algorithm>
#include <fstream>

#include "device.hpp"
#include "launch.hpp"

namespace colordeploy::propagation::cuda {

namespace {

cudaStream_t raw(Stream stream) { return static_cast<cudaStream_t>(stream.handle); }

void check(cudaError_t status, const char* what) {
    if (status == cudaSuccess) return;
    (void)cudaGetLastError();  // or the next call would report it again
    const std::string text = std::string(what) + ": " + cudaGetErrorString(status);
    if (status == cudaErrorMemoryAllocation) throw DeviceMemoryError(text);
    throw DeviceError(text);
}

// The driver's own calls about contexts: the runtime knows a device's primary one only.
struct Contexts {
    int (*get)(void**) = nullptr;
    int (*set)(void*) = nullptr;

    static const Contexts& of_driver() {
        static const Contexts found = [] {
            Contexts made;
            void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
            void* get = driver == nullptr ? nullptr : dlsym(driver, "cuCtxGetCurrent");
            void* set = driver == nullptr ? nullptr : dlsym(driver, "cuCtxSetCurrent");
            if (get != nullptr && set != nullptr) {
                made.get = reinterpret_cast<int (*)(void**)>(get);
                made.set = reinterpret_cast<int (*)(void*)>(set);
            }
            return made;
        }();
        return found;
    }
};

}  // namespace

int device_count() {
    int count = 0;
    check(cudaGetDeviceCount(&count), "CUDA does not start");
    return count;
}

std::string architecture(int device) {
    int major = 0, minor = 0;
    check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "no such GPU");
    check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device), "no such GPU");
    return "sm_" + std::to_string(major) + std::to_string(minor);
}

Using::Using(int device) {
    const Contexts& contexts = Contexts::of_driver();
    if (contexts.get != nullptr) (void)contexts.get(&context_);
    check(cudaGetDevice(&before_), "CUDA does not start");
    check(cudaSetDevice(device), "the GPU cannot be used");
}

Using::~Using() {
    if (context_ != nullptr) {
        (void)Contexts::of_driver().set(context_);
    } else if (int now = before_; cudaGetDevice(&now) == cudaSuccess && now != before_) {
        (void)cudaSetDevice(before_);
    }
}

int device_of(const void* address) {
    cudaPointerAttributes found = {};
    check(cudaPointerGetAttributes(&found, address), "an address cannot be asked about");
    if (found.type == cudaMemoryTypeManaged) return -1;
    if (found.type != cudaMemoryTypeDevice) throw DeviceError("an address is no device memory");
    return found.device;
}

namespace {

// Of a GPU that shares the host's memory, what is free includes what only caches files, which
// CUDA leaves out.
std::size_t shared_memory() {
    int device = 0, integrated = 0;
    if (cudaGetDevice(&device) != cudaSuccess ||
        cudaDeviceGetAttribute(&integrated, cudaDevAttrIntegrated, device) != cudaSuccess ||
        integrated == 0) {
        return 0;
    }
    std::ifstream lines("/proc/meminfo");
    std::string name;
    for (std::size_t kilobytes = 0; lines >> name >> kilobytes; lines.ignore(80, '\n')) {
        if (name == "MemAvailable:") return 1024 * kilobytes;
    }
    return 0;
}

}  // namespace

std::size_t free_memory(void* pool) {
    std::size_t present = 0, all = 0;
    check(cudaMemGetInfo(&present, &all), "the GPU's memory cannot be asked for");
    present = std::max(present, shared_memory());
    if (pool == nullptr) return present;
    std::uint64_t reserved = 0, used = 0;
    const auto raw_pool = static_cast<cudaMemPool_t>(pool);
    check(cudaMemPoolGetAttribute(raw_pool, cudaMemPoolAttrReservedMemCurrent, &reserved), "pool");
    check(cudaMemPoolGetAttribute(raw_pool, cudaMemPoolAttrUsedMemCurrent, &used), "pool");
    return present + (reserved - used);
}

void* make_pool(int device) {
    int supported = 0;
    check(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, device),
          "no such GPU");
    if (supported == 0) return nullptr;
    cudaMemPoolProps properties = {};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location = {cudaMemLocationTypeDevice, device};
    cudaMemPool_t pool = nullptr;
    check(cudaMemPoolCreate(&pool, &properties), "no memory pool can be made");
    return pool;
}

void keep(void* pool, std::size_t bytes) {
    if (pool == nullptr) return;
    std::uint64_t most = bytes;
    check(cudaMemPoolSetAttribute(static_cast<cudaMemPool_t>(pool), cudaMemPoolAttrReleaseThreshold,
                                  &most),
          "a memory pool");
}

void drop_pool(void* pool) noexcept {
    if (pool != nullptr) (void)cudaMemPoolDestroy(static_cast<cudaMemPool_t>(pool));
}

Stream make_stream(void* pool) {
    cudaStream_t stream = nullptr;
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "no stream can be made");
    return {stream, pool};
}

void drop(Stream stream) noexcept { (void)cudaStreamDestroy(raw(stream)); }

void synchronize(Stream stream) {
    check(cudaStreamSynchronize(raw(stream)), "the work on the GPU failed");
}

void wait_for(Stream stream, std::uintptr_t other) {
    cudaEvent_t event = nullptr;
    check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "no event can be made");
    // 1 and 2 are the very values of cudaStreamLegacy and cudaStreamPerThread.
    cudaError_t status = cudaEventRecord(event, reinterpret_cast<cudaStream_t>(other));
    if (status == cudaSuccess) status = cudaStreamWaitEvent(raw(stream), event, 0);
    (void)cudaEventDestroy(event);
    check(status, "the other stream cannot be waited for");
}

void* allocate(std::size_t bytes, Stream stream) {
    void* address = nullptr;
    const auto pool = static_cast<cudaMemPool_t>(stream.pool);
    if (pool == nullptr) {
        check(cudaMalloc(&address, bytes), "no device memory left");
        return address;
    }
    cudaError_t status = cudaMallocFromPoolAsync(&address, bytes, pool, raw(stream));
    if (status == cudaErrorMemoryAllocation) {  // what others have freed may lie in pieces
        (void)cudaGetLastError();
        (void)cudaStreamSynchronize(raw(stream));
        (void)cudaMemPoolTrimTo(pool, 0);
        status = cudaMallocFromPoolAsync(&address, bytes, pool, raw(stream));
    }
    check(status, "no device memory left");
    return address;
}

void release(void* address, Stream stream) noexcept {
    if (stream.pool == nullptr) {
        (void)cudaFree(address);  // waits for the device
    } else {
        (void)cudaFreeAsync(address, raw(stream));
    }
}

void upload(void* target, const void* source, std::size_t bytes, Stream stream) {
    if (bytes == 0) return;
    check(cudaMemcpyAsync(target, source, bytes, cudaMemcpyHostToDevice, raw(stream)),
          "copying to the GPU");
}

void download(void* target, const void* source, std::size_t bytes, Stream stream) {
    if (bytes == 0) return;
    check(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDeviceToHost, raw(stream)),
          "copying from the GPU");
}

void copy(void* target, const void* source, std::size_t bytes, Stream stream) {
    check(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDeviceToDevice, raw(stream)), "copying");
}

void fill(void* target, std::uint8_t byte, std::size_t bytes, Stream stream) {
    check(cudaMemsetAsync(target, byte, bytes, raw(stream)), "filling device memory");
}

void begin_capture(Stream stream) {
    // Other threads may allocate meanwhile.
    check(cudaStreamBeginCapture(raw(stream), cudaStreamCaptureModeThreadLocal), "capturing");
}

void* end_capture(Stream stream) {
    cudaGraph_t graph = nullptr;
    check(cudaStreamEndCapture(raw(stream), &graph), "capturing");
    cudaGraphExec_t ready = nullptr;
    const cudaError_t status = cudaGraphInstantiate(&ready, graph, 0);
    (void)cudaGraphDestroy(graph);
    check(status, "what was captured cannot be launched");
    return ready;
}

void launch_captured(void* captured, Stream stream) {
    check(cudaGraphLaunch(static_cast<cudaGraphExec_t>(captured), raw(stream)),
          "what was captured cannot be launched");
}

void drop_captured(void* captured) noexcept {
    if (captured != nullptr) (void)cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(captured));
}

Timer::~Timer() {
    for (void* event : {begin_, end_}) {
        if (event != nullptr) (void)cudaEventDestroy(static_cast<cudaEvent_t>(event));
    }
}

void Timer::start(Stream stream) {
    if (begin_ == nullptr) {
        cudaEvent_t made[2] = {};
        for (cudaEvent_t& event : made) check(cudaEventCreate(&event), "no event can be made");
        begin_ = made[0];
        end_ = made[1];
    }
    check(cudaEventRecord(static_cast<cudaEvent_t>(begin_), raw(stream)), "an event");
}

void Timer::stop(Stream stream) {
    check(cudaEventRecord(static_cast<cudaEvent_t>(end_), raw(stream)), "an event");
}

std::int64_t Timer::nanoseconds() const {
    float milliseconds = 0.0F;
    check(cudaEventElapsedTime(&milliseconds, static_cast<cudaEvent_t>(begin_),
                               static_cast<cudaEvent_t>(end_)),
          "an event");
    return static_cast<std::int64_t>(1e6 * static_cast<double>(milliseconds));
}

bool has_code(int device) {
    const Using guard(device);
    cudaFuncAttributes found = {};
    const cudaError_t status = cudaFuncGetAttributes(&found, probe_kernel());
    (void)cudaGetLastError();
    return status == cudaSuccess;
}

void check_launch(int status) {
    check(static_cast<cudaError_t>(status), "a kernel cannot be launched");
}

}  // namespace colordeploy::propagation::cuda
