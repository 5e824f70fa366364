// Dividing regions of one drawing between marks of several owners, as often as wanted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "../cancel.hpp"
#include "../propagation/solver.hpp"

namespace colordeploy::regions {

// By propagation on the drawing, with barriers at its lines: the first division prepares the
// system, which no mark changes. Safe to use from several threads, which then take turns.
class RegionDivider {
 public:
    // labels, covered: height x width, 0 on lines, and with lines given to regions; labels below
    // `count`. They must outlive it.
    RegionDivider(const std::int32_t* labels, const std::int32_t* covered, std::ptrdiff_t height,
                  std::ptrdiff_t width, std::ptrdiff_t count);

    struct Marks {
        const std::int32_t* counts;  // of each label: its owners; fewer than two leave it whole
        const std::int64_t* pixels;
        const std::int32_t* owners;  // of each pixel: an owner of its region, below its count
        std::ptrdiff_t size;
    };
    // As `covered`, but in each region with several owners the first keeps the label; the second
    // and further ones have labels from `count` on, region by region. Throws
    // std::invalid_argument, std::bad_alloc, propagation::SingularSystem, Cancelled.
    void divide(const Marks& marks, int threads, const CancelFlag* cancel, std::int32_t* result);

    // Held besides the labels.
    std::size_t bytes() const;

 private:
    void prepare(const CancelFlag* cancel);
    void speak_for_middles(std::vector<std::int64_t>& votes, std::vector<std::int64_t>& sums,
                           std::ptrdiff_t most) const;
    std::vector<float> shares(const std::vector<std::int64_t>& pixels,
                              const std::vector<std::int32_t>& owners, std::ptrdiff_t most,
                              int threads, const CancelFlag* cancel);

    const std::int32_t *labels_, *covered_;
    std::ptrdiff_t height_, width_, count_, rows_, columns_;
    mutable std::mutex mutex_;
    std::vector<std::int32_t> cells_, rooms_;
    std::vector<float> depths_, thickness_;
    std::vector<double> weights_;
    std::unique_ptr<propagation::Solver> solver_;
};

}  // namespace colordeploy::regions
