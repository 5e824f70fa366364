// Aligned, uninitialized memory, and a store of it for reuse.
//
// Touching new memory costs more than the arithmetic done in it: a factorization at 256x256 takes
// 55 MB, whose page faults took as long as the factorization itself. So large blocks ask for huge
// pages, and what one solver returns the next one of the same size gets.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace colordeploy::propagation {

class Pool;

// A block of doubles, 64-byte aligned; empty by default.
class Buffer {
 public:
    Buffer() = default;
    Buffer(double* data, std::size_t bytes, std::shared_ptr<Pool> pool)
        : data_(data), bytes_(bytes), pool_(std::move(pool)) {}
    Buffer(Buffer&& other) noexcept { *this = std::move(other); }
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer() { reset(); }

    double* get() const { return data_; }
    double& operator[](std::ptrdiff_t i) const { return data_[i]; }
    explicit operator bool() const { return data_ != nullptr; }
    void reset();

 private:
    double* data_ = nullptr;
    std::size_t bytes_ = 0;
    std::shared_ptr<Pool> pool_;
};

class Pool : public std::enable_shared_from_this<Pool> {
 public:
    // Keeps at most `limit` bytes that nobody uses.
    explicit Pool(std::size_t limit) : limit_(limit) {}
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    // Throws std::bad_alloc. No entries: an empty buffer.
    Buffer take(std::size_t entries);

 private:
    friend class Buffer;
    struct Block {
        double* data;
        std::size_t bytes;
    };

    void give(Block block);

    const std::size_t limit_;
    std::mutex mutex_;
    std::vector<Block> free_;
    std::size_t held_ = 0;
};

}  // namespace colordeploy::propagation
