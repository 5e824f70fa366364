// What is used of cuDSS's C interface (version 1).
#pragma once

#include <cstddef>
#include <cstdint>

namespace colordeploy::propagation::cuda::cudss {

using Handle = void*;
using Config = void*;
using Data = void*;
using Matrix = void*;
using Status = int;  // and all of its enumerations

inline constexpr int kMajor = 1;
inline constexpr int kSuccess = 0, kAllocFailed = 2;
inline constexpr int kAnalysis = 3, kFactorization = 4, kRefactorization = 8, kSolve = 0x3f0;
inline constexpr int kInfo = 0;  // of the data's parameters
inline constexpr int kPositiveDefinite = 3, kUpper = 2, kZeroBased = 0, kColumns = 0;
inline constexpr int kDouble = 1, kInt32 = 10;  // of cudaDataType_t

#define COLORDEPLOY_CUDSS_CALLS(apply) \
    apply(cudssGetProperty);           \
    apply(cudssCreate);                \
    apply(cudssDestroy);               \
    apply(cudssSetStream);             \
    apply(cudssConfigCreate);          \
    apply(cudssConfigDestroy);         \
    apply(cudssDataCreate);            \
    apply(cudssDataDestroy);           \
    apply(cudssDataGet);               \
    apply(cudssMatrixCreateCsr);       \
    apply(cudssMatrixCreateDn);        \
    apply(cudssMatrixDestroy);         \
    apply(cudssExecute)

struct Calls {
    Status (*cudssGetProperty)(int property, int* value);
    Status (*cudssCreate)(Handle* handle);
    Status (*cudssDestroy)(Handle handle);
    Status (*cudssSetStream)(Handle handle, void* stream);
    Status (*cudssConfigCreate)(Config* config);
    Status (*cudssConfigDestroy)(Config config);
    Status (*cudssDataCreate)(Handle handle, Data* data);
    Status (*cudssDataDestroy)(Handle handle, Data data);
    Status (*cudssDataGet)(Handle handle, Data data, int parameter, void* value, std::size_t size,
                           std::size_t* written);
    Status (*cudssMatrixCreateCsr)(Matrix* matrix, std::int64_t rows, std::int64_t columns,
                                   std::int64_t nonzeros, const void* begin, const void* end,
                                   const void* indices, const void* values, int offset_type,
                                   int index_type, int value_type, int kind, int view, int base);
    Status (*cudssMatrixCreateDn)(Matrix* matrix, std::int64_t rows, std::int64_t columns,
                                  std::int64_t leading, const void* values, int type, int layout);
    Status (*cudssMatrixDestroy)(Matrix matrix);
    Status (*cudssExecute)(Handle handle, int phase, Config config, Data data, Matrix matrix,
                           Matrix solution, Matrix right);
};

}  // namespace colordeploy::propagation::cuda::cudss
