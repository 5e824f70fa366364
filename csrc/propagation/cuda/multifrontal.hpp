// The CPU's method on the device: fronts of one depth together, nothing subtracted.
#pragma once

#include <memory>
#include <tuple>
#include <vector>

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
    std::size_t bytes() const override {
        return factor_.bytes() + update_.bytes() + inverse_.bytes() + vectors_.bytes() +
               sums_.bytes() + found_.bytes() + mask_.bytes() + chosen_.bytes();
    }

 private:
    // What a captured request depends on: its kind, and the addresses of all that may move.
    using Key =
        std::tuple<bool, bool, std::int64_t, const void*, const void*, const void*, const void*>;
    struct Captured {
        Key key;
        void* graph = nullptr;
    };

    void again(const Request& request);
    bool replay(const Request& request);
    void* capture(const Request& request);
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
    // The last kinds of request, the latest last. One is captured when it comes for the second
    // time, so that whoever edits once does not pay for it.
    std::vector<Captured> captured_;
    // Captures are made on a stream of their own: what other threads put on this system's would end
    // one. None is ever launched there.
    std::unique_ptr<OwnStream> aside_;
    bool captures_ = true;
};

}  // namespace colordeploy::propagation::cuda
