#include "kernels.hpp"

#include <cstdlib>
#include <cstring>

namespace colordeploy::propagation {

namespace generic {
extern const Kernels table;
}
#ifdef COLORDEPLOY_X86_KERNELS
namespace avx2 {
extern const Kernels table;
}
namespace avx512 {
extern const Kernels table;
}
#endif

namespace {

const Kernels& choose() {
#ifdef COLORDEPLOY_X86_KERNELS
    // For tests and for comparing: the best set that is not better than the one named.
    const char* wanted = std::getenv("COLORDEPLOY_ISA");
    const auto allows = [&](const char* name) {
        return wanted == nullptr || std::strcmp(wanted, name) == 0;
    };
    __builtin_cpu_init();
    if (allows("avx512") && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512dq")) {
        return avx512::table;
    }
    if ((allows("avx512") || allows("avx2")) && __builtin_cpu_supports("avx2") &&
        __builtin_cpu_supports("fma")) {
        return avx2::table;
    }
#endif
    return generic::table;
}

}  // namespace

const Kernels& kernels() {
    static const Kernels& chosen = choose();
    return chosen;
}

}  // namespace colordeploy::propagation
