#include "isa.hpp"

#include <cstdlib>
#include <cstring>

namespace colordeploy {

namespace {

Isa best() {
#ifdef COLORDEPLOY_X86_KERNELS
    const char* wanted = std::getenv("COLORDEPLOY_ISA");
    const auto allows = [&](const char* name) {
        return wanted == nullptr || std::strcmp(wanted, name) == 0;
    };
    __builtin_cpu_init();
    if (allows("avx512") && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
        return Isa::avx512;
    }
    if ((allows("avx512") || allows("avx2")) && __builtin_cpu_supports("avx2")) return Isa::avx2;
#endif
    return Isa::generic;
}

}  // namespace

Isa isa() {
    static const Isa found = best();
    return found;
}

}  // namespace colordeploy
