// What the solver needs of a GPU: memory, streams, copies. Two files implement it: device.cu by
// CUDA's runtime, and emulated.cpp on the host, for tests on machines without a GPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace colordeploy::propagation::cuda {

struct DeviceError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Device memory that ran out.
struct DeviceMemoryError : DeviceError {
    using DeviceError::DeviceError;
};

// A stream, and the pool that memory is taken from in its order.
struct Stream {
    void* handle = nullptr;  // cudaStream_t
    void* pool = nullptr;    // cudaMemPool_t
};

int device_count();  // throws DeviceError without a driver
std::string architecture(int device);
// Whether there is code for a device in this build.
bool has_code(int device);
// Where an address lies: the number of the GPU, -1 for managed memory; throws DeviceError for what
// is no device memory.
int device_of(const void* address);

// The calling thread's device for as long as it lives; then the one before again, which is that of
// torch and CuPy too, or the context that somebody made with the driver.
class Using {
 public:
    explicit Using(int device);
    ~Using();
    Using(const Using&) = delete;
    Using& operator=(const Using&) = delete;

 private:
    int before_ = -1;
    void* context_ = nullptr;
};
// Free on the device, and what the pool holds for whoever asks next.
std::size_t free_memory(void* pool);

// Null where a device has none: then memory is taken from the device itself each time.
void* make_pool(int device);
// Up to so many bytes, those in use counted, stay with a pool for whoever asks next.
void keep(void* pool, std::size_t bytes);
void drop_pool(void* pool) noexcept;
Stream make_stream(void* pool);
void drop(Stream stream) noexcept;
void synchronize(Stream stream);

// Notes what is put on a stream from here on, instead of doing it: no memory may be taken, freed or
// copied from or to the host meanwhile. The handle that ends it does all of it at one call.
void begin_capture(Stream stream);
void* end_capture(Stream stream);
void launch_captured(void* captured, Stream stream);
void drop_captured(void* captured) noexcept;

// Time between two places in a stream, by the device's clock.
class Timer {
 public:
    Timer() = default;
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    void start(Stream stream);
    void stop(Stream stream);
    std::int64_t nanoseconds() const;  // after the stream has been waited for

 private:
    void *begin_ = nullptr, *end_ = nullptr;
};

// Work put into `stream` from here on waits for what another stream holds by now. `other` is the
// handle of the CUDA array interface: 1 is the legacy default stream, 2 the thread's own.
void wait_for(Stream stream, std::uintptr_t other);

void* allocate(std::size_t bytes, Stream stream);
void release(void* address, Stream stream) noexcept;
void upload(void* target, const void* source, std::size_t bytes, Stream stream);
void download(void* target, const void* source, std::size_t bytes, Stream stream);
void copy(void* target, const void* source, std::size_t bytes, Stream stream);
void fill(void* target, std::uint8_t byte, std::size_t bytes, Stream stream);

// `count` values in device memory, freed in the order of a stream.
template <typename T>
class Buffer {
 public:
    Buffer() = default;
    Buffer(std::size_t count, Stream stream)
        : data_(static_cast<T*>(allocate((count ? count : 1) * sizeof(T), stream))),
          count_(count),
          stream_(stream) {}
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Buffer() {
        if (data_ != nullptr) release(data_, stream_);
    }

    T* get() const { return data_; }
    std::size_t size() const { return count_; }
    std::size_t bytes() const { return count_ * sizeof(T); }
    // Grows to at least `count` values; what it held is lost.
    void reserve(std::size_t count, Stream stream) {
        if (data_ == nullptr || count > count_) *this = Buffer(count, stream);
    }

 private:
    void swap(Buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        std::swap(stream_, other.stream_);
    }

    T* data_ = nullptr;
    std::size_t count_ = 0;
    Stream stream_;
};

}  // namespace colordeploy::propagation::cuda
