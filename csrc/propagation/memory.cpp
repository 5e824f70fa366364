#include "memory.hpp"

#include <new>
#include <utility>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace colordeploy::propagation {

namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;
constexpr std::size_t kSmallPage = std::size_t{1} << 12;

constexpr std::size_t rounded(std::size_t bytes, std::size_t unit) {
    return (bytes + unit - 1) / unit * unit;
}

double* allocate(std::size_t bytes) {
    const bool large = bytes >= kHugePage;
    const std::align_val_t alignment{large ? kHugePage : 64};
    void* data = ::operator new[](bytes, alignment);
#ifdef MADV_HUGEPAGE
    if (large) madvise(data, bytes, MADV_HUGEPAGE);  // where it is refused: small pages
#endif
    return static_cast<double*>(data);
}

void release(double* data, std::size_t bytes) {
    ::operator delete[](data, std::align_val_t{bytes >= kHugePage ? kHugePage : 64});
}

}  // namespace

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(pool_, other.pool_);
    return *this;
}

void Buffer::reset() {
    if (data_ != nullptr) pool_->give({data_, bytes_});
    data_ = nullptr;
    pool_.reset();
}

Pool::~Pool() {
    for (const Block& block : free_) release(block.data, block.bytes);
}

Buffer Pool::take(std::size_t entries) {
    if (entries == 0) return Buffer();
    if (entries > static_cast<std::size_t>(-1) / (2 * sizeof(double))) throw std::bad_alloc();
    std::size_t bytes = rounded(entries * sizeof(double), kSmallPage);
    if (bytes >= kHugePage) bytes = rounded(bytes, kHugePage);
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        for (auto block = free_.begin(); block != free_.end(); ++block) {
            if (block->bytes != bytes) continue;
            const Block found = *block;
            free_.erase(block);
            held_ -= found.bytes;
            return Buffer(found.data, found.bytes, shared_from_this());
        }
    }
    return Buffer(allocate(bytes), bytes, shared_from_this());
}

void Pool::give(Block block) {
    try {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (held_ + block.bytes <= limit_) {
            free_.push_back(block);
            held_ += block.bytes;
            return;
        }
    } catch (...) {  // no memory to note it down
    }
    release(block.data, block.bytes);
}

}  // namespace colordeploy::propagation
