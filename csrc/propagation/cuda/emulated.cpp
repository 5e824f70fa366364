// The host in place of a GPU, for tests. See device.hpp and launch.hpp.
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

#include "launch.hpp"

namespace colordeploy::propagation::cuda {

namespace {

std::mutex turn;
std::set<void*> living;  // what was allocated and not released
std::size_t waits = 0, replays = 0;

// A stream does everything at once, unless it is captured.
struct HostStream {
    bool captured = false;
    std::vector<std::function<void()>> noted;
};

HostStream& raw(Stream stream) { return *static_cast<HostStream*>(stream.handle); }

void* now() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return reinterpret_cast<void*>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

void refuse_capture(Stream stream, const char* what) {
    if (raw(stream).captured) throw DeviceError(std::string(what) + " while capturing");
}

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
__attribute__((visibility("default"))) std::size_t colordeploy_emulated_replays() {
    return replays;
}
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
void* make_pool(int) { return nullptr; }
void keep(void*, std::size_t) {}
void drop_pool(void*) noexcept {}
Stream make_stream(void* pool) { return {new HostStream, pool}; }
void drop(Stream stream) noexcept { delete &raw(stream); }
void synchronize(Stream stream) { refuse_capture(stream, "waiting"); }
void wait_for(Stream stream, std::uintptr_t) {
    refuse_capture(stream, "waiting");
    ++waits;
}

void put(Stream stream, std::function<void()> work) {
    if (raw(stream).captured) {
        raw(stream).noted.push_back(std::move(work));
    } else {
        work();
    }
}

void begin_capture(Stream stream) {
    if (number_of("COLORDEPLOY_EMULATED_CAPTURES", 1) == 0) throw DeviceError("no captures");
    raw(stream).captured = true;
}

void* end_capture(Stream stream) {
    raw(stream).captured = false;
    return new std::vector<std::function<void()>>(std::exchange(raw(stream).noted, {}));
}

void launch_captured(void* captured, Stream) {
    ++replays;
    for (const auto& work : *static_cast<std::vector<std::function<void()>>*>(captured)) work();
}

void drop_captured(void* captured) noexcept {
    delete static_cast<std::vector<std::function<void()>>*>(captured);
}

Timer::~Timer() = default;
void Timer::start(Stream) { begin_ = now(); }
void Timer::stop(Stream) { end_ = now(); }
std::int64_t Timer::nanoseconds() const {
    return reinterpret_cast<std::intptr_t>(end_) - reinterpret_cast<std::intptr_t>(begin_);
}

void* allocate(std::size_t bytes, Stream stream) {
    refuse_capture(stream, "allocating");
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

void upload(void* target, const void* source, std::size_t bytes, Stream stream) {
    refuse_capture(stream, "uploading");
    std::memcpy(target, source, bytes);
}
void download(void* target, const void* source, std::size_t bytes, Stream stream) {
    refuse_capture(stream, "downloading");
    std::memcpy(target, source, bytes);
}
void copy(void* target, const void* source, std::size_t bytes, Stream stream) {
    put(stream, [=] { std::memcpy(target, source, bytes); });
}
void fill(void* target, std::uint8_t byte, std::size_t bytes, Stream stream) {
    put(stream, [=] { std::memset(target, byte, bytes); });
}

}  // namespace colordeploy::propagation::cuda
