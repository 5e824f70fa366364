// The host in place of a GPU, for tests. See device.hpp and launch.hpp.
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

#include "launch.hpp"

namespace colordeploy::propagation::cuda {

namespace {

std::mutex turn;
std::set<void*> living;  // what was allocated and not released
std::size_t waits = 0;

std::size_t number_of(const char* variable, std::size_t fallback) {
    const char* text = std::getenv(variable);
    return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

}  // namespace

int emulated_threads() { return static_cast<int>(number_of("COLORDEPLOY_EMULATED_THREADS", 1)); }

// For tests: blocks of memory that are alive, and streams that were waited for.
extern "C" {
__attribute__((visibility("default"))) std::size_t colordeploy_emulated_blocks() {
    return living.size();
}
__attribute__((visibility("default"))) std::size_t colordeploy_emulated_waits() { return waits; }
}

int device_count() { return static_cast<int>(number_of("COLORDEPLOY_EMULATED_DEVICES", 1)); }
std::string architecture(int) { return "emulated"; }
bool has_code(int) { return number_of("COLORDEPLOY_EMULATED_CODE", 1) != 0; }
int device_of(const void*) { return static_cast<int>(number_of("COLORDEPLOY_EMULATED_PLACE", 0)); }
Using::Using(int device) : before_(device) {}
Using::~Using() = default;
std::size_t free_memory(void*) {
    return number_of("COLORDEPLOY_EMULATED_MEMORY", std::size_t{1} << 33);
}
void* make_pool(int, std::size_t) { return nullptr; }
void drop_pool(void*) noexcept {}
Stream make_stream(void* pool) { return {new char, pool}; }
void drop(Stream stream) noexcept { delete static_cast<char*>(stream.handle); }
void synchronize(Stream) {}
void wait_for(Stream, std::uintptr_t) { ++waits; }

void* allocate(std::size_t bytes, Stream) {
    if (bytes > free_memory(nullptr)) throw DeviceMemoryError("no device memory left: emulated");
    void* address = std::malloc(bytes);
    std::memset(address, 0xff, bytes);  // NaN: nothing may count on zeros
    const std::lock_guard<std::mutex> lock(turn);
    living.insert(address);
    return address;
}

void release(void* address, Stream) noexcept {
    const std::lock_guard<std::mutex> lock(turn);
    living.erase(address);
    std::free(address);
}

void upload(void* target, const void* source, std::size_t bytes, Stream) {
    std::memcpy(target, source, bytes);
}
void download(void* target, const void* source, std::size_t bytes, Stream) {
    std::memcpy(target, source, bytes);
}
void copy(void* target, const void* source, std::size_t bytes, Stream) {
    std::memcpy(target, source, bytes);
}
void clear(void* target, std::size_t bytes, Stream) { std::memset(target, 0, bytes); }

}  // namespace colordeploy::propagation::cuda
