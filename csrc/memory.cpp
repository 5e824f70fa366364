#include "memory.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <mutex>

#ifdef __linux__
#include <pthread.h>
#include <sys/mman.h>
#endif

namespace colordeploy::store {

namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;
constexpr std::size_t kSmallest = std::size_t{1} << 12;
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kIdleLimit = std::size_t{1} << 26;

// Four classes for each power of two.
constexpr int kClasses = 4 * 64;
constexpr int kNear = 4;  // classes above the one asked for that still do: up to twice the size

constexpr std::size_t size_of_class(int index) {
    return (std::size_t{4} + static_cast<std::size_t>(index % 4)) << (index / 4);
}

// The smallest class of at least so many bytes.
int class_of(std::size_t bytes) {
    const int power = static_cast<int>(std::bit_width(bytes)) - 1;  // 2^power <= bytes
    int index = 4 * (power - 2) + static_cast<int>(bytes >> (power - 2)) % 4;
    if (size_of_class(index) < bytes) ++index;
    return index;
}

#ifdef __linux__

void* map(std::size_t bytes) {
    void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return data == MAP_FAILED ? nullptr : data;
}

// Whole huge pages at their boundaries.
void* map_huge(std::size_t bytes) {
    auto* data = static_cast<std::byte*>(map(bytes + kHugePage));
    if (data == nullptr) return nullptr;
    const std::size_t before = -reinterpret_cast<std::uintptr_t>(data) % kHugePage;
    if (before > 0) munmap(data, before);
    if (before < kHugePage) munmap(data + before + bytes, kHugePage - before);
    madvise(data + before, bytes, MADV_HUGEPAGE);  // where it is refused: small pages
    return data + before;
}

#endif

bool is_mapped([[maybe_unused]] std::size_t bytes) {
#ifdef __linux__
    return bytes >= kHugePage;
#else
    return false;
#endif
}

void* allocate(std::size_t bytes) noexcept {
#ifdef __linux__
    if (is_mapped(bytes)) return map_huge(bytes);
#endif
    return ::operator new[](bytes, std::align_val_t{kAlignment}, std::nothrow);
}

void release(void* data, std::size_t bytes) noexcept {
#ifdef __linux__
    if (is_mapped(bytes)) {
        munmap(data, bytes);
        return;
    }
#endif
    ::operator delete[](data, std::align_val_t{kAlignment});
}

// An idle block, noted down in its own memory: giving memory back takes none.
struct Idle {
    int size_class;
    Idle *newer, *older;         // of all, by when they were given back
    Idle *previous, *following;  // of the same class
};

class Store {
 public:
    void* find(int size_class) noexcept {
        for (int c = size_class; c <= size_class + kNear && c < kClasses; ++c) {
            if (Idle* block = classes_[static_cast<std::size_t>(c)]) {
                unlink(block);
                return block;
            }
        }
        return nullptr;
    }

    int class_of_found(void* block) const noexcept { return static_cast<Idle*>(block)->size_class; }

    void keep(void* data, int size_class) noexcept {
        auto* block = new (data) Idle{size_class, nullptr, newest_, nullptr, nullptr};
        (newest_ ? newest_->newer : oldest_) = block;
        newest_ = block;
        Idle*& head = classes_[static_cast<std::size_t>(size_class)];
        block->following = head;
        if (head != nullptr) head->previous = block;
        head = block;
        bytes_ += bytes_of(size_class);
    }

    // Lets the oldest go until no more than so many bytes are left; returns what went.
    std::size_t shrink(std::size_t most) noexcept {
        const std::size_t before = bytes_;
        while (bytes_ > most && oldest_ != nullptr) {
            Idle* block = oldest_;
            const std::size_t bytes = bytes_of(block->size_class);
            unlink(block);
            release(block, bytes);
        }
        return before - bytes_;
    }

    static std::size_t bytes_of(int size_class) { return size_of_class(size_class); }

    std::size_t bytes() const { return bytes_; }
    std::mutex mutex;
    std::size_t limit = kIdleLimit;
    std::size_t in_use = 0;

    // As much as is in use may be idle: whoever works on a picture works on the next one.
    std::size_t most_idle() const { return limit == 0 || limit > in_use ? limit : in_use; }

 private:
    void unlink(Idle* block) noexcept {
        (block->newer ? block->newer->older : newest_) = block->older;
        (block->older ? block->older->newer : oldest_) = block->newer;
        (block->previous ? block->previous->following
                         : classes_[static_cast<std::size_t>(block->size_class)]) =
            block->following;
        if (block->following != nullptr) block->following->previous = block->previous;
        bytes_ -= bytes_of(block->size_class);
    }

    std::array<Idle*, kClasses> classes_{};
    Idle *newest_ = nullptr, *oldest_ = nullptr;
    std::size_t bytes_ = 0;
};

// Lives as long as the process: buffers may be given back while it ends.
Store& the_store() {
    static Store& store = []() -> Store& {
        static Store* made = new Store;
#ifdef __linux__
        // A child must not find the store locked by a thread that it does not have.
        pthread_atfork([] { made->mutex.lock(); }, [] { made->mutex.unlock(); },
                       [] { made->mutex.unlock(); });
#endif
        return *made;
    }();
    return store;
}

}  // namespace

Block take(std::size_t bytes) {
    Store& store = the_store();
    const int wanted = class_of(bytes < kSmallest ? kSmallest : bytes);
    {
        const std::lock_guard<std::mutex> lock(store.mutex);
        if (void* found = store.find(wanted)) {
            const std::size_t size = Store::bytes_of(store.class_of_found(found));
            store.in_use += size;
            return {found, size};
        }
    }
    const std::size_t size = size_of_class(wanted);
    void* made = allocate(size);
    if (made == nullptr && trim() > 0) made = allocate(size);
    if (made == nullptr) throw std::bad_alloc();
    const std::lock_guard<std::mutex> lock(store.mutex);
    store.in_use += size;
    return {made, size};
}

void give(Block block) noexcept {
    Store& store = the_store();
    {
        const std::lock_guard<std::mutex> lock(store.mutex);
        store.in_use -= block.bytes;
        const std::size_t most = store.most_idle();
        store.shrink(block.bytes <= most ? most - block.bytes : most);
        if (block.bytes <= most) {
            store.keep(block.data, class_of(block.bytes));
            return;
        }
    }
    release(block.data, block.bytes);
}

std::size_t idle_bytes() noexcept {
    Store& store = the_store();
    const std::lock_guard<std::mutex> lock(store.mutex);
    return store.bytes();
}

std::size_t idle_limit() noexcept {
    Store& store = the_store();
    const std::lock_guard<std::mutex> lock(store.mutex);
    return store.limit;
}

void set_idle_limit(std::size_t bytes) noexcept {
    Store& store = the_store();
    const std::lock_guard<std::mutex> lock(store.mutex);
    store.limit = bytes;
    store.shrink(bytes);
}

std::size_t trim() noexcept {
    Store& store = the_store();
    const std::lock_guard<std::mutex> lock(store.mutex);
    return store.shrink(0);
}

}  // namespace colordeploy::store
