// The files of a folder, or of a zip archive: found by name, read whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace colordeploy::bundle {

// A file or an archive that cannot be read; the message says how, not which.
struct ArchiveError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Archive {
 public:
    // A folder or a zip file; throws ArchiveError when it is neither.
    static std::unique_ptr<Archive> open(const std::filesystem::path& path);
    virtual ~Archive() = default;

    // Nothing where there is no such file. Throws ArchiveError.
    virtual std::optional<std::uint64_t> size(const std::string& name) const = 0;
    virtual std::string read(const std::string& name) const = 0;
    // The names in a zip file; none of a folder, which nobody needs.
    virtual std::vector<std::string> names() const { return {}; }
};

// A whole file; throws ArchiveError.
std::string read_file(const std::filesystem::path& path);

}  // namespace colordeploy::bundle
