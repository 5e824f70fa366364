// The CPU's method on the device: fronts of one depth together, nothing subtracted.
#pragma once

#include <memory>
#include <tuple>

#include "device_plan.hpp"
#include "factorization.hpp"

namespace colordeploy::propagation::cuda {

class Multifrontal : public Factorization {
 public:
    // `failed`, on the device, gets the unknowns from the first bad pivot to the last.
    Multifrontal(std::shared_ptr<const DevicePlan> plan, Stream stream, const Weights& weights,
                 int* failed);
    ~Multifrontal() override;
    Multifrontal(const Multifrontal&) = delete;
    Multifrontal& operator=(const Multifrontal&) = delete;

    void solve(const Request& request) override;
    void settle(bool succeeded) override { factorized_ = succeeded; }

 private:
    using Key = std::tuple<const void*, bool, const void*, const void*, std::int64_t>;

    void edit(const Request& request);
    bool replay(const Request& request);
    void factorize(const std::uint8_t* mask);
    void substitute(const Request& request);

    std::shared_ptr<const DevicePlan> lists_;
    Stream stream_;
    Weights weights_;
    int* failed_;
    Buffer<double> factor_, update_, inverse_, vectors_, sums_, found_;
    Buffer<std::uint8_t> mask_;    // that of the factorization
    Buffer<std::uint8_t> chosen_;  // fronts to be eliminated
    bool factorized_ = false;
    // An edit as it was captured, and what it was captured with. It is captured when one comes for
    // the second time, so that whoever edits once does not pay for it.
    void* captured_ = nullptr;
    Key key_{};
    bool seen_ = false, captures_ = true;
};

}  // namespace colordeploy::propagation::cuda
