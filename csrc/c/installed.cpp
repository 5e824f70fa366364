#include "installed.hpp"

#include <colordeploy.h>

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

namespace colordeploy::c {

namespace fs = std::filesystem;

fs::path installed_bundles() {
    fs::path folder;
#if !defined(_WIN32)
    Dl_info found{};
    if (dladdr(reinterpret_cast<const void*>(&cd_abi), &found) != 0 && found.dli_fname != nullptr) {
        std::error_code error;
        folder = fs::weakly_canonical(found.dli_fname, error).parent_path();
    }
#endif
    return (folder / COLORDEPLOY_BUNDLES_FROM_LIBRARY).lexically_normal();
}

}  // namespace colordeploy::c
