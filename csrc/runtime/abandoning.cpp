#include "abandoning.hpp"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#if defined(_WIN32)
#include <process.h>
#else
#include <unistd.h>
#endif

namespace colordeploy::runtime {

namespace {

constexpr std::chrono::milliseconds GRACE{10};  // in which cancelled work may end by itself
constexpr std::chrono::seconds LAST{10};        // that the end of the process waits at most

int process_number() {
#if defined(_WIN32)
    return _getpid();
#else
    return static_cast<int>(getpid());
#endif
}

// All threads that work here. What they use must not be torn down below them when the process ends,
// so its end waits for them.
class Working {
 public:
    static Working& all() {
        // Threads may still be leaving it when static objects are destroyed: it is never freed.
        static Working* const made = new Working;
        static const AtEnd end;
        return *made;
    }

    void begin() {
        const std::lock_guard lock(mutex_);
        ++count_;
    }
    void end() {
        const std::lock_guard lock(mutex_);
        --count_;
        changed_.notify_all();
    }

 private:
    struct AtEnd {
        ~AtEnd() { all().wait(); }
    };

    void wait() {
        if (process_ != process_number()) return;  // a fork has none of these threads
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, LAST, [this] { return count_ == 0; });
    }

    const int process_ = process_number();
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

struct Work {
    std::function<void()> call;
    std::mutex mutex;
    std::condition_variable changed;
    std::exception_ptr error;
    bool done = false, asked = false;

    void run() {
        try {
            call();
        } catch (...) {
            error = std::current_exception();
        }
        const std::lock_guard lock(mutex);
        done = true;
        changed.notify_all();
    }

    void ask() {
        const std::lock_guard lock(mutex);
        asked = true;
        changed.notify_all();
    }

    // Whether it was done before its caller had to leave.
    bool waited() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return done || asked; });
        return done || changed.wait_for(lock, GRACE, [this] { return done; });
    }
};

}  // namespace

void abandonable(std::function<void()> work, const CancelToken* token) {
    if (token == nullptr) {
        work();
        return;
    }
    const auto shared = std::make_shared<Work>();
    shared->call = std::move(work);
    const CancelToken::Calling asking(token, [shared] { shared->ask(); });
    Working& all = Working::all();
    all.begin();
    try {
        std::thread([own = shared, &all]() mutable {
            own->run();
            own.reset();
            all.end();
        }).detach();
    } catch (const std::system_error&) {  // the system has no thread left
        all.end();
        shared->call();
        return;
    }
    if (!shared->waited()) throw Cancelled();
    if (shared->error) std::rethrow_exception(shared->error);
}

}  // namespace colordeploy::runtime
