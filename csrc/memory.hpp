// Aligned, uninitialized memory, and the process's store of it for reuse.
//
// Touching new memory costs more than the arithmetic done in it: a factorization at 256x256 takes
// 55 MB, whose page faults took as long as the factorization itself. So large blocks ask for huge
// pages, and what one piece of work returns the next one gets, whatever picture it is for.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace colordeploy {

// The store. Blocks have sizes of a few classes, so that those of one picture suit the next, of
// nearly the same size. Safe from several threads, and across a fork.
namespace store {

struct Block {
    void* data = nullptr;
    std::size_t bytes = 0;
};

// At least so many bytes, 64-byte aligned. Idle blocks go back to the system before this fails;
// then it throws std::bad_alloc.
Block take(std::size_t bytes);
void give(Block block) noexcept;

std::size_t idle_bytes() noexcept;  // of blocks that nobody uses
// The most of these that are kept, or as much as is in use if that is more (unless it is 0); the
// least recently used go first.
std::size_t idle_limit() noexcept;
void set_idle_limit(std::size_t bytes) noexcept;
// Gives all idle blocks back to the system; returns their bytes.
std::size_t trim() noexcept;

}  // namespace store

// Uninitialized entries, 64-byte aligned; none by default.
template <typename T>
class Buffer {
 public:
    Buffer() = default;
    explicit Buffer(std::size_t entries) {
        if (entries > static_cast<std::size_t>(-1) / (4 * sizeof(T))) throw std::bad_alloc();
        if (entries > 0) block_ = store::take(entries * sizeof(T));
    }
    Buffer(Buffer&& other) noexcept { std::swap(block_, other.block_); }
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Buffer() { reset(); }

    T* get() const { return static_cast<T*>(block_.data); }
    T& operator[](std::ptrdiff_t i) const { return get()[i]; }
    explicit operator bool() const { return block_.data != nullptr; }
    std::size_t bytes() const { return block_.bytes; }
    void reset() noexcept {
        if (block_.data != nullptr) store::give(block_);
        block_ = {};
    }

 private:
    store::Block block_;
};

}  // namespace colordeploy
