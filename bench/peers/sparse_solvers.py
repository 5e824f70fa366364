"""Sparse direct solvers that the propagation core is measured against.

None of them is needed by colordeploy, and none is linked into it (CHOLMOD's supernodal part is
GPL).

* KLU, the solver of LGA-Net's authors: ``libklu`` of SuiteSparse, through ctypes.
* CHOLMOD with the system's BLAS: ``scikit-sparse``.
* PARDISO of Intel's MKL: ``pypardiso``.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import Protocol

import numpy as np
import scipy.sparse


class Peer(Protocol):
    """A solver whose work falls into parts that can be timed apart."""

    name: str

    def analyze(self, matrix: scipy.sparse.csr_matrix) -> None:
        """Order and plan; depends on the pattern alone."""

    def factorize(self, matrix: scipy.sparse.csr_matrix) -> None:
        """Compute the numbers."""

    def solve(self, b: np.ndarray) -> np.ndarray:
        """(N, K) to (N, K)."""


class Klu:
    """KLU. Of AMD and COLAMD orders with and without block triangular form, AMD alone is best here
    (the matrix is symmetric and of one block), without row scaling.
    """

    name = "KLU"

    def __init__(self) -> None:
        path = ctypes.util.find_library("klu")
        if path is None:
            raise ImportError("libklu is not installed (Debian: libsuitesparse-dev)")
        self._klu = ctypes.CDLL(path)
        for function in ("klu_analyze", "klu_factor"):
            getattr(self._klu, function).restype = ctypes.c_void_p
        self._common = ctypes.create_string_buffer(1024)  # klu_common is about 200 bytes
        self._klu.klu_defaults(self._common)
        # After five doubles (tol, memgrow, initmem_amd, initmem, maxwork): btf, ordering, scale.
        settings = np.frombuffer(self._common, np.int32, 3, 40)
        settings[:] = (0, 0, -1)
        self._symbolic = self._numeric = None

    def analyze(self, matrix: scipy.sparse.csr_matrix) -> None:
        self._n = matrix.shape[0]
        self._p = np.ascontiguousarray(matrix.indptr, np.int32)
        self._i = np.ascontiguousarray(matrix.indices, np.int32)
        self._free("symbolic")
        self._symbolic = ctypes.c_void_p(
            self._klu.klu_analyze(self._n, self._ptr(self._p), self._ptr(self._i), self._common)
        )

    def factorize(self, matrix: scipy.sparse.csr_matrix) -> None:
        self._free("numeric")
        x = np.ascontiguousarray(matrix.data)
        self._numeric = ctypes.c_void_p(
            self._klu.klu_factor(
                self._ptr(self._p), self._ptr(self._i), self._ptr(x), self._symbolic, self._common
            )
        )
        if not self._numeric:
            raise RuntimeError("KLU failed")

    def solve(self, b: np.ndarray) -> np.ndarray:
        x = np.array(b, order="F")
        self._klu.klu_solve(
            self._symbolic, self._numeric, self._n, x.shape[1], self._ptr(x), self._common
        )
        return x

    @staticmethod
    def _ptr(array: np.ndarray) -> ctypes.c_void_p:
        return ctypes.c_void_p(array.ctypes.data)

    def _free(self, kind: str) -> None:
        handle = getattr(self, f"_{kind}")
        if handle:
            free = getattr(self._klu, f"klu_free_{kind}")
            free(ctypes.byref(handle), self._common)
        setattr(self, f"_{kind}", None)

    def __del__(self) -> None:
        if getattr(self, "_common", None) is not None:
            self._free("numeric")
            self._free("symbolic")


class Cholmod:
    """Supernodal CHOLMOD with the nested dissection that was fastest (METIS by way of CHOLMOD)."""

    name = "CHOLMOD"

    def __init__(self) -> None:
        from sksparse import cholmod

        self._cholmod = cholmod

    def analyze(self, matrix: scipy.sparse.csr_matrix) -> None:
        self._factor = self._cholmod.analyze(
            matrix.T, mode="supernodal", ordering_method="nesdis"
        )  # symmetric: the transpose of CSR is the CSC it wants

    def factorize(self, matrix: scipy.sparse.csr_matrix) -> None:
        self._factor.cholesky_inplace(matrix.T)

    def solve(self, b: np.ndarray) -> np.ndarray:
        return self._factor(np.asfortranarray(b))


class Pardiso:
    """MKL PARDISO for symmetric positive definite matrices."""

    name = "PARDISO"

    def __init__(self) -> None:
        from pypardiso import PyPardisoSolver

        self._solver = PyPardisoSolver(mtype=2)

    def _run(self, phase: int, b: np.ndarray) -> np.ndarray:
        self._solver.set_phase(phase)
        return self._solver._call_pardiso(self._upper, b)

    def analyze(self, matrix: scipy.sparse.csr_matrix) -> None:
        self._take(matrix)
        self._run(11, np.zeros((matrix.shape[0], 1)))

    def _take(self, matrix: scipy.sparse.csr_matrix) -> None:
        self._upper = scipy.sparse.triu(matrix, format="csr")
        self._upper.sort_indices()

    def factorize(self, matrix: scipy.sparse.csr_matrix) -> None:
        self._run(22, np.zeros((matrix.shape[0], 1)))

    def solve(self, b: np.ndarray) -> np.ndarray:
        return self._run(33, np.asfortranarray(b))


def available() -> tuple[list[Peer], list[str]]:
    """The peers that are installed, and a line for each that is not."""
    peers: list[Peer] = []
    absent = []
    for make in (Klu, Cholmod, Pardiso):
        try:
            peers.append(make())
        except (ImportError, OSError) as error:
            absent.append(f"{make.name}: skipped, {error}")
    return peers, absent
