// Loading models, and what they say of themselves.
#include <cstdlib>
#include <filesystem>

#include "../bundle/bundle.hpp"
#include "../methods/methods.hpp"
#include "../process/resources.hpp"
#include "../runtime/onnx_runtime.hpp"
#include "../text.hpp"
#include "host_runtime.hpp"
#include "installed.hpp"
#include "views.hpp"

namespace colordeploy::c {

namespace {

namespace fs = std::filesystem;

constexpr const char* BUNDLES = "COLORDEPLOY_BUNDLES";
constexpr int MAXIMUM_ASKED = 1024;  // of threads and of turns

fs::path bundles_of(const char* given) {
    if (given != nullptr && *given != '\0') return given;
    const char* named = std::getenv(BUNDLES);
    return named != nullptr && *named != '\0' ? fs::path(named) : installed_bundles();
}

bundle::Bundle find_bundle(const std::string& name, const fs::path& bundles) {
    std::error_code error;
    // A name is one of the folder's; what leads elsewhere is a path.
    if (fs::path(name).filename() == name && fs::exists(bundles / name / bundle::MANIFEST, error)) {
        return bundle::Bundle(bundles / name);
    }
    if (fs::exists(name, error)) return bundle::Bundle(name);
    throw BundleError("'" + name + "' is neither 'levin', nor a bundle in " + bundles.string() +
                      ", nor the path of one; name the folder of the models by "
                      "cd_load_options.bundles or COLORDEPLOY_BUNDLES");
}

std::shared_ptr<const HostRuntime> host_of(const cd_runtime* given) {
    if (given == nullptr) return nullptr;
    const cd_runtime runtime = options_of(given, CD_RUNTIME_INIT, "options->runtime");
    if (runtime.run == nullptr) throw InputError("options->runtime->run must not be NULL");
    return std::make_shared<const HostRuntime>(runtime);
}

void require_cpu(const char* device) {
    const std::string wanted = device == nullptr ? "auto" : device;
    if (wanted == "auto" || wanted == "cpu") return;
    throw BackendError("device '" + wanted +
                       "' was asked for, but this library computes on the "
                       "CPU; use \"cpu\", or give a runtime of your own for graphs on a GPU");
}

methods::ModelOptions model_options(const cd_load_options& options) {
    for (const auto& [name, value] :
         {std::pair{"threads", options.threads}, {"max_concurrency", options.max_concurrency}}) {
        if (value < 0 || value > MAXIMUM_ASKED) {
            throw InputError(text("%s must be 0 to %d, not %d", name, MAXIMUM_ASKED, value));
        }
    }
    methods::ModelOptions result{options.threads, options.max_concurrency, nullptr};
    if (options.log != nullptr) {
        result.log = [log = options.log, user = options.log_user](methods::Level level,
                                                                  const std::string& said) {
            log(user, static_cast<cd_level>(level), said.c_str());
        };
    }
    return result;
}

std::shared_ptr<const methods::Model> load(const std::string& name, const cd_load_options& options,
                                           std::shared_ptr<const HostRuntime> host) {
    const methods::Steps steps = steps_of(options.cancel, options.progress, options.progress_user);
    require_cpu(options.device);
    const methods::ModelOptions chosen = model_options(options);
    steps(0.0, "loading");
    if (auto model = methods::create_unbundled(name, chosen)) {
        steps(1.0, "done");
        return model;
    }
    const bundle::Bundle bundle = find_bundle(name, bundles_of(options.bundles));
    const bundle::Manifest& manifest = bundle.manifest();
    const int threads = process::graph_threads(options.threads);
    std::size_t done = 0;
    const auto loader = [&](const std::string& graph) -> std::shared_ptr<const runtime::Graph> {
        const auto every = static_cast<double>(manifest.graphs.size());
        steps(static_cast<double>(done++) / every, ("loading " + graph).c_str());
        const std::set<std::string>& outputs = manifest.graphs.at(graph).outputs;
        if (host != nullptr) {
            const bool wanted = host->callbacks().open != nullptr;
            return load_on_host(host, graph, wanted ? bundle.graph(graph) : "", outputs);
        }
        const std::string content = bundle.graph(graph), full = manifest.name + "/" + graph;
        const auto library =
            runtime::open_onnxruntime(options.onnxruntime == nullptr ? "" : options.onnxruntime);
        auto loaded = runtime::load_onnx(library, content, full, outputs, threads);
        if (chosen.log) {
            chosen.log(methods::Level::info,
                       text("graph %s: ONNX Runtime %s (%s) on cpu in fp32, %d threads",
                            full.c_str(), runtime::version_of(*library).c_str(),
                            runtime::path_of(*library).c_str(), threads));
        }
        return loaded;
    };
    auto model = methods::create(bundle, loader, chosen);
    steps(1.0, "done");
    return model;
}

}  // namespace

}  // namespace colordeploy::c

using namespace colordeploy;

extern "C" {

cd_status cd_load(const char* name, const cd_load_options* options, cd_model** model) {
    return c::guarded([&] {
        const cd_load_options chosen = c::options_of(options, CD_LOAD_OPTIONS_INIT, "options");
        auto host = c::host_of(chosen.runtime);
        c::require(name, "name");
        c::require(model, "model");
        *model = new cd_model{c::load(name, chosen, std::move(host))};
    });
}

void cd_model_free(cd_model* model) { delete model; }

cd_status cd_model_get_info(const cd_model* model, cd_model_info* info) {
    return c::guarded([&] {
        const methods::Description& said = c::required(model, "model").model->description();
        c::require(info, "info");
        const cd_model_info filled{sizeof(cd_model_info), said.name.c_str(),
                                   said.method.c_str(),   said.version.c_str(),
                                   said.licence.c_str(),  said.trained_on.c_str(),
                                   said.working_size};
        c::hand_over(filled, info, "info");
    });
}

}  // extern "C"
