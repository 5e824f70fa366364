#include "kernels.hpp"

#include <cstdlib>
#include <cstring>

namespace colordeploy::propagation {

#ifdef COLORDEPLOY_NEON_KERNELS
namespace neon {
extern const Table table;
}
#endif
namespace generic {
extern const Table table;
}
#ifdef COLORDEPLOY_X86_KERNELS
namespace avx2 {
extern const Table table;
}
namespace avx512 {
extern const Table table;
}
#endif

namespace {

const Table& choose() {
    // For tests and for comparing: the best set that is not better than the one named.
    const char* wanted = std::getenv("COLORDEPLOY_ISA");
    [[maybe_unused]] const auto allows = [&](const char* name) {
        return wanted == nullptr || std::strcmp(wanted, name) == 0;
    };
#ifdef COLORDEPLOY_NEON_KERNELS
    if (allows("neon")) return neon::table;
#endif
#ifdef COLORDEPLOY_X86_KERNELS
    __builtin_cpu_init();
    if (allows("avx512") && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
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

const Table& kernel_table() {
    static const Table& chosen = choose();
    return chosen;
}

}  // namespace colordeploy::propagation
