// A shared library that is opened at run time and stays open until the process ends: what runs in
// threads of its own cannot be taken away safely.
#pragma once

#include <stdexcept>
#include <string>

namespace colordeploy::runtime {

class SharedLibrary {
 public:
    struct Missing : std::runtime_error {
        using std::runtime_error::runtime_error;
    };

    // Throws Missing, with what the system says.
    explicit SharedLibrary(const std::string& path);

    // Null where it has none of this name.
    void* symbol(const char* name) const;
    const std::string& path() const { return path_; }

    // As a library of this name is called on this system.
    static std::string named(const std::string& name);

 private:
    std::string path_;
    void* handle_ = nullptr;
};

}  // namespace colordeploy::runtime
