#include "shared_library.hpp"

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace colordeploy::runtime {

#if defined(_WIN32)

SharedLibrary::SharedLibrary(const std::string& path)
    : path_(path), handle_(LoadLibraryA(path.c_str())) {
    if (handle_ == nullptr)
        throw Missing(path + ": Windows error " + std::to_string(GetLastError()));
}

void* SharedLibrary::symbol(const char* name) const {
    return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(handle_), name));
}

std::string SharedLibrary::named(const std::string& name) { return name + ".dll"; }

#else

SharedLibrary::SharedLibrary(const std::string& path)
    : path_(path), handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) {
        const char* said = dlerror();
        throw Missing(said != nullptr ? said : path);
    }
}

void* SharedLibrary::symbol(const char* name) const { return dlsym(handle_, name); }

std::string SharedLibrary::named(const std::string& name) {
#if defined(__APPLE__)
    return "lib" + name + ".dylib";
#else
    return "lib" + name + ".so";
#endif
}

#endif

}  // namespace colordeploy::runtime
