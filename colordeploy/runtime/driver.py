"""The CUDA driver: devices, contexts, memory, streams, events and captured graphs.

The one place that talks to GPUs for the runtime. NVIDIA's driver is all that it needs: no toolkit,
no compiler, no package.
"""

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
from typing import Any, NamedTuple

from ..device_array import LEGACY_STREAM
from ..errors import BackendError

__all__ = ["CudaDriver", "Place", "open_driver"]

_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_TIMING, _NO_TIMING = 0, 2  # CU_EVENT_DEFAULT, CU_EVENT_DISABLE_TIMING
_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING
# Other threads may allocate while one captures (CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).
_THREAD_LOCAL = 1
_CONTEXT, _DEVICE_ORDINAL = 1, 9  # CU_POINTER_ATTRIBUTE_...
_MAJOR, _MINOR, _INTEGRATED = 75, 76, 18  # CU_DEVICE_ATTRIBUTE_...
_OUT_OF_MEMORY = 2  # CUDA_ERROR_OUT_OF_MEMORY

_TYPES: dict[str, tuple[Any, ...]] = {
    "cuInit": (c_uint,),
    "cuGetErrorName": (c_int, c_void_p),
    "cuDeviceGet": (c_void_p, c_int),
    "cuDeviceGetCount": (c_void_p,),
    "cuDeviceGetName": (c_void_p, c_int, c_int),
    "cuDeviceTotalMem_v2": (c_void_p, c_int),
    "cuDeviceGetAttribute": (c_void_p, c_int, c_int),
    "cuDriverGetVersion": (c_void_p,),
    "cuMemGetInfo_v2": (c_void_p, c_void_p),
    "cuDevicePrimaryCtxRetain": (c_void_p, c_int),
    "cuCtxPushCurrent_v2": (c_void_p,),
    "cuCtxPopCurrent_v2": (c_void_p,),
    "cuPointerGetAttribute": (c_void_p, c_int, c_uint64),
    "cuMemAlloc_v2": (c_void_p, c_size_t),
    "cuMemFree_v2": (c_uint64,),
    "cuMemcpyDtoD_v2": (c_uint64, c_uint64, c_size_t),
    "cuMemcpyHtoDAsync_v2": (c_uint64, c_void_p, c_size_t, c_void_p),
    "cuMemcpyDtoHAsync_v2": (c_void_p, c_uint64, c_size_t, c_void_p),
    "cuMemcpyDtoDAsync_v2": (c_uint64, c_uint64, c_size_t, c_void_p),
    "cuMemcpyPeer": (c_uint64, c_void_p, c_uint64, c_void_p, c_size_t),
    "cuStreamCreate": (c_void_p, c_uint),
    "cuStreamDestroy_v2": (c_void_p,),
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


class Place(NamedTuple):
    """Where an address on a GPU is.

    Attributes
    ----------
    gpu : int
        Its number.
    context : int
        Handle of the context that it was allocated in; 0 for memory pools, which have none.
    """

    gpu: int
    context: int


class CudaDriver:
    """Everything by handles and addresses, which are plain numbers.

    Calls that need a context are made in a `current` block.

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

    def count(self) -> int:
        """How many GPUs there are."""
        count = c_int()
        self._call("cuDeviceGetCount", byref(count))
        return count.value

    def context(self, index: int) -> int:
        """Handle of a GPU's primary context, which CUDA's runtime, CuPy and torch use too."""
        if index not in self._contexts:
            context = c_void_p()
            # Never released: it lives as long as the process, as it does for CuPy and torch.
            self._call("cuDevicePrimaryCtxRetain", byref(context), self._device(index))
            self._contexts[index] = context.value or 0
        return self._contexts[index]

    @contextmanager
    def current(self, index: int) -> Iterator[None]:
        """Make a GPU's primary context the calling thread's, until the end of the block."""
        with self._pushed(self.context(index)):
            yield

    @contextmanager
    def _pushed(self, context: int) -> Iterator[None]:
        # Popped in any case: a thread must end with the contexts that it began with.
        self._call("cuCtxPushCurrent_v2", context)
        try:
            yield
        finally:
            self._call("cuCtxPopCurrent_v2", byref(c_void_p()))

    def architecture(self, index: int) -> str:
        """Of a GPU, as "sm_89"."""
        return f"sm_{self._attribute(index, _MAJOR)}{self._attribute(index, _MINOR)}"

    def integrated(self, index: int) -> bool:
        """Whether a GPU shares the host's memory, as on a Jetson."""
        return bool(self._attribute(index, _INTEGRATED))

    def name(self, index: int) -> str:
        """What NVIDIA calls a GPU."""
        name = create_string_buffer(256)
        self._call("cuDeviceGetName", name, len(name), self._device(index))
        return name.value.decode(errors="replace")

    def place_of(self, address: int) -> Place:
        """Where on which GPU an address is."""
        index, context = c_int(), c_void_p()
        self._call("cuPointerGetAttribute", byref(index), _DEVICE_ORDINAL, address)
        self._call("cuPointerGetAttribute", byref(context), _CONTEXT, address)
        return Place(index.value, context.value or 0)

    def allocate(self, size: int) -> int:
        """Address of so many bytes; MemoryError when there are none left."""
        address = c_uint64()
        code = self._library.cuMemAlloc_v2(byref(address), max(1, size))
        if code == _OUT_OF_MEMORY:
            raise MemoryError(f"the GPU has no {size} bytes left")
        self._check("cuMemAlloc_v2", code)
        return address.value

    def free(self, address: int) -> None:
        """Give memory back, after all that the GPU has to do by now."""
        self._call("cuMemFree_v2", address)

    def upload(self, target: int, source: int, size: int, stream: int) -> None:
        """Copy from the host's memory, which must not change until the stream gets there."""
        self._call("cuMemcpyHtoDAsync_v2", target, source, size, stream)

    def download(self, target: int, source: int, size: int, stream: int) -> None:
        """Copy into the host's memory, which has it once the stream has been waited for."""
        self._call("cuMemcpyDtoHAsync_v2", target, source, size, stream)

    def copy_async(self, target: int, source: int, size: int, stream: int) -> None:
        """Copy on the GPU, when the stream gets there."""
        self._call("cuMemcpyDtoDAsync_v2", target, source, size, stream)

    def copy(self, target: int, source: int, size: int) -> None:
        """Copy on the GPU, and wait until it is done."""
        self._call("cuMemcpyDtoD_v2", target, source, size)
        self._call("cuStreamSynchronize", LEGACY_STREAM)

    def copy_from_context(
        self, index: int, target: int, source: int, size: int, stream: int | None, context: int
    ) -> None:
        """Copy what another context of a GPU holds into its primary one, and wait until it is done.

        Parameters
        ----------
        stream : int or None
            Of the other context, on which the source gets its values; None: it has them.
        """
        with self._pushed(context):
            if stream is not None:
                self._call("cuStreamSynchronize", stream)
        self._call("cuMemcpyPeer", target, self.context(index), source, context, size)
        with self.current(index):
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

    def drop_stream(self, stream: int) -> None:
        """Free a stream; what it has to do is done all the same."""
        self._call("cuStreamDestroy_v2", stream)

    def free_memory(self, index: int) -> int:
        """Bytes of a GPU that nobody uses."""
        free, total = c_size_t(), c_size_t()
        with self.current(index):
            self._call("cuMemGetInfo_v2", byref(free), byref(total))
        return free.value

    def describe(self) -> list[dict[str, Any]]:
        """Every GPU's name, architecture and memory in MiB, and the driver's version of CUDA."""
        version = c_int()
        self._call("cuDriverGetVersion", byref(version))
        found = []
        for index in range(self.count()):
            size = c_size_t()
            self._call("cuDeviceTotalMem_v2", byref(size), self._device(index))
            found.append(
                {
                    "name": self.name(index),
                    "architecture": self.architecture(index),
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

    def _device(self, index: int) -> c_int:
        device = c_int()
        self._call("cuDeviceGet", byref(device), index)
        return device

    def _attribute(self, index: int, attribute: int) -> int:
        value = c_int()
        self._call("cuDeviceGetAttribute", byref(value), attribute, self._device(index))
        return value.value

    def _call(self, name: str, *arguments: Any) -> None:
        self._check(name, getattr(self._library, name)(*arguments))

    def _check(self, name: str, code: int) -> None:
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
