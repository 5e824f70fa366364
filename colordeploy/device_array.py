"""Arrays on a GPU: our own, and anybody's by the CUDA array interface or by DLPack."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from . import dlpack
from .errors import InputError

__all__ = [
    "Array",
    "DeviceArray",
    "DeviceView",
    "Strided",
    "SupportsCudaArray",
    "is_device_array",
    "view_of",
]


class SupportsCudaArray(Protocol):
    """What pycuda, CuPy, torch, Numba and `DeviceArray` have in common."""

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]: ...


LEGACY_STREAM = 1  # handle of CUDA's legacy default stream; 2 is the per-thread one

Array = NDArray[Any] | SupportsCudaArray


class DeviceArray:
    """A C-contiguous array in a GPU's memory, which is freed when the array is dropped.

    Made by `Graph.run(..., on_device=True)`; given to another graph, or to whatever reads the
    CUDA array interface or DLPack (``torch.from_dlpack(array)``, ``cupy.from_dlpack(array)``),
    without a copy.

    Parameters
    ----------
    address : int
    shape : tuple of int
    dtype : dtype
    device : str
        "cuda:N".
    stream : int or None
        Handle of the stream on which the values are ready; None: they are ready already.
    fetch : callable
        Fills a NumPy array of this shape and dtype with the values, once they are ready.
    wait : callable, optional
        Lets the host wait until the values are ready.
    release : callable, optional
        Called once, when the array is dropped; from whatever thread drops it.
    """

    def __init__(
        self,
        address: int,
        shape: tuple[int, ...],
        dtype: DTypeLike,
        *,
        device: str,
        stream: int | None,
        fetch: Callable[[NDArray[Any]], None],
        wait: Callable[[], None] | None = None,
        release: Callable[[], None] | None = None,
    ) -> None:
        self.shape, self.dtype, self.device = shape, np.dtype(dtype), device
        self.address, self.stream = address, stream
        self._wait, self._fetch = wait, fetch
        if release is not None:
            # At the interpreter's end the driver frees everything, in an order that is not ours.
            weakref.finalize(self, release).atexit = False

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """Version 3. Reading it waits on the host: not everybody looks at the stream (torch)."""
        if self._wait is not None:
            self._wait()
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.address if self.nbytes else 0, False),
            "strides": None,
            "stream": self.stream,
            "version": 3,
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        """Type and number of the device, as DLPack counts them."""
        return dlpack.CUDA_TYPES[0], int(self.device.partition(":")[2] or 0)

    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> object:
        """A DLPack capsule; waits on the host, whatever stream is to read the values.

        Raises
        ------
        BufferError
            When a copy is wanted, or another device.
        """
        if copy or dl_device not in (None, self.__dlpack_device__()):
            raise BufferError(
                f"the array is handed out as it is, on {self.device}; copy it afterwards"
            )
        if self._wait is not None:
            self._wait()
        address = self.address if self.nbytes else 0
        tensor = dlpack.Tensor(address, self.shape, self.dtype, None, self.__dlpack_device__())
        return dlpack.to_capsule(tensor, self)

    def numpy(self) -> NDArray[Any]:
        """The values on the host: a new array, the caller's own."""
        array = np.empty(self.shape, self.dtype)
        if array.nbytes:
            self._fetch(array)
        return array

    def __repr__(self) -> str:
        return f"DeviceArray(shape={self.shape}, dtype={self.dtype}, device={self.device!r})"


@dataclass(frozen=True)
class DeviceView:
    """What an array on a GPU says of itself, checked.

    Attributes
    ----------
    address : int
    shape : tuple of int
    dtype : numpy.dtype
    stream : int or None
        Handle of the stream that has to be waited for, the default streams' included; None: no
        need to wait.
    owner : object
        Keeps the memory alive.
    strides : tuple of int, optional
        In bytes; None: contiguous.
    """

    address: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    stream: int | None
    owner: object = field(repr=False)
    strides: tuple[int, ...] | None = None

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


def is_device_array(x: object) -> bool:
    """Whether something is on a GPU: by the CUDA array interface, or by DLPack."""
    if isinstance(x, DeviceArray):
        return True  # without a look at its interface, which waits on the host
    if isinstance(x, np.ndarray):
        return False
    try:
        if hasattr(x, "__cuda_array_interface__"):
            return True
        asked = getattr(x, "__dlpack_device__", None)
        return asked is not None and asked()[0] in dlpack.CUDA_TYPES
    except Exception:  # torch raises RuntimeError for tensors that require a gradient
        return True


@dataclass(frozen=True)
class Strided:
    """A part of a `DeviceArray`, or its axes in another order, without a copy.

    Attributes
    ----------
    base : DeviceArray
    shape : tuple of int
    strides : tuple of int
        In bytes.
    """

    base: DeviceArray
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """Version 3, with strides."""
        whole = self.base.__cuda_array_interface__
        return {**whole, "shape": self.shape, "strides": self.strides}

    def numpy(self) -> NDArray[Any]:
        """The values on the host: a new array, the caller's own."""
        whole = self.base.numpy()
        return np.lib.stride_tricks.as_strided(whole, self.shape, self.strides).copy()


def view_of(x: object, what: str, *, strided: bool = False) -> DeviceView:
    """Read the CUDA array interface (version 3 and before), or else DLPack.

    Parameters
    ----------
    x : object
        See `is_device_array`.
    what : str
        What to call the array in messages.
    strided : bool
        Whether it need not be contiguous.

    Raises
    ------
    InputError
        When the array cannot be read as it is: strided, masked, of unknown type, or on a stream
        that the protocol does not allow.
    """
    if isinstance(x, DeviceArray):
        return DeviceView(x.address, x.shape, x.dtype, x.stream, x)
    try:
        if not hasattr(x, "__cuda_array_interface__"):
            return _view_of_dlpack(x, what, strided)
        said: Mapping[str, Any] = x.__cuda_array_interface__
        shape = tuple(int(n) for n in said["shape"])
        dtype = np.dtype(said["typestr"])
        address = int(said["data"][0])
        version = int(said["version"])
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{what} has a CUDA array interface or DLPack capsule that cannot be read ({error}); "
            "of a torch tensor give x.detach()"
        ) from None
    if said.get("mask") is not None:
        raise InputError(f"{what} is masked; give an array without a mask")
    strides = _checked_strides(said.get("strides"), shape, dtype, what, strided)
    # Before version 3 nothing was said of streams; torch, which is at 2, works on the legacy
    # default stream unless it is told otherwise.
    stream = said.get("stream") if version >= 3 else LEGACY_STREAM
    if stream is not None and (
        isinstance(stream, bool) or not isinstance(stream, int) or stream < 1
    ):
        raise InputError(
            f"{what} names stream {stream!r}; the CUDA array interface allows None, 1 (legacy "
            "default), 2 (per-thread default) and handles of streams"
        )
    return _checked_view(DeviceView(address, shape, dtype, stream, x, strides), what)


def _view_of_dlpack(x: Any, what: str, strided: bool) -> DeviceView:
    # The values will be there for what comes on the legacy default stream, which is waited for.
    capsule = x.__dlpack__(stream=LEGACY_STREAM)
    tensor = dlpack.from_capsule(capsule)
    shape, dtype = tensor.shape, tensor.dtype
    strides = _checked_strides(tensor.strides, shape, dtype, what, strided)
    view = DeviceView(tensor.address, shape, dtype, LEGACY_STREAM, capsule, strides)
    return _checked_view(view, what)


def _checked_view(view: DeviceView, what: str) -> DeviceView:
    if not view.address and view.nbytes:
        raise InputError(f"{what} of shape {view.shape} has no memory (address 0)")
    return view


def _checked_strides(
    strides: Any, shape: tuple[int, ...], dtype: np.dtype[Any], what: str, strided: bool
) -> tuple[int, ...] | None:
    """Strides in bytes; None when the array is contiguous."""
    if strides is None or _contiguous(shape, tuple(strides), dtype.itemsize):
        return None
    if not strided:
        raise InputError(
            f"{what} of shape {shape} has strides {tuple(strides)}; make it contiguous "
            "(torch: x.contiguous(), CuPy: cupy.ascontiguousarray(x))"
        )
    return tuple(int(n) for n in strides)


def _contiguous(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> bool:
    if 0 in shape:
        return True
    expected = itemsize
    for n, stride in zip(reversed(shape), reversed(strides), strict=True):
        if n != 1 and stride != expected:  # where there is one element its stride is not used
            return False
        expected *= n
    return True
