// What is used of ONNX Runtime's C interface, declared here: a table of functions whose places
// never change (they are only added to). tests/c compares these places with the original header.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colordeploy::runtime::ort {

struct Status;
struct Env;
struct Session;
struct SessionOptions;
struct RunOptions;
struct MemoryInfo;
struct Value;
struct TensorInfo;

constexpr std::uint32_t VERSION = 18;  // of the table: of ONNX Runtime 1.18
constexpr int FATAL = 4;               // severity
constexpr int ARENA_ALLOCATOR = 1, DEFAULT_MEMORY = 0;

struct Api {
    const void* unused_0[1];
    int (*GetErrorCode)(const Status*);
    const char* (*GetErrorMessage)(const Status*);
    Status* (*CreateEnv)(int severity, const char* id, Env**);
    const void* unused_4[2];
    Status* (*DisableTelemetryEvents)(const Env*);
    const void* unused_7[1];
    Status* (*CreateSessionFromArray)(const Env*, const void* model, std::size_t bytes,
                                      const SessionOptions*, Session**);
    Status* (*Run)(Session*, const RunOptions*, const char* const* input_names,
                   const Value* const* inputs, std::size_t input_count,
                   const char* const* output_names, std::size_t output_count, Value** outputs);
    Status* (*CreateSessionOptions)(SessionOptions**);
    const void* unused_11[11];
    Status* (*SetSessionLogSeverityLevel)(SessionOptions*, int severity);
    const void* unused_23[1];
    Status* (*SetIntraOpNumThreads)(SessionOptions*, int threads);
    const void* unused_25[14];
    Status* (*CreateRunOptions)(RunOptions**);
    const void* unused_40[6];
    Status* (*RunOptionsSetTerminate)(RunOptions*);
    const void* unused_47[2];
    Status* (*CreateTensorWithDataAsOrtValue)(const MemoryInfo*, void* data, std::size_t bytes,
                                              const std::int64_t* shape, std::size_t rank, int type,
                                              Value**);
    const void* unused_50[1];
    Status* (*GetTensorMutableData)(Value*, void**);
    const void* unused_52[8];
    Status* (*GetTensorElementType)(const TensorInfo*, int*);
    Status* (*GetDimensionsCount)(const TensorInfo*, std::size_t*);
    Status* (*GetDimensions)(const TensorInfo*, std::int64_t*, std::size_t rank);
    const void* unused_63[2];
    Status* (*GetTensorTypeAndShape)(const Value*, TensorInfo**);
    const void* unused_66[3];
    Status* (*CreateCpuMemoryInfo)(int allocator, int memory, MemoryInfo**);
    const void* unused_70[22];
    void (*ReleaseEnv)(Env*);
    void (*ReleaseStatus)(Status*);
    void (*ReleaseMemoryInfo)(MemoryInfo*);
    void (*ReleaseSession)(Session*);
    void (*ReleaseValue)(Value*);
    void (*ReleaseRunOptions)(RunOptions*);
    const void* unused_98[1];
    void (*ReleaseTensorTypeAndShapeInfo)(TensorInfo*);
    void (*ReleaseSessionOptions)(SessionOptions*);
    const void* unused_101[29];
    Status* (*AddSessionConfigEntry)(SessionOptions*, const char* key, const char* value);
};

struct ApiBase {
    const Api* (*GetApi)(std::uint32_t version);
    const char* (*GetVersionString)();
};

}  // namespace colordeploy::runtime::ort
