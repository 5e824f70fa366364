// Functions marked COLORDEPLOY_SIMD are compiled for several instruction sets, the best of which
// is chosen when the library is loaded.
#pragma once

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define COLORDEPLOY_SIMD __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define COLORDEPLOY_SIMD
#endif
