#include "model.hpp"

#include <chrono>
#include <utility>

#include "../process/resources.hpp"

namespace colordeploy::methods {

namespace {

constexpr std::chrono::milliseconds WAIT{20};  // between looks at a token

}  // namespace

void Turns::take(const Steps& steps) {
    if (limit_ <= 0) return;
    std::unique_lock lock(mutex_);
    if (taken_ >= limit_) {
        lock.unlock();
        steps(0.0, "waiting for a turn");
        lock.lock();
    }
    while (!changed_.wait_for(lock, WAIT, [&] { return taken_ < limit_; })) {
        throw_if_set(steps.flag());
    }
    ++taken_;
}

void Turns::give_back() {
    if (limit_ <= 0) return;
    {
        const std::lock_guard lock(mutex_);
        --taken_;
    }
    changed_.notify_one();
}

Model::Model(Description description, runtime::Graphs graphs, const ModelOptions& options)
    : description_(std::move(description)),
      graphs_(std::move(graphs)),
      threads_(process::core_threads(options.threads)),
      log_(options.log),
      turns_(options.max_concurrency) {}

std::shared_ptr<Canvas> Model::prepare(const pictures::Image& image, const PrepareOptions& options,
                                       const Steps& steps) const {
    const Turns::Turn turn(turns_, steps);
    steps(0.0, "reading");
    std::shared_ptr<Canvas> canvas = prepared(image, options, steps);
    steps(1.0, "done");
    return canvas;
}

}  // namespace colordeploy::methods
