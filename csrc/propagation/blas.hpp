// The few dense kernels the solver calls, behind one table of function pointers, so that a host
// can plug in the BLAS it already has (the Python package plugs in SciPy's).
#pragma once

namespace colordeploy::propagation {

struct Blas {
    // C := alpha * A * A^T + beta * C, one triangle of C (Fortran interface, 32-bit integers).
    using Dsyrk = void(char* uplo, char* trans, int* n, int* k, double* alpha, double* a, int* lda,
                       double* beta, double* c, int* ldc);
    // C := alpha * op(A) * op(B) + beta * C.
    using Dgemm = void(char* transa, char* transb, int* m, int* n, int* k, double* alpha, double* a,
                       int* lda, double* b, int* ldb, double* beta, double* c, int* ldc);

    Dsyrk* dsyrk = nullptr;
    Dgemm* dgemm = nullptr;
};

}  // namespace colordeploy::propagation
