// The library is opened at run time: who does not ask for it needs none. What is declared here of
// its interface, version 1, is compared with its header in the tests.
#include <dlfcn.h>

#include <algorithm>
#include <map>
#include <utility>

#include "csr_kernels.hpp"
#include "cudss.hpp"
#include "cudss_api.hpp"

namespace colordeploy::propagation::cuda {

namespace {

// The functions of a loaded library. It stays loaded: systems in other threads may use it.
class Library {
 public:
    explicit Library(const std::string& path) {
        void* opened = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (opened == nullptr) {
            const char* why = dlerror();
            throw DeviceError("cuDSS cannot be loaded: " + std::string(why ? why : path));
        }
#define COLORDEPLOY_FIND(name) find(opened, #name, calls.name)
        COLORDEPLOY_CUDSS_CALLS(COLORDEPLOY_FIND);
#undef COLORDEPLOY_FIND
        for (int part = 0; part < 3; ++part)
            check(calls.cudssGetProperty(part, &version[part]), "");
        if (version[0] != cudss::kMajor) {
            throw DeviceError("cuDSS " + text() + " was found, version " +
                              std::to_string(cudss::kMajor) + " is needed");
        }
    }

    std::string text() const {
        return std::to_string(version[0]) + "." + std::to_string(version[1]) + "." +
               std::to_string(version[2]);
    }

    static void check(int status, const char* what) {
        if (status == cudss::kSuccess) return;
        const std::string text =
            std::string("cuDSS: ") + what + " returned status " + std::to_string(status);
        if (status == cudss::kAllocFailed) throw DeviceMemoryError(text);
        throw DeviceError(text);
    }

    cudss::Calls calls{};
    int version[3] = {0, 0, 0};

 private:
    template <typename Function>
    static void find(void* opened, const char* name, Function*& target) {
        target = reinterpret_cast<Function*>(dlsym(opened, name));
        if (target == nullptr) throw DeviceError(std::string("this cuDSS has no ") + name);
    }
};

const Library& library_at(const std::string& path) {
    static std::mutex guard;
    static std::map<std::string, std::unique_ptr<Library>> loaded;
    const std::lock_guard<std::mutex> lock(guard);
    std::unique_ptr<Library>& library = loaded[path];
    if (!library) library = std::make_unique<Library>(path);
    return *library;
}

#define COLORDEPLOY_CUDSS(library, name, ...) \
    Library::check((library).calls.name(__VA_ARGS__), #name)

// Handles of cuDSS with the analysis of a pattern, and later a factorization.
struct Analyzed {
    Analyzed(const Library& by, int on, Stream stream) : library(by), device(on) {
        try {
            COLORDEPLOY_CUDSS(library, cudssCreate, &handle);
            COLORDEPLOY_CUDSS(library, cudssConfigCreate, &config);
            COLORDEPLOY_CUDSS(library, cudssDataCreate, handle, &data);
            use(stream);
        } catch (const DeviceError&) {
            drop();
            throw;
        }
    }
    ~Analyzed() { drop(); }
    Analyzed(const Analyzed&) = delete;
    Analyzed& operator=(const Analyzed&) = delete;

    void use(Stream stream) { COLORDEPLOY_CUDSS(library, cudssSetStream, handle, stream.handle); }

    const Library& library;
    int device;
    cudss::Handle handle = nullptr;
    cudss::Config config = nullptr;
    cudss::Data data = nullptr;
    bool analyzed = false;

 private:
    void drop() noexcept {
        try {
            const Using guard(device);
            destroy();
        } catch (const DeviceError&) {  // the process ends, and the driver has gone before it
        }
    }
    void destroy() {
        if (data != nullptr) (void)library.calls.cudssDataDestroy(handle, data);
        if (config != nullptr) (void)library.calls.cudssConfigDestroy(config);
        if (handle != nullptr) (void)library.calls.cudssDestroy(handle);
    }
};

constexpr std::size_t kMostIdle = 2;  // each holds a factor's memory

// What systems of one size share: the matrix's pattern, and analyses that nobody uses.
struct Pattern {
    explicit Pattern(const DevicePlan& plan) {
        const Grid& grid = plan.plan->grid;
        const std::vector<std::int32_t> points = grid.global_pixels();
        std::vector<std::int32_t> starts{0}, indices;
        for (int y = 0; y < grid.height; ++y) {
            for (int x = 0; x < grid.width; ++x) add_row(grid, points, y, x, starts, indices);
        }
        nonzeros = static_cast<std::int64_t>(indices.size());
        const Stream stream = plan.stream.get();
        begin = Buffer<std::int32_t>(starts.size(), stream);
        columns = Buffer<std::int32_t>(indices.size(), stream);
        upload(begin.get(), starts.data(), starts.size() * sizeof(std::int32_t), stream);
        upload(columns.get(), indices.data(), indices.size() * sizeof(std::int32_t), stream);
        synchronize(stream);
    }

    Buffer<std::int32_t> begin, columns;
    std::int64_t nonzeros = 0;
    std::mutex guard;
    std::vector<std::unique_ptr<Analyzed>> idle;

 private:
    // The diagonal, then neighbours and other global points that come later, ascending.
    static void add_row(const Grid& grid, const std::vector<std::int32_t>& points, int y, int x,
                        std::vector<std::int32_t>& starts, std::vector<std::int32_t>& indices) {
        const std::int32_t pixel = y * grid.width + x;
        std::vector<std::int32_t> near{pixel};
        for (const Direction& d : kDirections) {
            if (grid.inside(y + d.dy, x + d.dx)) {
                near.push_back((y + d.dy) * grid.width + x + d.dx);
            }
        }
        if (grid.is_global(y, x)) {
            const auto later = std::upper_bound(points.begin(), points.end(), pixel);
            std::set_union(near.begin(), near.end(), later, points.end(),
                           std::back_inserter(indices));
        } else {
            indices.insert(indices.end(), near.begin(), near.end());
        }
        if (indices.size() > 0x7fffffff) {
            throw DeviceMemoryError("the matrix has more than 2**31 entries");
        }
        starts.push_back(static_cast<std::int32_t>(indices.size()));
    }
};

std::shared_ptr<Pattern> pattern_of(const DevicePlan& plan) {
    const std::lock_guard<std::mutex> lock(plan.cudss_guard);
    if (!plan.cudss) plan.cudss = std::make_shared<Pattern>(plan);
    return std::static_pointer_cast<Pattern>(plan.cudss);
}

// A matrix or vectors, described for cuDSS.
class Described {
 public:
    explicit Described(const Library& library) : library_(library) {}
    ~Described() {
        if (matrix != nullptr) (void)library_.calls.cudssMatrixDestroy(matrix);
    }
    Described(const Described&) = delete;
    Described& operator=(const Described&) = delete;

    cudss::Matrix matrix = nullptr;

 private:
    const Library& library_;
};

class Cudss : public Factorization {
 public:
    Cudss(const Library& library, std::shared_ptr<const DevicePlan> plan, Stream stream,
          const Weights& weights)
        : library_(library),
          lists_(std::move(plan)),
          pattern_(pattern_of(*lists_)),
          stream_(stream),
          weights_(weights),
          values_(static_cast<std::size_t>(pattern_->nonzeros), stream),
          mask_(static_cast<std::size_t>(lists_->plan->grid.pixels()), stream),
          changed_(1, stream),
          matrix_(library) {
        {
            const std::lock_guard<std::mutex> lock(pattern_->guard);
            if (!pattern_->idle.empty()) {
                system_ = std::move(pattern_->idle.back());
                pattern_->idle.pop_back();
            }
        }
        ready();
        const std::int64_t n = pixels();
        COLORDEPLOY_CUDSS(library_, cudssMatrixCreateCsr, &matrix_.matrix, n, n, pattern_->nonzeros,
                          pattern_->begin.get(), nullptr, pattern_->columns.get(), values_.get(),
                          cudss::kInt32, cudss::kInt32, cudss::kDouble, cudss::kPositiveDefinite,
                          cudss::kUpper, cudss::kZeroBased);
    }

    ~Cudss() override {
        try {
            if (!system_) return;
            system_->use(lists_->stream.get());  // this one's ends
            const std::lock_guard<std::mutex> lock(pattern_->guard);
            if (pattern_->idle.size() < kMostIdle) pattern_->idle.push_back(std::move(system_));
        } catch (const DeviceError&) {  // then it is not handed on
        }
    }

    void solve(const Request& request) override {
        const std::int64_t n = pixels(), count = n * request.channels;
        ready();
        right_.reserve(static_cast<std::size_t>(count), stream_);
        found_.reserve(static_cast<std::size_t>(count), stream_);
        // They must outlive the work that reads them, which is waited for before the next call.
        right_hand_ = std::make_unique<Described>(library_);
        solution_ = std::make_unique<Described>(library_);
        Described &right = *right_hand_, &found = *solution_;
        for (auto [target, values] : {std::pair{&right, &right_}, std::pair{&found, &found_}}) {
            COLORDEPLOY_CUDSS(library_, cudssMatrixCreateDn, &target->matrix, n, request.channels,
                              n, values->get(), cudss::kDouble, cudss::kColumns);
        }
        launch_over(count, stream_,
                    ToColumns{request.b, right_.get(), request.masked ? request.mask : nullptr, n,
                              request.channels});
        if (!factorized_ || (!request.same_mask && changes(request.mask))) {
            factorize(request.mask, found, right);
        }
        execute(cudss::kSolve, found, right);
        launch_over(count, stream_, FromColumns{found_.get(), request.x, n, request.channels});
    }

    void settle(bool succeeded) override { factorized_ = factorized_ && succeeded; }
    std::size_t bytes() const override {
        return values_.bytes() + right_.bytes() + found_.bytes() + mask_.bytes() + changed_.bytes();
    }

 private:
    std::int64_t pixels() const { return lists_->plan->grid.pixels(); }

    void ready() {
        if (system_) return system_->use(stream_);
        factorized_ = false;
        system_ = std::make_unique<Analyzed>(library_, lists_->device, stream_);
    }

    bool changes(const std::uint8_t* mask) {
        fill(changed_.get(), 0, sizeof(int), stream_);
        launch_over(pixels(), stream_, FindChange{mask_.get(), mask, pixels(), changed_.get()});
        int found = 0;
        download(&found, changed_.get(), sizeof found, stream_);
        synchronize(stream_);
        return found != 0;
    }

    void factorize(const std::uint8_t* mask, const Described& found, const Described& right) {
        const Grid& grid = lists_->plan->grid;
        const MatrixRows rows{grid.height,
                              grid.width,
                              grid.global_step,
                              pattern_->begin.get(),
                              pattern_->columns.get(),
                              mask,
                              weights_,
                              values_.get()};
        launch_over(pixels(), stream_, FillLocalRows{rows});
        const std::int64_t points = grid.global_points();
        launch(points, 1, FillGlobalRows::kMost, FillGlobalRows::kSharedSize, stream_,
               FillGlobalRows{rows, lists_->points.get(), points});
        if (!system_->analyzed) {
            execute(cudss::kAnalysis, found, right);
            system_->analyzed = true;
        }
        const bool again = std::exchange(factorized_, false);
        execute(again ? cudss::kRefactorization : cudss::kFactorization, found, right);
        int info = 0;
        std::size_t written = 0;
        COLORDEPLOY_CUDSS(library_, cudssDataGet, system_->handle, system_->data, cudss::kInfo,
                          &info, sizeof info, &written);
        if (info != 0) {
            system_.reset();  // the information stays, whatever is factorized afterwards
            throw NotDefinite(
                "the system is singular to cuDSS (info " + std::to_string(info) +
                "): a region is not tied to any marked pixel strongly enough; our own "
                "solver is exact for every contrast (solver='multifrontal')");
        }
        copy(mask_.get(), mask, mask_.size(), stream_);
        factorized_ = true;
    }

    void execute(int phase, const Described& found, const Described& right) {
        COLORDEPLOY_CUDSS(library_, cudssExecute, system_->handle, phase, system_->config,
                          system_->data, matrix_.matrix, found.matrix, right.matrix);
    }

    const Library& library_;
    std::shared_ptr<const DevicePlan> lists_;
    std::shared_ptr<Pattern> pattern_;
    Stream stream_;
    Weights weights_;
    Buffer<double> values_, right_, found_;
    Buffer<std::uint8_t> mask_;
    Buffer<int> changed_;
    Described matrix_;
    std::unique_ptr<Described> right_hand_, solution_;
    std::unique_ptr<Analyzed> system_;
    bool factorized_ = false;
};

}  // namespace

std::string cudss_version(const std::string& library) { return library_at(library).text(); }

std::unique_ptr<Factorization> make_cudss(const std::string& library,
                                          std::shared_ptr<const DevicePlan> plan, Stream stream,
                                          const Weights& weights) {
    return std::make_unique<Cudss>(library_at(library), std::move(plan), stream, weights);
}

}  // namespace colordeploy::propagation::cuda
