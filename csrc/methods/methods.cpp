#include "methods.hpp"

#include "../errors.hpp"
#include "automatic/model.hpp"
#include "exemplar/model.hpp"
#include "line_art/model.hpp"
#include "scribble/model.hpp"

namespace colordeploy::methods {

namespace {

using Create = std::shared_ptr<const Model> (*)(const bundle::Bundle&, const runtime::GraphLoader&,
                                                const ModelOptions&);

const std::map<std::string, Create>& bundled() {
    static const std::map<std::string, Create> known{
        {"disco", create_disco}, {"lga", create_lga}, {"rasc", create_rasc}, {"sscn", create_sscn}};
    return known;
}

}  // namespace

std::shared_ptr<const Model> create(const bundle::Bundle& bundle, const runtime::GraphLoader& load,
                                    const ModelOptions& options) {
    const std::string& method = bundle.manifest().method;
    const auto found = bundled().find(method);
    if (found != bundled().end()) return found->second(bundle, load, options);
    std::string known;
    for (const auto& [name, create] : bundled())
        known += (known.empty() ? "'" : ", '") + name + "'";
    throw BundleError(bundle.path() + ": method '" + method +
                      "' is not known to this library, which knows " + known +
                      "; imported networks are the Python package's, others a later version's");
}

std::shared_ptr<const Model> create_unbundled(const std::string& name,
                                              const ModelOptions& options) {
    return name == "levin" ? create_levin(options) : nullptr;
}

Description described(const bundle::Bundle& bundle) {
    const bundle::Manifest& manifest = bundle.manifest();
    return {manifest.name,    manifest.method,     manifest.version,
            manifest.licence, manifest.trained_on, bundle.integer("working_size", 1)};
}

runtime::Graphs open_graphs(const bundle::Bundle& bundle, const runtime::GraphLoader& load,
                            const std::map<std::string, bundle::Bundle::Sides>& wanted) {
    bundle.require_graphs(wanted);
    runtime::Graphs graphs;
    for (const auto& [name, sides] : wanted) graphs.emplace(name, load(name));
    return graphs;
}

}  // namespace colordeploy::methods
