"""The few calls of the CUDA driver that pycuda does not have, or that run without it."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import (
    byref,
    c_char_p,
    c_float,
    c_int,
    c_size_t,
    c_uint,
    c_uint64,
    c_void_p,
    create_string_buffer,
)
from typing import Any

from ..device_array import LEGACY_STREAM
from ..errors import BackendError

__all__ = ["CudaDriver", "open_driver"]

_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_TIMING, _NO_TIMING = 0, 2  # CU_EVENT_DEFAULT, CU_EVENT_DISABLE_TIMING
_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING
# Other threads may allocate while one captures (CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).
_THREAD_LOCAL = 1
_DEVICE_ORDINAL = 9  # CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL

_TYPES: dict[str, tuple[Any, ...]] = {
    "cuInit": (c_uint,),
    "cuGetErrorName": (c_int, c_void_p),
    "cuDeviceGet": (c_void_p, c_int),
    "cuDeviceGetCount": (c_void_p,),
    "cuDeviceGetName": (c_void_p, c_int, c_int),
    "cuDeviceTotalMem_v2": (c_void_p, c_int),
    "cuDriverGetVersion": (c_void_p,),
    "cuMemGetInfo_v2": (c_void_p, c_void_p),
    "cuDevicePrimaryCtxRetain": (c_void_p, c_int),
    "cuCtxPushCurrent_v2": (c_void_p,),
    "cuCtxPopCurrent_v2": (c_void_p,),
    "cuPointerGetAttribute": (c_void_p, c_int, c_uint64),
    "cuMemcpyDtoD_v2": (c_uint64, c_uint64, c_size_t),
    "cuStreamCreate": (c_void_p, c_uint),
    "cuStreamSynchronize": (c_void_p,),
    "cuEventCreate": (c_void_p, c_uint),
    "cuEventRecord": (c_void_p, c_void_p),
    "cuEventSynchronize": (c_void_p,),
    "cuEventElapsedTime": (c_void_p, c_void_p, c_void_p),
    "cuEventDestroy_v2": (c_void_p,),
    "cuStreamWaitEvent": (c_void_p, c_void_p, c_uint),
    "cuStreamBeginCapture_v2": (c_void_p, c_int),
    "cuStreamEndCapture": (c_void_p, c_void_p),
    "cuGraphInstantiateWithFlags": (c_void_p, c_void_p, c_uint64),
    "cuGraphLaunch": (c_void_p, c_void_p),
    "cuGraphExecDestroy": (c_void_p,),
    "cuGraphDestroy": (c_void_p,),
}


class CudaDriver:
    """Streams, events and captured graphs by their handles, which are plain numbers.

    Parameters
    ----------
    library : object
        The driver, as `ctypes.CDLL` opens it.

    Raises
    ------
    BackendError
        Here and from every method: with the name that the driver gives the error.
    """

    def __init__(self, library: Any) -> None:
        self._library = library
        for name, types in _TYPES.items():
            function = getattr(library, name, None)
            if function is None:
                raise BackendError(
                    f"this NVIDIA driver has no {name}; install one of CUDA 11.4 or later"
                )
            function.argtypes, function.restype = types, c_int
        self._contexts: dict[int, int] = {}
        self._call("cuInit", 0)

    @contextmanager
    def current(self, index: int) -> Iterator[None]:
        """Make a GPU's primary context the calling thread's for a while."""
        if index not in self._contexts:
            device, context = c_int(), c_void_p()
            self._call("cuDeviceGet", byref(device), index)
            # Never released: it lives as long as the process, as with pycuda, CuPy and torch.
            self._call("cuDevicePrimaryCtxRetain", byref(context), device)
            self._contexts[index] = context.value or 0
        self._call("cuCtxPushCurrent_v2", self._contexts[index])
        try:
            yield
        finally:
            self._call("cuCtxPopCurrent_v2", byref(c_void_p()))

    def device_of(self, address: int) -> int:
        """Number of the GPU whose memory an address is in."""
        index = c_int()
        self._call("cuPointerGetAttribute", byref(index), _DEVICE_ORDINAL, address)
        return index.value

    def copy(self, target: int, source: int, size: int) -> None:
        """Copy on the GPU, and wait until it is done."""
        self._call("cuMemcpyDtoD_v2", target, source, size)
        self._call("cuStreamSynchronize", LEGACY_STREAM)

    def synchronize(self, stream: int) -> None:
        """Wait on the host for all that a stream has to do."""
        self._call("cuStreamSynchronize", stream)

    def wait(self, stream: int, other: int) -> None:
        """Let a stream wait for all that another one has to do by now; the host does not wait."""
        event = c_void_p()
        self._call("cuEventCreate", byref(event), _NO_TIMING)
        try:
            self._call("cuEventRecord", event, other)
            self._call("cuStreamWaitEvent", stream, event, 0)
        finally:
            self._call("cuEventDestroy_v2", event)  # the driver keeps it until it has happened

    def mark(self, stream: int) -> int:
        """Handle of a new event that notes when a stream has done all it has to do by now."""
        event = c_void_p()
        self._call("cuEventCreate", byref(event), _TIMING)
        self._call("cuEventRecord", event, stream)
        return event.value or 0

    def elapsed(self, begin: int, end: int) -> int:
        """Nanoseconds between two marks, of about half a microsecond each; waits for the second."""
        milliseconds = c_float()
        self._call("cuEventSynchronize", end)
        self._call("cuEventElapsedTime", byref(milliseconds), begin, end)
        return round(1e6 * milliseconds.value)

    def drop_mark(self, event: int) -> None:
        """Free a mark."""
        self._call("cuEventDestroy_v2", event)

    def make_stream(self) -> int:
        """Handle of a new stream that the default stream does not wait for."""
        stream = c_void_p()
        self._call("cuStreamCreate", byref(stream), _NON_BLOCKING)
        return stream.value or 0

    def free_memory(self, index: int) -> int:
        """Bytes of a GPU that nobody uses."""
        free, total = c_size_t(), c_size_t()
        with self.current(index):
            self._call("cuMemGetInfo_v2", byref(free), byref(total))
        return free.value

    def describe(self) -> list[dict[str, Any]]:
        """Every GPU's name and memory in MiB, and the driver's version of CUDA."""
        count, version = c_int(), c_int()
        self._call("cuDeviceGetCount", byref(count))
        self._call("cuDriverGetVersion", byref(version))
        found = []
        for index in range(count.value):
            device, name, size = c_int(), create_string_buffer(256), c_size_t()
            self._call("cuDeviceGet", byref(device), index)
            self._call("cuDeviceGetName", name, len(name), device)
            self._call("cuDeviceTotalMem_v2", byref(size), device)
            found.append(
                {
                    "name": name.value.decode(errors="replace"),
                    "memory_mib": size.value >> 20,
                    "driver_cuda": f"{version.value // 1000}.{version.value % 1000 // 10}",
                }
            )
        return found

    def begin_capture(self, stream: int) -> None:
        """Note down what is put on a stream from now on, instead of doing it."""
        self._call("cuStreamBeginCapture_v2", stream, _THREAD_LOCAL)

    def end_capture(self, stream: int) -> int:
        """Handle of the graph that was noted down, ready to launch."""
        graph, ready = c_void_p(), c_void_p()
        self._call("cuStreamEndCapture", stream, byref(graph))
        try:
            self._call("cuGraphInstantiateWithFlags", byref(ready), graph, 0)
        finally:
            self._call("cuGraphDestroy", graph)
        return ready.value or 0

    def launch(self, graph: int, stream: int) -> None:
        """Put a graph on a stream."""
        self._call("cuGraphLaunch", graph, stream)

    def drop_graph(self, graph: int) -> None:
        """Free a graph; it must have ended."""
        self._call("cuGraphExecDestroy", graph)

    def _call(self, name: str, *arguments: Any) -> None:
        code = getattr(self._library, name)(*arguments)
        if code:
            said = c_char_p()
            self._library.cuGetErrorName(code, byref(said))
            reason = (said.value or f"error {code}".encode()).decode()
            raise BackendError(f"the CUDA driver's {name} failed: {reason}")


def open_driver() -> CudaDriver:
    """The driver of this machine.

    Raises
    ------
    BackendError
        Without one.
    """
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise BackendError(
            f"there is no NVIDIA driver ({error}); install one, or use device='cpu'"
        ) from None
    return CudaDriver(library)
