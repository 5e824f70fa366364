#include "bundle.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "../errors.hpp"
#include "../text.hpp"
#include "onnx_file.hpp"
#include "sha256.hpp"

namespace colordeploy::bundle {

namespace fs = std::filesystem;

namespace {

constexpr const char* SHARED = "shared";  // folder beside bundles: files that several of them have
constexpr std::uint64_t MAXIMUM_MANIFEST = 4 << 20, MAXIMUM_FILE = std::uint64_t{2} << 30;

std::string listed(const std::set<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

std::string described(const Bundle::Sides& sides) {
    return "from " + listed(sides.first) + " to " + listed(sides.second);
}

}  // namespace

Bundle::Bundle(const fs::path& path) : path_(path) {
    std::error_code error;
    folder_ = fs::is_directory(path, error);
    if (!folder_ && !fs::is_regular_file(path, error)) {
        throw BundleError(this->path() + ": no such bundle (a folder or a .zip of one)");
    }
    try {
        archive_ = Archive::open(path);
        if (!folder_) prefix_ = prefix_in_zip();
    } catch (const ArchiveError& problem) {
        throw BundleError(this->path() +
                          " is neither a folder nor a sound zip file: " + problem.what());
    }
    text_ = read(MANIFEST);
    manifest_ = Manifest::parse(text_, this->path());
}

std::string Bundle::prefix_in_zip() const {
    const std::string file = MANIFEST;
    std::vector<std::string> found;
    for (const std::string& name : archive_->names()) {
        const auto slash = name.rfind('/');
        const std::string last = slash == std::string::npos ? name : name.substr(slash + 1);
        if (last == file && std::count(name.begin(), name.end(), '/') < 2) found.push_back(name);
    }
    if (found.size() != 1) {
        throw BundleError(path() + ": " + std::to_string(found.size()) + " files " + file +
                          ", there must be one");
    }
    return found[0].substr(0, found[0].size() - file.size());
}

void Bundle::require_size(const std::string& name, std::uint64_t bytes, std::uint64_t limit) const {
    if (bytes <= limit) return;
    constexpr double mebibyte = 1 << 20;
    throw BundleError(path() + ": " + name +
                      text(" would take %.1f MiB, and at most %g MiB are read; it is damaged, or "
                           "no bundle of ours",
                           static_cast<double>(bytes) / mebibyte,
                           static_cast<double>(limit) / mebibyte));
}

std::string Bundle::read(const std::string& name, bool shared) const {
    const bool inside = !name.empty() && name != "." && name != ".." &&
                        name.find_first_of(std::string("/\\:\0", 4)) == std::string::npos;
    if (!inside) {
        throw BundleError(path() + ": file name '" + name + "' leads out of the bundle");
    }
    const std::uint64_t limit = name == MANIFEST ? MAXIMUM_MANIFEST : MAXIMUM_FILE;
    try {
        if (const auto bytes = archive_->size(prefix_ + name)) {
            require_size(name, *bytes, limit);
            return archive_->read(prefix_ + name);
        }
        const fs::path beside = fs::absolute(path_).lexically_normal();
        const fs::path parent =
            beside.has_filename() ? beside.parent_path() : beside.parent_path().parent_path();
        if (shared && folder_) {
            const auto near = Archive::open(parent);
            const std::string at = std::string(SHARED) + "/" + name;
            if (const auto bytes = near->size(at)) {
                require_size(name, *bytes, limit);
                return near->read(at);
            }
        }
    } catch (const ArchiveError& error) {
        throw BundleError(path() + ": " + name + " cannot be read (" + error.what() +
                          "); fetch or export the bundle again");
    }
    if (shared) {
        throw BundleError(path() + ": " + name +
                          " is missing; it holds weights, and lies in the bundle or in a folder '" +
                          SHARED + "' beside it: copy it along");
    }
    throw BundleError(path() + ": " + name + " is missing, so this is no bundle");
}

void Bundle::check(const std::string& name, const std::string& content,
                   const std::string& hash) const {
    const std::string found = sha256(content.data(), content.size());
    if (found == hash) return;
    throw BundleError(path() + ": " + name + " is damaged (SHA-256 " + found.substr(0, 12) +
                      "... instead of " + hash.substr(0, 12) +
                      "...); fetch or export the bundle again");
}

std::string Bundle::file(const std::string& name, const std::string& hash) const {
    std::string content = read(name);
    check(name, content, hash);
    return content;
}

std::string Bundle::graph(const std::string& name) const {
    const auto found = manifest_.graphs.find(name);
    if (found == manifest_.graphs.end()) {
        std::set<std::string> known;
        for (const auto& [key, entry] : manifest_.graphs) known.insert(key);
        throw BundleError(path() + ": no graph '" + name + "'; it has " + listed(known));
    }
    const GraphEntry& entry = found->second;
    std::string content = read(entry.file), parts = entry.file;
    if (entry.weights) {
        content += read(*entry.weights, true);
        parts += " with " + *entry.weights;
    }
    check(parts, content, entry.sha256);
    bool external = false;
    try {
        external = has_external_data(content);
    } catch (const MalformedGraph& error) {
        throw BundleError(path() + ": " + entry.file + " is no ONNX graph (" + error.what() +
                          "); export the bundle again");
    }
    if (external) {
        throw BundleError(path() + ": the weights of " + entry.file +
                          " lie in other files, which no hash protects; save the graph with its "
                          "weights inside and export the bundle again");
    }
    return content;
}

const Json& Bundle::parameter(const std::string& name) const {
    const auto found = manifest_.parameters.find(name);
    if (found == manifest_.parameters.end()) {
        throw BundleError(path() + ": " + MANIFEST + " lacks the parameter '" + name + "'");
    }
    return found->second;
}

void Bundle::odd_parameter(const std::string& name, const std::string& allowed) const {
    throw BundleError(path() + ": parameter '" + name + "' must be " + allowed + ", not " +
                      parameter(name).dump() + "; export the bundle again");
}

double Bundle::number(const std::string& name, double above) const {
    const Json::Number* found = parameter(name).number();
    if (found == nullptr) odd_parameter(name, "a number");
    double value = std::numeric_limits<double>::infinity();
    std::from_chars(found->text.data(), found->text.data() + found->text.size(), value);
    if (!(above < value && std::isfinite(value))) {
        odd_parameter(name, text("a finite number above %g", above));
    }
    return value;
}

int Bundle::integer(const std::string& name, int minimum) const {
    const Json::Number* found = parameter(name).number();
    int value = 0;
    bool whole = found != nullptr && found->whole;
    if (whole) {
        const char* end = found->text.data() + found->text.size();
        const auto [at, error] = std::from_chars(found->text.data(), end, value);
        whole = error == std::errc() && at == end && value >= minimum;
    }
    if (!whole) odd_parameter(name, "a whole number of at least " + std::to_string(minimum));
    return value;
}

bool Bundle::boolean(const std::string& name) const {
    const bool* found = parameter(name).boolean();
    if (found == nullptr) odd_parameter(name, "true or false");
    return *found;
}

void Bundle::require_graphs(const std::map<std::string, Sides>& wanted) const {
    for (const auto& [name, sides] : wanted) {
        const auto found = manifest_.graphs.find(name);
        std::string shown = "none";
        if (found != manifest_.graphs.end()) {
            const Sides own{found->second.inputs, found->second.outputs};
            if (own == sides) continue;
            shown = described(own);
        }
        throw BundleError(path() + ": a bundle of " + manifest_.method + " has a graph '" + name +
                          "' " + described(sides) + "; this one has " + shown);
    }
}

}  // namespace colordeploy::bundle
