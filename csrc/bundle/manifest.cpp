#include "manifest.hpp"

#include <charconv>
#include <cmath>

#include "../errors.hpp"
#include "sha256.hpp"

namespace colordeploy::bundle {

namespace {

// What makes a manifest odd, for one message.
struct Odd : std::runtime_error {
    using std::runtime_error::runtime_error;
};

const Json& member(const Json::Object& object, const std::string& key) {
    const auto found = object.find(key);
    if (found == object.end()) throw Odd("'" + key + "'");
    return found->second;
}

std::string text_of(const Json::Object& object, const std::string& key) {
    const std::string* found = member(object, key).string();
    if (found == nullptr) throw Odd("'" + key + "' must be a text");
    return *found;
}

std::set<std::string> names_of(const Json::Object& object, const std::string& key) {
    const Json::Array* tensors = member(object, key).array();
    if (tensors == nullptr || tensors->empty()) throw Odd("a graph needs inputs and outputs");
    std::set<std::string> names;
    for (const Json& tensor : *tensors) {
        if (tensor.object() == nullptr) throw Odd("a tensor must be an object");
        member(*tensor.object(), "dtype");
        member(*tensor.object(), "shape");
        names.insert(text_of(*tensor.object(), "name"));
    }
    return names;
}

GraphEntry graph_of(const Json& json) {
    const Json::Object* entry = json.object();
    if (entry == nullptr) throw Odd("a graph must be an object");
    const Json::Number* tolerance = member(*entry, "tolerance").number();
    double limit = 0.0;
    if (tolerance != nullptr) {
        const std::string& digits = tolerance->text;
        std::from_chars(digits.data(), digits.data() + digits.size(), limit);
    }
    if (!(limit > 0.0) || !std::isfinite(limit)) {
        throw Odd("a tolerance must be a finite number above 0");
    }
    GraphEntry graph{text_of(*entry, "file"), text_of(*entry, "sha256"), std::nullopt,
                     names_of(*entry, "inputs"), names_of(*entry, "outputs")};
    if (entry->count("weights") > 0) graph.weights = text_of(*entry, "weights");
    return graph;
}

}  // namespace

Manifest Manifest::parse(std::string_view text, const std::string& origin) {
    const std::string file = origin + ": " + MANIFEST;
    Json values;
    try {
        values = Json::parse(text);
    } catch (const JsonError& error) {
        throw BundleError(file + " is not valid JSON: " + error.what());
    }
    Json::Object* members = values.object();
    std::string format = "None";
    if (members != nullptr && members->count("format") > 0) format = members->at("format").dump();
    if (format != std::to_string(PLAIN) && format != std::to_string(FORMAT)) {
        throw BundleError(origin + ": bundle format " + format +
                          " is not known to this version (it reads " + std::to_string(PLAIN) +
                          " and " + std::to_string(FORMAT) +
                          "); update colordeploy or export the bundle again");
    }
    std::string digest;
    if (members->count("manifest_sha256") > 0) {
        const std::string* found = members->at("manifest_sha256").string();
        if (found != nullptr) digest = *found;
        members->erase("manifest_sha256");
    }
    const std::string canonical = values.dump();
    if (digest != sha256(canonical.data(), canonical.size())) {
        throw BundleError(file +
                          " is damaged or was edited by hand (its SHA-256 does not match); "
                          "fetch or export the bundle again");
    }
    Manifest manifest;
    try {
        for (const auto& [key, to] : {std::pair{"name", &manifest.name},
                                      {"method", &manifest.method},
                                      {"version", &manifest.version},
                                      {"licence", &manifest.licence},
                                      {"trained_on", &manifest.trained_on},
                                      {"golden_sha256", &manifest.golden_sha256}}) {
            *to = text_of(*members, key);
        }
        const Json::Object* graphs = member(*members, "graphs").object();
        const Json::Object* parameters = member(*members, "parameters").object();
        if (graphs == nullptr || parameters == nullptr) {
            throw Odd("'graphs' and 'parameters' must be objects");
        }
        for (const auto& [name, entry] : *graphs) manifest.graphs.emplace(name, graph_of(entry));
        manifest.parameters = *parameters;
    } catch (const Odd& error) {
        throw BundleError(file + " is incomplete or odd: " + error.what());
    }
    if (manifest.graphs.empty()) throw BundleError(file + " names no graph");
    return manifest;
}

}  // namespace colordeploy::bundle
