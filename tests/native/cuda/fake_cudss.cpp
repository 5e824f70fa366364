// A made-up cuDSS on the host: dense, slow, and strict about the order of the calls. Compiled for
// tests in place of the library.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace {

enum Phase { kAnalysis = 3, kFactorization = 4, kRefactorization = 8, kSolve = 0x3f0 };
enum Status { kSuccess = 0, kAllocFailed = 2, kInvalidValue = 3, kExecutionFailed = 5 };

struct Handle {
    void* stream = nullptr;
};

struct Matrix {
    bool dense = false;
    std::int64_t rows = 0, columns = 0, nonzeros = 0;
    const std::int32_t *begin = nullptr, *indices = nullptr;
    const double* values = nullptr;
};

struct Data {
    bool analyzed = false, factorized = false;
    std::int64_t rows = 0;
    std::vector<double> factor;  // lower triangle by rows
    int info = 0;
};

int counts[4] = {0, 0, 0, 0};  // of the four phases
int living = 0;                // objects

long number_of(const char* name) {
    const char* text = std::getenv(name);
    return text == nullptr ? 0 : std::atol(text);
}

int factorize(Data& data, const Matrix& a) {
    if (data.info != 0) return kSuccess;  // it stays until somebody takes it back
    const std::int64_t n = a.rows;
    data.factor.assign(static_cast<std::size_t>(n * n), 0.0);
    double* l = data.factor.data();
    for (std::int64_t i = 0; i < n; ++i) {
        std::int64_t last = -1;
        for (std::int32_t e = a.begin[i]; e < a.begin[i + 1]; ++e) {
            const std::int64_t j = a.indices[e];
            if (j < i || j <= last || j >= n) return kInvalidValue;  // upper, ascending
            last = j;
            l[j * n + i] = a.values[e];
        }
    }
    for (std::int64_t j = 0; j < n; ++j) {
        double pivot = l[j * n + j];
        for (std::int64_t k = 0; k < j; ++k) pivot -= l[j * n + k] * l[j * n + k];
        if (!(pivot > 0)) {
            data.info = static_cast<int>(j + 1);
            return kSuccess;  // as cuDSS does: the info tells
        }
        l[j * n + j] = std::sqrt(pivot);
        for (std::int64_t i = j + 1; i < n; ++i) {
            double sum = l[i * n + j];
            for (std::int64_t k = 0; k < j; ++k) sum -= l[i * n + k] * l[j * n + k];
            l[i * n + j] = sum / l[j * n + j];
        }
    }
    data.factorized = true;
    return kSuccess;
}

int solve(const Data& data, const Matrix& x, const Matrix& b) {
    const std::int64_t n = data.rows;
    const double* l = data.factor.data();
    for (std::int64_t c = 0; c < b.columns; ++c) {
        double* out = const_cast<double*>(x.values) + c * n;
        for (std::int64_t i = 0; i < n; ++i) {
            double sum = b.values[c * n + i];
            for (std::int64_t k = 0; k < i; ++k) sum -= l[i * n + k] * out[k];
            out[i] = sum / l[i * n + i];
        }
        for (std::int64_t i = n - 1; i >= 0; --i) {
            double sum = out[i];
            for (std::int64_t k = i + 1; k < n; ++k) sum -= l[k * n + i] * out[k];
            out[i] = sum / l[i * n + i];
        }
    }
    return kSuccess;
}

}  // namespace

extern "C" {

int fake_count(int phase) { return counts[phase]; }
int fake_living() { return living; }

int cudssGetProperty(int property, int* value) {
    const long major = number_of("FAKE_CUDSS_MAJOR");
    const int version[] = {major ? static_cast<int>(major) : 1, 2, 3};
    *value = version[property];
    return kSuccess;
}
int cudssCreate(void** handle) {
    if (number_of("FAKE_CUDSS_FULL")) return kAllocFailed;
    ++living;
    *handle = new Handle;
    return kSuccess;
}
int cudssDestroy(void* handle) {
    --living;
    delete static_cast<Handle*>(handle);
    return kSuccess;
}
int cudssSetStream(void* handle, void* stream) {
    static_cast<Handle*>(handle)->stream = stream;
    return stream == nullptr ? kInvalidValue : kSuccess;
}
int cudssConfigCreate(void** config) {
    ++living;
    *config = new int;
    return kSuccess;
}
int cudssConfigDestroy(void* config) {
    --living;
    delete static_cast<int*>(config);
    return kSuccess;
}
int cudssDataCreate(void* handle, void** data) {
    if (handle == nullptr) return kInvalidValue;
    ++living;
    *data = new Data;
    return kSuccess;
}
int cudssDataDestroy(void*, void* data) {
    --living;
    delete static_cast<Data*>(data);
    return kSuccess;
}
int cudssDataGet(void*, void* data, int parameter, void* value, std::size_t size,
                 std::size_t* written) {
    if (parameter != 0 || size != sizeof(int)) return kInvalidValue;
    *static_cast<int*>(value) = static_cast<Data*>(data)->info;
    *written = size;
    return kSuccess;
}
int cudssMatrixCreateCsr(void** matrix, std::int64_t rows, std::int64_t columns,
                         std::int64_t nonzeros, const void* begin, const void* end,
                         const void* indices, const void* values, int offset_type, int index_type,
                         int value_type, int kind, int view, int base) {
    if (rows != columns || end != nullptr || offset_type != 10 || index_type != 10 ||
        value_type != 1 || kind != 3 || view != 2 || base != 0) {
        return kInvalidValue;
    }
    ++living;
    *matrix = new Matrix{false,
                         rows,
                         columns,
                         nonzeros,
                         static_cast<const std::int32_t*>(begin),
                         static_cast<const std::int32_t*>(indices),
                         static_cast<const double*>(values)};
    return kSuccess;
}
int cudssMatrixCreateDn(void** matrix, std::int64_t rows, std::int64_t columns,
                        std::int64_t leading, const void* values, int type, int layout) {
    if (leading != rows || type != 1 || layout != 0) return kInvalidValue;
    ++living;
    *matrix =
        new Matrix{true, rows, columns, 0, nullptr, nullptr, static_cast<const double*>(values)};
    return kSuccess;
}
int cudssMatrixDestroy(void* matrix) {
    --living;
    delete static_cast<Matrix*>(matrix);
    return kSuccess;
}
int cudssExecute(void* handle, int phase, void* config, void* given, void* a, void* x, void* b) {
    auto& data = *static_cast<Data*>(given);
    const auto &matrix = *static_cast<Matrix*>(a), &found = *static_cast<Matrix*>(x),
               &right = *static_cast<Matrix*>(b);
    if (handle == nullptr || config == nullptr || static_cast<Handle*>(handle)->stream == nullptr ||
        matrix.dense || !found.dense || !right.dense || found.rows != matrix.rows ||
        right.rows != matrix.rows || found.columns != right.columns) {
        return kInvalidValue;
    }
    if (number_of("FAKE_CUDSS_FAILS") == phase) return kExecutionFailed;
    switch (phase) {
        case kAnalysis:
            ++counts[0];
            if (matrix.begin[matrix.rows] != matrix.nonzeros) return kInvalidValue;
            data.analyzed = true;
            data.rows = matrix.rows;
            return kSuccess;
        case kFactorization:
            ++counts[1];
            if (!data.analyzed || data.rows != matrix.rows) return kInvalidValue;
            return factorize(data, matrix);
        case kRefactorization:
            ++counts[2];
            if (!data.factorized || data.rows != matrix.rows) return kInvalidValue;
            return factorize(data, matrix);
        case kSolve:
            ++counts[3];
            if (!data.factorized) return kInvalidValue;
            return solve(data, found, right);
        default:
            return kInvalidValue;
    }
}
}
