"""DLPack: arrays on a GPU in and out of whatever speaks it (torch, CuPy, JAX, ...), without a copy.

The structures are those of the DLPack standard, in the form that every version of it understands
(``DLManagedTensor``).
"""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np

__all__ = ["CUDA_TYPES", "Tensor", "from_capsule", "to_capsule"]

CPU_TYPE = 1  # kDLCPU
CUDA_TYPES = (2, 13)  # kDLCUDA, kDLCUDAManaged
_NAME = b"dltensor"  # kept here for as long as capsules may have it
_CODES = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}
_KINDS = {code: kind for kind, code in _CODES.items()}


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _Managed(ctypes.Structure):
    _fields_ = [
        ("tensor", _Tensor),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
    ]


_Deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_Destructor = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_new = ctypes.pythonapi.PyCapsule_New
_new.restype, _new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, _Destructor)
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
# For the destructor, in which the capsule is no object any more.
_late_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_IsValid", ctypes.pythonapi)
)
_late_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


class Tensor:
    """What a capsule describes.

    Attributes
    ----------
    address : int
    shape : tuple of int
    dtype : numpy.dtype
    strides : tuple of int or None
        In bytes; None: contiguous.
    device : (int, int)
        Type and number.
    """

    def __init__(
        self,
        address: int,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        strides: tuple[int, ...] | None,
        device: tuple[int, int],
    ) -> None:
        self.address, self.shape, self.dtype = address, shape, dtype
        self.strides, self.device = strides, device


def from_capsule(capsule: object) -> Tensor:
    """Read a capsule that nobody has taken yet; while it lives, so does the memory.

    Raises
    ------
    ValueError
        When it is no such capsule, or of a type that NumPy does not have.
    """
    managed = _Managed.from_address(_pointer(capsule, _NAME))
    tensor = managed.tensor
    kind = _KINDS.get(tensor.code)
    if kind is None or tensor.lanes != 1 or tensor.bits % 8:
        raise ValueError(f"values of DLPack type {tensor.code} with {tensor.bits} bits")
    dtype = np.dtype(f"{kind}{tensor.bits // 8}")
    shape = tuple(int(tensor.shape[i]) for i in range(tensor.ndim))
    strides = None
    if tensor.strides:
        strides = tuple(int(tensor.strides[i]) * dtype.itemsize for i in range(tensor.ndim))
    address = (tensor.data or 0) + tensor.byte_offset
    return Tensor(address, shape, dtype, strides, (tensor.device_type, tensor.device_id))


# What was handed out: each structure with all that it points to, by its own address, until its
# deleter is called.
_handed_out: dict[int, tuple[Any, ...]] = {}


def _let_go(address: int) -> None:
    _handed_out.pop(address, None)


def _capsule_ends(capsule: int) -> None:
    if _late_valid(capsule, _NAME):  # nobody took it; who did calls the deleter
        _let_go(_late_pointer(capsule, _NAME))


_delete, _destroy = _Deleter(_let_go), _Destructor(_capsule_ends)


def to_capsule(tensor: Tensor, owner: object) -> object:
    """Hand memory out.

    Parameters
    ----------
    tensor : Tensor
        Contiguous.
    owner : object
        Kept alive until whoever takes the capsule is done with it.
    """
    shape = (ctypes.c_int64 * len(tensor.shape))(*tensor.shape)
    steps = [math.prod(tensor.shape[i + 1 :]) for i in range(len(tensor.shape))]
    strides = (ctypes.c_int64 * len(steps))(*steps)
    managed = _Managed()
    made = managed.tensor
    made.data = tensor.address or None
    made.device_type, made.device_id = tensor.device
    made.ndim, made.lanes, made.byte_offset = len(tensor.shape), 1, 0
    made.code, made.bits = _CODES[tensor.dtype.kind], 8 * tensor.dtype.itemsize
    made.shape = ctypes.cast(shape, ctypes.POINTER(ctypes.c_int64))
    made.strides = ctypes.cast(strides, ctypes.POINTER(ctypes.c_int64))
    managed.deleter = ctypes.cast(_delete, ctypes.c_void_p)
    address = ctypes.addressof(managed)
    _handed_out[address] = (managed, shape, strides, owner)
    return _new(address, _NAME, _destroy)
