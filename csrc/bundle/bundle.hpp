// Opened bundles: a manifest and ONNX graphs, in a folder or a zip of one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "archive.hpp"
#include "manifest.hpp"

namespace colordeploy::bundle {

// Its manifest is read, other files on demand, every one hash-checked and none of more than 2 GiB.
// All members throw BundleError.
class Bundle {
 public:
    explicit Bundle(const std::filesystem::path& path);

    const Manifest& manifest() const { return manifest_; }
    std::string path() const { return path_.string(); }
    // Of manifest.json, as it stands.
    const std::string& manifest_text() const { return text_; }

    // The ONNX file of a graph, weights that it shares with others included; it has all its
    // weights inside.
    std::string graph(const std::string& name) const;

    // A file whose hash the manifest says: the golden vectors.
    std::string file(const std::string& name, const std::string& hash) const;

    // Parameters of the manifest: a finite number above a limit, a whole number below 2^31, a
    // truth.
    double number(const std::string& name, double above) const;
    int integer(const std::string& name, int minimum) const;
    bool boolean(const std::string& name) const;
    bool has(const std::string& name) const { return manifest_.parameters.count(name) > 0; }

    // Names of inputs and outputs.
    using Sides = std::pair<std::set<std::string>, std::set<std::string>>;
    // Refuses a bundle that lacks one of these graphs or has another one of its name.
    void require_graphs(const std::map<std::string, Sides>& wanted) const;

 private:
    std::string read(const std::string& name, bool shared = false) const;
    void check(const std::string& name, const std::string& content, const std::string& hash) const;
    const Json& parameter(const std::string& name) const;
    [[noreturn]] void odd_parameter(const std::string& name, const std::string& allowed) const;
    std::string prefix_in_zip() const;
    void require_size(const std::string& name, std::uint64_t bytes, std::uint64_t limit) const;

    std::filesystem::path path_;
    bool folder_ = true;
    std::unique_ptr<Archive> archive_;
    std::string prefix_;  // of the names in a zip file
    std::string text_;
    Manifest manifest_;
};

}  // namespace colordeploy::bundle
