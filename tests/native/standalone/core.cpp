// The propagation core without Python: for sanitizers, for other processors, and for memory and
// threads that run out.
//
//   core check      solves systems of every kind and compares them with a dense elimination; prints
//                   the instruction set and a hash of all results
//   core race       several threads at one solver, cancelled now and then
//   core starve     once more for each allocation and thread that can fail: every one fails once
#include <sys/mman.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "../../../csrc/memory.hpp"
#include "../../../csrc/propagation/estimate.hpp"
#include "../../../csrc/propagation/solver.hpp"

#ifdef STARVE
#include <dlfcn.h>
#include <pthread.h>

namespace {
std::atomic<long> left{-1};  // calls until one fails; below: none does
std::atomic<bool> failed{false};

bool fails() {
    if (left.load() < 0) return false;
    const bool now = left.fetch_sub(1) == 0;
    if (now) failed = true;
    return now;
}
}  // namespace

void* operator new(std::size_t bytes) {
    void* data = fails() ? nullptr : std::malloc(bytes);
    if (data == nullptr) throw std::bad_alloc();
    return data;
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    const auto unit = static_cast<std::size_t>(alignment);
    return fails() ? nullptr : std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
}
void* operator new[](std::size_t bytes, std::align_val_t alignment,
                     const std::nothrow_t& tag) noexcept {
    return operator new(bytes, alignment, tag);
}
void operator delete(void* data) noexcept { std::free(data); }
void operator delete(void* data, std::size_t) noexcept { std::free(data); }
void operator delete[](void* data, std::align_val_t) noexcept { std::free(data); }
void operator delete(void* data, std::align_val_t) noexcept { std::free(data); }

extern "C" void* mmap(void* at, std::size_t bytes, int protection, int flags, int file,
                      off_t offset) noexcept {
    static auto* const real = reinterpret_cast<decltype(&mmap)>(dlsym(RTLD_NEXT, "mmap"));
    const bool ours = (flags & MAP_STACK) == 0 && bytes >= (std::size_t{1} << 21);
    return ours && fails() ? MAP_FAILED : real(at, bytes, protection, flags, file, offset);
}
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* how, void* (*work)(void*),
                              void* given) noexcept {
    static auto* const real =
        reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
    return fails() ? EAGAIN : real(thread, how, work, given);
}
#endif

namespace {

namespace cp = colordeploy::propagation;
using colordeploy::CancelFlag;
using colordeploy::Cancelled;

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "core: %s\n", what.c_str());
    std::exit(1);
}

// Numbers that are the same on every machine.
class Random {
 public:
    explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
    double next() {  // [0, 1)
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<double>(state_ >> 40) / 16777216.0;
    }

 private:
    std::uint64_t state_;
};

struct Problem {
    cp::Grid grid;
    double sigma, alpha, phi;
    std::ptrdiff_t channels = 3, outputs = 2;
    std::vector<float> features;
    std::vector<std::uint8_t> mask, other;
    std::vector<double> values;

    Problem(cp::Grid size, double width, double weight, double tie, std::uint64_t seed)
        : grid(size), sigma(width), alpha(weight), phi(tie) {
        Random random(seed);
        const auto pixels = static_cast<std::size_t>(grid.pixels());
        for (std::size_t i = 0; i < pixels * 3; ++i) {
            features.push_back(static_cast<float>(random.next()));
        }
        for (std::size_t i = 0; i < pixels; ++i) mask.push_back(random.next() < 0.03);
        mask[pixels / 2] = 1;
        other = mask;
        for (std::size_t i = 0; i < pixels; i += 7) other[i] ^= random.next() < 0.01;
        other[pixels / 3] = 1;
        for (std::size_t i = 0; i < pixels * 2; ++i) values.push_back(random.next());
    }
};

struct Made {
    std::shared_ptr<const cp::Plan> plan;
    std::vector<double> local, global;

    Made(const Problem& p, int threads) : plan(std::make_shared<cp::Plan>(p.grid)) {
        const auto pixels = static_cast<std::size_t>(p.grid.pixels());
        const auto points = static_cast<std::size_t>(p.grid.global_points());
        local.resize(4 * pixels);
        global.resize(points < 2 ? 0 : points * (points - 1) / 2);
        const cp::View3<const float> view{
            p.features.data(),         p.grid.height, p.grid.width, p.channels,
            p.grid.width * p.channels, p.channels};
        cp::local_affinities(p.grid, view, p.sigma, threads, nullptr, local.data());
        cp::global_affinities(p.grid, view, p.sigma, threads, nullptr, global.data());
    }
    std::unique_ptr<cp::Solver> solver(const Problem& p, bool single) const {
        return cp::Solver::make(
            plan, {local.data(), global.empty() ? nullptr : global.data(), p.alpha, p.phi}, single);
    }
};

std::vector<double> solved(cp::Solver& solver, const Problem& p,
                           const std::vector<std::uint8_t>& mask, int threads,
                           const CancelFlag* cancel = nullptr) {
    std::vector<double> x(p.values.size());
    solver.solve(mask.data(), {p.values.data(), x.data(), p.outputs, true}, threads, cancel);
    return x;
}

// Gaussian elimination of the matrix from its definition.
std::vector<double> reference(const Problem& p, const Made& made) {
    const auto n = static_cast<std::size_t>(p.grid.pixels());
    std::vector<double> a(n * n, 0.0), x(p.values.size(), 0.0);
    const auto tie = [&](std::size_t i, std::size_t j, double weight) {
        a[i * n + i] += weight;
        a[j * n + j] += weight;
        a[i * n + j] -= weight;
        a[j * n + i] -= weight;
    };
    for (std::size_t d = 0; d < 4; ++d) {
        for (int y = 0; y < p.grid.height; ++y) {
            for (int column = 0; column < p.grid.width; ++column) {
                const int y2 = y + cp::kDirections[d].dy, x2 = column + cp::kDirections[d].dx;
                if (!p.grid.inside(y2, x2)) continue;
                const auto i = static_cast<std::size_t>(y * p.grid.width + column);
                const auto j = static_cast<std::size_t>(y2 * p.grid.width + x2);
                tie(i, j, p.alpha * made.local[d * n + i] + p.phi);
            }
        }
    }
    const std::vector<std::int32_t> points = p.grid.global_pixels();
    for (std::size_t i = 1; i < points.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            tie(static_cast<std::size_t>(points[i]), static_cast<std::size_t>(points[j]),
                p.alpha * made.global[cp::pair_index(i, j)]);
        }
    }
    for (std::size_t i = 0; i < n; ++i) {
        if (!p.mask[i]) continue;
        a[i * n + i] += 1.0;
        for (std::size_t c = 0; c < 2; ++c) x[i * 2 + c] = p.values[i * 2 + c];
    }
    for (std::size_t k = 0; k < n; ++k) {
        for (std::size_t i = k + 1; i < n; ++i) {
            const double factor = a[i * n + k] / a[k * n + k];
            if (factor == 0.0) continue;
            for (std::size_t j = k; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
            for (std::size_t c = 0; c < 2; ++c) x[i * 2 + c] -= factor * x[k * 2 + c];
        }
    }
    for (std::size_t k = n; k-- > 0;) {
        for (std::size_t c = 0; c < 2; ++c) {
            for (std::size_t j = k + 1; j < n; ++j) x[k * 2 + c] -= a[k * n + j] * x[j * 2 + c];
            x[k * 2 + c] /= a[k * n + k];
        }
    }
    return x;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
    double most = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) most = std::fmax(most, std::fabs(a[i] - b[i]));
    return most;
}

void check() {
    std::uint64_t hash = 1469598103934665603u;
    const auto note = [&](const std::vector<double>& x) {
        for (double value : x) {
            std::uint64_t bits;
            std::memcpy(&bits, &value, sizeof bits);
            hash = (hash ^ bits) * 1099511628211u;
        }
    };
    const cp::Grid grids[] = {{1, 1, 12},   {3, 2, 1},   {9, 14, 3},   {1, 40, 12},  {33, 25, 0},
                              {30, 31, 12}, {26, 40, 7}, {64, 60, 12}, {150, 90, 12}};
    std::uint64_t seed = 1;
    for (const cp::Grid& grid : grids) {
        const Problem p(grid, 0.4, 0.7, 1e-6, seed++);
        const Made made(p, 2);
        if (cp::estimated_bytes(grid, false) <= 0.0) fail("no estimate");
        for (const bool single : {false, true}) {
            const auto solver = made.solver(p, single);
            const std::vector<double> x = solved(*solver, p, p.mask, 1);
            note(x);
            if (grid.pixels() < 2000) {
                const double error = largest_difference(x, reference(p, made));
                if (!(error < (single ? 1e-4 : 1e-9))) fail("off by " + std::to_string(error));
            }
            const std::vector<double> edited = solved(*solver, p, p.other, 3);
            const auto fresh = made.solver(p, single);
            if (solved(*fresh, p, p.other, 1) != edited) fail("an edit gives other bits");
            if (solved(*solver, p, p.mask, 2) != x) fail("undoing an edit gives other bits");
            note(edited);
        }
    }
    Problem singular({20, 20, 0}, 0.4, 0.0, 0.0, 99);
    const Made made(singular, 1);
    try {
        solved(*made.solver(singular, false), singular, singular.mask, 2);
        fail("a singular system was solved");
    } catch (const cp::SingularSystem&) {
    }
    std::printf("%s %016llx\n", cp::kernel_table().name, static_cast<unsigned long long>(hash));
}

void race() {
    const Problem p({90, 120, 12}, 0.4, 0.7, 1e-6, 5);
    const Made made(p, 3);
    const auto solver = made.solver(p, true);
    const std::vector<double> one = solved(*solver, p, p.mask, 1);
    const std::vector<double> two = solved(*solver, p, p.other, 1);
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 6; ++i) {
                CancelFlag cancel;
                std::thread canceller([&] {
                    if ((t + i) % 3 == 0) cancel.set();
                });
                try {
                    const bool first = (t + i) % 2 == 0;
                    const auto& mask = first ? p.mask : p.other;
                    if (solved(*solver, p, mask, 1 + t, &cancel) != (first ? one : two)) ++wrong;
                } catch (const Cancelled&) {
                }
                canceller.join();
                if (i == 3) colordeploy::store::trim();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    if (wrong > 0) fail("wrong results");
    std::printf("%s race\n", cp::kernel_table().name);
}

#ifdef STARVE
void starve() {
    const Problem p({60, 70, 12}, 0.4, 0.7, 1e-6, 5);
    const std::vector<double> expected = [&] {
        const Made made(p, 2);
        return solved(*made.solver(p, false), p, p.mask, 3);
    }();
    long refused = 0, survived = 0;
    std::vector<double> found;
    for (long n = 0;; ++n) {
        colordeploy::store::trim();
        failed = false;
        left = n;
        found.clear();
        try {
            const Made made(p, 2);
            const auto solver = made.solver(p, false);
            try {
                found = solved(*solver, p, p.mask, 3);
            } catch (const std::bad_alloc&) {
                left = -1;
                ++refused;
                if (solved(*solver, p, p.mask, 3) != expected) fail("wrong after running out");
            }
        } catch (const std::bad_alloc&) {
            ++refused;
        }
        left = -1;
        if (!found.empty()) {
            if (found != expected) fail("wrong result while running out");
            ++survived;
            if (!failed) break;
        }
    }
    std::printf("%s starve: %ld refused, %ld went on\n", cp::kernel_table().name, refused,
                survived);
}
#endif

}  // namespace

int main(int count, char** words) {
    const std::string what = count > 1 ? words[1] : "";
    if (what == "check") {
        check();
    } else if (what == "race") {
        race();
#ifdef STARVE
    } else if (what == "starve") {
        starve();
#endif
    } else {
        fail("say check, race or starve");
    }
}
