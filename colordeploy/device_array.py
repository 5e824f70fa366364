"""Arrays on a GPU: our own, and anybody's through the CUDA array interface."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

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
    CUDA array interface (``torch.as_tensor(array, device="cuda")``, ``cupy.asarray(array)``),
    without a copy through the host.

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
    """Whether something has the CUDA array interface."""
    if isinstance(x, DeviceArray):
        return True  # without a look at its interface, which waits on the host
    try:
        return hasattr(x, "__cuda_array_interface__")
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
    """Read the CUDA array interface (version 3 and before).

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
        said: Mapping[str, Any] = x.__cuda_array_interface__  # type: ignore[attr-defined]
        shape = tuple(int(n) for n in said["shape"])
        dtype = np.dtype(said["typestr"])
        address = int(said["data"][0])
        version = int(said["version"])
    except Exception as error:
        raise InputError(
            f"{what} has a CUDA array interface that cannot be read ({error}); of a torch tensor "
            "give x.detach()"
        ) from None
    if said.get("mask") is not None:
        raise InputError(f"{what} is masked; give an array without a mask")
    strides = said.get("strides")
    if strides is not None and _contiguous(shape, tuple(strides), dtype.itemsize):
        strides = None
    if strides is not None and not strided:
        raise InputError(
            f"{what} of shape {shape} has strides {tuple(strides)}; make it contiguous "
            "(torch: x.contiguous(), CuPy: cupy.ascontiguousarray(x))"
        )
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
    if strides is not None:
        strides = tuple(int(n) for n in strides)
    view = DeviceView(address, shape, dtype, stream, x, strides)
    if not address and view.nbytes:
        raise InputError(f"{what} of shape {shape} has no memory (address 0)")
    return view


def _contiguous(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> bool:
    if 0 in shape:
        return True
    expected = itemsize
    for n, stride in zip(reversed(shape), reversed(strides), strict=True):
        if n != 1 and stride != expected:  # where there is one element its stride is not used
            return False
        expected *= n
    return True
