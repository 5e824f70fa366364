"""cuDSS, NVIDIA's sparse direct solver, through its C interface (version 1).

Written after its header; it has not run yet, for want of a GPU.
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

_R_64F, _R_32I = 1, 10  # cudaDataType_t
_SPD, _UPPER, _ZERO, _COLUMN_MAJOR = 3, 2, 0, 0
_ANALYSIS, _FACTORIZATION, _SOLVE = 3, 4, 0x3F0


def library() -> ctypes.CDLL:
    """The library of the wheel nvidia-cudss-cu13; ImportError when it is not there in version 1."""
    found = importlib.util.find_spec("nvidia")
    for folder in found.submodule_search_locations or () if found else ():
        for path in sorted(Path(folder).glob("cu13/lib/libcudss.so.1")):
            loaded = ctypes.CDLL(str(path))
            major = ctypes.c_int()
            loaded.cudssGetProperty(0, ctypes.byref(major))
            if major.value == 1:
                return loaded
    raise ImportError("no cuDSS 1; pip install nvidia-cudss-cu13")


class Cudss:
    """A symmetric positive definite system, analyzed; `run` factorizes it and solves."""

    def __init__(
        self,
        matrix: scipy.sparse.csr_matrix,
        right: NDArray[np.float64],
        place: Callable[[NDArray[Any]], Any],
    ) -> None:
        self._library, self._place = library(), place
        upper = scipy.sparse.triu(matrix, format="csr")
        upper.sort_indices()
        count, outputs = right.shape
        arrays = (
            upper.indptr.astype(np.int32), upper.indices.astype(np.int32), upper.data,
            np.asfortranarray(right).ravel("F"), np.zeros(count * outputs),
        )  # fmt: skip
        self._shape = (count, outputs)
        self._arrays = [place(array) for array in arrays]
        rows, columns, values, self._right, self._found = map(_address, self._arrays)
        self._handle, self._config, self._data = (ctypes.c_void_p() for _ in range(3))
        self._call("cudssCreate", ctypes.byref(self._handle))
        self._call("cudssConfigCreate", ctypes.byref(self._config))
        self._call("cudssDataCreate", self._handle, ctypes.byref(self._data))
        self._a, self._b, self._x = (ctypes.c_void_p() for _ in range(3))
        n, m = ctypes.c_int64(count), ctypes.c_int64(outputs)
        self._call(
            "cudssMatrixCreateCsr", ctypes.byref(self._a), n, n, ctypes.c_int64(upper.nnz), rows,
            None, columns, values, _R_32I, _R_32I, _R_64F, _SPD, _UPPER, _ZERO,
        )  # fmt: skip
        for made, address in ((self._b, self._right), (self._x, self._found)):
            self._call(
                "cudssMatrixCreateDn", ctypes.byref(made), n, m, n, address, _R_64F, _COLUMN_MAJOR
            )
        self._execute(_ANALYSIS)

    def run(self) -> None:
        """Factorize and solve; returns when the device is done."""
        self._execute(_FACTORIZATION)
        self._execute(_SOLVE)
        self._fetch(self._arrays[4])

    def solve(self, right: NDArray[np.float64]) -> NDArray[np.float64]:
        """Solution for other right-hand sides, on the host."""
        self._arrays[3] = self._place(np.asfortranarray(right).ravel("F"))
        self._call("cudssMatrixSetValues", self._b, _address(self._arrays[3]))
        self.run()
        return self._fetch(self._arrays[4]).reshape(self._shape, order="F")

    def _execute(self, phase: int) -> None:
        self._call(
            "cudssExecute", self._handle, phase, self._config, self._data, self._a, self._x, self._b
        )

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._library, name)(*arguments)
        if status:
            raise OSError(f"{name} returned status {status}")

    @staticmethod
    def _fetch(array: Any) -> NDArray[np.float64]:
        return array.cpu().numpy() if hasattr(array, "cpu") else array.get()


def _address(array: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.__cuda_array_interface__["data"][0])
