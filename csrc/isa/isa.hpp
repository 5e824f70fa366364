// The instruction set that this process uses. Loops over pixels are compiled once for each set, in
// namespaces named like them (generic.cpp, avx2.cpp, avx512.cpp); all give the same bits.
#pragma once

namespace colordeploy {

enum class Isa { generic, avx2, avx512 };  // generic: SSE2 on x86-64, NEON on aarch64

// The best of this processor's; COLORDEPLOY_ISA names the best that is allowed.
Isa isa();

}  // namespace colordeploy

// Declares the table `name` of each instruction set's namespace; and chooses among them.
#ifdef COLORDEPLOY_X86_KERNELS
#define COLORDEPLOY_DECLARE_TABLES(Type, name) \
    namespace generic {                        \
    extern const Type name;                    \
    }                                          \
    namespace avx2 {                           \
    extern const Type name;                    \
    }                                          \
    namespace avx512 {                         \
    extern const Type name;                    \
    }
#define COLORDEPLOY_CHOOSE_TABLE(name) \
    (isa() == Isa::avx512 ? avx512::name : isa() == Isa::avx2 ? avx2::name : generic::name)
#else
#define COLORDEPLOY_DECLARE_TABLES(Type, name) \
    namespace generic {                        \
    extern const Type name;                    \
    }
#define COLORDEPLOY_CHOOSE_TABLE(name) (generic::name)
#endif
