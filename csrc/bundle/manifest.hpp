// What a bundle says of itself: manifest.json, checked by a hash of its values.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "json.hpp"

namespace colordeploy::bundle {

inline constexpr const char* MANIFEST = "manifest.json";
inline constexpr int FORMAT = 2;  // graphs may share weights
inline constexpr int PLAIN = 1;   // of bundles whose graphs hold all their weights

struct GraphEntry {
    std::string file, sha256;               // the hash is that of its content, weights included
    std::optional<std::string> weights;     // a file that, appended, makes the whole graph
    std::set<std::string> inputs, outputs;  // names
};

struct Manifest {
    // Throws BundleError, which names the manifest by its origin.
    static Manifest parse(std::string_view text, const std::string& origin);

    std::string name, method, version, licence, trained_on, golden_sha256;
    std::map<std::string, GraphEntry> graphs;
    Json::Object parameters;
};

}  // namespace colordeploy::bundle
