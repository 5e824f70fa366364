#include <cuda_runtime.h>

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
    check(cudaGetDevice(&before_), "CUDA does not start");
    if (before_ != device) check(cudaSetDevice(device), "the GPU cannot be used");
}

Using::~Using() { (void)cudaSetDevice(before_); }

int device_of(const void* address) {
    cudaPointerAttributes found = {};
    check(cudaPointerGetAttributes(&found, address), "an address cannot be asked about");
    if (found.type == cudaMemoryTypeManaged) return -1;
    if (found.type != cudaMemoryTypeDevice) throw DeviceError("an address is no device memory");
    return found.device;
}

std::size_t free_memory(void* pool) {
    std::size_t present = 0, all = 0;
    check(cudaMemGetInfo(&present, &all), "the GPU's memory cannot be asked for");
    std::uint64_t reserved = 0, used = 0;
    const auto raw_pool = static_cast<cudaMemPool_t>(pool);
    check(cudaMemPoolGetAttribute(raw_pool, cudaMemPoolAttrReservedMemCurrent, &reserved), "pool");
    check(cudaMemPoolGetAttribute(raw_pool, cudaMemPoolAttrUsedMemCurrent, &used), "pool");
    return present + (reserved - used);
}

void* make_pool(int device, std::size_t kept) {
    cudaMemPoolProps properties = {};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location = {cudaMemLocationTypeDevice, device};
    cudaMemPool_t pool = nullptr;
    check(cudaMemPoolCreate(&pool, &properties), "no memory pool can be made");
    std::uint64_t most = kept;
    check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &most),
          "no memory pool can be made");
    return pool;
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
    check(cudaMallocFromPoolAsync(&address, bytes, static_cast<cudaMemPool_t>(stream.pool),
                                  raw(stream)),
          "no device memory left");
    return address;
}

void release(void* address, Stream stream) noexcept { (void)cudaFreeAsync(address, raw(stream)); }

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

void clear(void* target, std::size_t bytes, Stream stream) {
    check(cudaMemsetAsync(target, 0, bytes, raw(stream)), "clearing device memory");
}

bool has_code(int device) {
    const Using guard(device);
    cudaFuncAttributes found = {};
    const cudaError_t status = cudaFuncGetAttributes(&found, probe_kernel());
    (void)cudaGetLastError();
    return status == cudaSuccess;
}

void check_launch() { check(cudaGetLastError(), "a kernel cannot be launched"); }

}  // namespace colordeploy::propagation::cuda
