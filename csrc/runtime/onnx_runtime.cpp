#include "onnx_runtime.hpp"

#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

#include "../errors.hpp"
#include "abandoning.hpp"
#include "ort_api.hpp"
#include "shared_library.hpp"

namespace colordeploy::runtime {

namespace {

constexpr const char* NAMED = "COLORDEPLOY_ONNXRUNTIME";
constexpr const char* TELEMETRY_OFF = "ORT_DISABLE_TELEMETRY";
constexpr const char* ADVICE =
    "; name the path of ONNX Runtime's library (1.18 or later, "
    "libonnxruntime.so; pip's onnxruntime has it in onnxruntime/capi) when the model is loaded, or "
    "by COLORDEPLOY_ONNXRUNTIME";

// The official builds of 1.32 write an identifier and a database into the user's cache folder as
// soon as they are opened, and call home after a minute; this keeps them from it.
void refuse_telemetry() {
#if defined(_WIN32)
    _putenv_s(TELEMETRY_OFF, "1");
#else
    setenv(TELEMETRY_OFF, "1", 1);
#endif
}

template <typename Object>
struct Release {
    const ort::Api* api;
    void (*ort::Api::*release)(Object*);
    void operator()(Object* object) const { (api->*release)(object); }
};
template <typename Object>
using Owned = std::unique_ptr<Object, Release<Object>>;

}  // namespace

class OrtLibrary {
 public:
    explicit OrtLibrary(const std::string& path) : library_(path) {
        using Base = const ort::ApiBase* (*)();
        const auto base = reinterpret_cast<Base>(library_.symbol("OrtGetApiBase"));
        if (base == nullptr) {
            throw BackendError(path + " is no library of ONNX Runtime" + ADVICE);
        }
        version_ = base()->GetVersionString();
        api_ = base()->GetApi(ort::VERSION);
        if (api_ == nullptr) {
            throw BackendError(path + " is ONNX Runtime " + version_ + ", which is too old" +
                               ADVICE);
        }
        check(api_->CreateEnv(ort::FATAL, "colordeploy", &env_), "starting ONNX Runtime");
        check(api_->DisableTelemetryEvents(env_), "turning off ONNX Runtime's telemetry");
    }
    ~OrtLibrary() {
        if (env_ != nullptr) api_->ReleaseEnv(env_);
    }
    OrtLibrary(const OrtLibrary&) = delete;
    OrtLibrary& operator=(const OrtLibrary&) = delete;

    const ort::Api& api() const { return *api_; }
    const ort::Env* env() const { return env_; }
    const std::string& path() const { return library_.path(); }
    const std::string& version() const { return version_; }

    // Throws BackendError for a status that is one.
    void check(ort::Status* status, const std::string& what) const {
        if (status == nullptr) return;
        const std::string message = api_->GetErrorMessage(status);
        api_->ReleaseStatus(status);
        throw BackendError(what + " failed: " + message);
    }

    template <typename Object>
    Owned<Object> owned(Object* object, void (*ort::Api::*release)(Object*)) const {
        return Owned<Object>(object, Release<Object>{api_, release});
    }

 private:
    SharedLibrary library_;
    const ort::Api* api_ = nullptr;
    ort::Env* env_ = nullptr;
    std::string version_;
};

namespace {

class OrtGraph : public Graph, public std::enable_shared_from_this<OrtGraph> {
 public:
    OrtGraph(std::shared_ptr<const OrtLibrary> library, const std::string& content,
             const std::string& name, const std::set<std::string>& outputs, int threads)
        : Graph(name, outputs),
          library_(std::move(library)),
          session_(library_->owned<ort::Session>(nullptr, &ort::Api::ReleaseSession)),
          memory_(library_->owned<ort::MemoryInfo>(nullptr, &ort::Api::ReleaseMemoryInfo)) {
        const ort::Api& api = library_->api();
        const std::string what = "loading graph '" + name + "' into ONNX Runtime";
        ort::SessionOptions* made = nullptr;
        library_->check(api.CreateSessionOptions(&made), what);
        const auto options = library_->owned(made, &ort::Api::ReleaseSessionOptions);
        // As the Python package sets them (colordeploy/runtime/onnx_runtime.py says why).
        library_->check(api.SetSessionLogSeverityLevel(made, ort::FATAL), what);
        library_->check(api.SetIntraOpNumThreads(made, threads), what);
        for (const auto& [key, value] : {std::pair{"session.force_spinning_stop", "1"},
                                         {"session.intra_op.spin_duration_us", "50"}}) {
            library_->check(api.AddSessionConfigEntry(made, key, value), what);
        }
        ort::Session* session = nullptr;
        library_->check(api.CreateSessionFromArray(library_->env(), content.data(), content.size(),
                                                   made, &session),
                        what);
        session_.reset(session);
        ort::MemoryInfo* memory = nullptr;
        library_->check(api.CreateCpuMemoryInfo(ort::ARENA_ALLOCATOR, ort::DEFAULT_MEMORY, &memory),
                        what);
        memory_.reset(memory);
    }

    const char* device() const override { return "cpu"; }

 private:
    using Values = std::vector<Owned<ort::Value>>;

    // One run with all that it looks at.
    struct Call {
        std::shared_ptr<const OrtGraph> graph;
        Inputs inputs;
        Owned<ort::RunOptions> options;
        Values results;
    };

    Owned<ort::Value> value(ort::Value* made) const {
        return library_->owned(made, &ort::Api::ReleaseValue);
    }

    Outputs compute(const Inputs& inputs, const CancelToken* cancel) const override {
        const std::string what = said();
        ort::RunOptions* options = nullptr;
        library_->check(library_->api().CreateRunOptions(&options), what);
        const auto call =
            std::make_shared<Call>(Call{shared_from_this(),
                                        cancel == nullptr ? inputs : own(inputs),
                                        library_->owned(options, &ort::Api::ReleaseRunOptions),
                                        {}});
        // A run that is told to terminate still ends the kernel that is running.
        const CancelToken::Calling stop(cancel, [library = library_, options] {
            if (ort::Status* failed = library->api().RunOptionsSetTerminate(options)) {
                library->api().ReleaseStatus(failed);
            }
        });
        abandonable([call] { call->results = call->graph->results(call->inputs, *call->options); },
                    cancel);
        Outputs outputs_by_name;
        std::size_t at = 0;
        for (const std::string& output : outputs()) {
            outputs_by_name.emplace(output, tensor(std::move(call->results[at++]), what));
        }
        return outputs_by_name;
    }

    std::string said() const { return "graph '" + name() + "'"; }

    // Inputs that outlive their caller.
    static Inputs own(Inputs inputs) {
        for (auto& [name, view] : inputs) {
            if (view.owner != nullptr) continue;
            const auto* bytes = static_cast<const unsigned char*>(view.data);
            auto copy = std::make_shared<std::vector<unsigned char>>(bytes, bytes + view.bytes());
            view.data = copy->data();
            view.owner = std::move(copy);
        }
        return inputs;
    }

    Values results(const Inputs& inputs, const ort::RunOptions& options) const {
        const ort::Api& api = library_->api();
        const std::string what = said();
        Values given;
        std::vector<const char*> input_names, output_names;
        std::vector<const ort::Value*> given_to;
        for (const auto& [input, view] : inputs) {
            ort::Value* made = nullptr;
            library_->check(
                api.CreateTensorWithDataAsOrtValue(
                    memory_.get(), const_cast<void*>(view.data), view.bytes(), view.shape.data(),
                    view.shape.size(), static_cast<int>(view.type), &made),
                what);
            given.push_back(value(made));
            given_to.push_back(made);
            input_names.push_back(input.c_str());
        }
        for (const std::string& output : outputs()) output_names.push_back(output.c_str());
        std::vector<ort::Value*> found(output_names.size(), nullptr);
        ort::Status* status =
            api.Run(session_.get(), &options, input_names.data(), given_to.data(), given_to.size(),
                    output_names.data(), output_names.size(), found.data());
        Values results;
        for (ort::Value* one : found) results.push_back(value(one));
        library_->check(status, what);
        return results;
    }

    Tensor tensor(Owned<ort::Value> result, const std::string& what) const {
        const ort::Api& api = library_->api();
        ort::TensorInfo* made = nullptr;
        library_->check(api.GetTensorTypeAndShape(result.get(), &made), what);
        const auto info = library_->owned(made, &ort::Api::ReleaseTensorTypeAndShapeInfo);
        int type = 0;
        std::size_t rank = 0;
        library_->check(api.GetTensorElementType(made, &type), what);
        library_->check(api.GetDimensionsCount(made, &rank), what);
        Tensor tensor;
        tensor.type = static_cast<Type>(type);
        tensor.shape.resize(rank);
        library_->check(api.GetDimensions(made, tensor.shape.data(), rank), what);
        void* data = nullptr;
        library_->check(api.GetTensorMutableData(result.get(), &data), what);
        tensor.data = data;
        // The library outlives what it made.
        tensor.owner = std::shared_ptr<const void>(
            data, [library = library_,
                   kept = std::shared_ptr<ort::Value>(std::move(result))](const void*) {});
        return tensor;
    }

    std::shared_ptr<const OrtLibrary> library_;
    Owned<ort::Session> session_;
    Owned<ort::MemoryInfo> memory_;
};

}  // namespace

std::shared_ptr<const OrtLibrary> open_onnxruntime(const std::string& path) {
    std::string wanted = path;
    if (wanted.empty()) {
        const char* named = std::getenv(NAMED);
        wanted = named != nullptr && *named != '\0' ? named : SharedLibrary::named("onnxruntime");
    }
    static std::mutex mutex;
    static std::map<std::string, std::weak_ptr<const OrtLibrary>> opened;
    const std::lock_guard lock(mutex);
    if (auto known = opened[wanted].lock()) return known;
    refuse_telemetry();
    std::shared_ptr<const OrtLibrary> library;
    try {
        library = std::make_shared<const OrtLibrary>(wanted);
    } catch (const SharedLibrary::Missing& missing) {
        throw BackendError(std::string("ONNX Runtime does not load (") + missing.what() + ")" +
                           ADVICE);
    }
    opened[wanted] = library;
    return library;
}

std::shared_ptr<const Graph> load_onnx(std::shared_ptr<const OrtLibrary> library,
                                       const std::string& content, const std::string& name,
                                       const std::set<std::string>& outputs, int threads) {
    return std::make_shared<const OrtGraph>(std::move(library), content, name, outputs, threads);
}

std::string path_of(const OrtLibrary& library) { return library.path(); }
std::string version_of(const OrtLibrary& library) { return library.version(); }

}  // namespace colordeploy::runtime
