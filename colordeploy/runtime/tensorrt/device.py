"""Device memory and streams by pycuda, captured graphs and events by the driver itself."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import BackendError
from ..device_time import Marks
from ..driver import CudaDriver, open_driver

__all__ = ["Device", "PycudaDevice", "open_device"]


_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING: work on the default stream does not end a capture


class Device(Marks, Protocol):
    """What running an engine needs of a GPU; addresses and handles are plain numbers."""

    index: int
    architecture: str  # "sm_89" and the like

    def activate(self) -> None:
        """Make it the calling thread's; every thread does before anything else."""

    def allocate(self, size: int) -> int:
        """Address of so many bytes; MemoryError when there are none left."""

    def free(self, address: int) -> None:
        """Give memory back, after all that the GPU has to do by now."""

    def owner(self, address: int) -> int:
        """Number of the GPU whose memory an address is in; BackendError when it is no GPU's."""

    def stream(self) -> int:
        """Handle of a new stream."""

    def upload(self, address: int, array: NDArray[Any], stream: int) -> None: ...

    def download(self, array: NDArray[Any], address: int, stream: int) -> None: ...

    def copy(self, target: int, source: int, size: int, stream: int) -> None:
        """Copy from device memory to device memory."""

    def synchronize(self, stream: int) -> None: ...

    def wait(self, stream: int, other: int) -> None:
        """Let a stream wait for all that another one has to do by now; the host does not wait."""

    def begin_capture(self, stream: int) -> None:
        """Note down what is put on a stream from now on, instead of doing it."""

    def end_capture(self, stream: int) -> int:
        """Handle of what was noted down; BackendError when it cannot be launched."""

    def launch(self, graph: int, stream: int) -> None: ...

    def drop_graph(self, graph: int) -> None: ...


class PycudaDevice:
    """A GPU's primary context, which pycuda, CuPy and torch share.

    pycuda has no stream capture and records events on streams of its own only, so these go to
    the driver.
    """

    def __init__(self, cuda: Any, index: int, driver: CudaDriver) -> None:
        self._cuda, self.index, self._driver = cuda, index, driver
        gpu = cuda.Device(index)
        self.architecture = "sm_{}{}".format(*gpu.compute_capability())
        self._context = gpu.retain_primary_context()
        self._streams: dict[int, Any] = {}
        self._memory: dict[int, Any] = {}

    def activate(self) -> None:
        # Pushed once a thread and never popped: the context lives as long as the process.
        current = self._cuda.Context.get_current()
        if current is None or current.handle != self._context.handle:
            self._context.push()

    def allocate(self, size: int) -> int:
        try:
            memory = self._cuda.mem_alloc(max(1, size))
        except self._cuda.MemoryError as error:
            raise MemoryError(str(error)) from None
        self._memory[int(memory)] = memory
        return int(memory)

    def free(self, address: int) -> None:
        self._memory.pop(address).free()  # the driver waits for the GPU before it frees

    def owner(self, address: int) -> int:
        return self._driver.device_of(address)

    def stream(self) -> int:
        made = self._cuda.Stream(_NON_BLOCKING)
        self._streams[int(made.handle)] = made
        return int(made.handle)

    def upload(self, address: int, array: NDArray[Any], stream: int) -> None:
        self._cuda.memcpy_htod_async(address, np.ascontiguousarray(array), self._streams[stream])

    def download(self, array: NDArray[Any], address: int, stream: int) -> None:
        self._cuda.memcpy_dtoh_async(array, address, self._streams[stream])

    def copy(self, target: int, source: int, size: int, stream: int) -> None:
        self._cuda.memcpy_dtod_async(target, source, size, self._streams[stream])

    def synchronize(self, stream: int) -> None:
        self._streams[stream].synchronize()

    def wait(self, stream: int, other: int) -> None:
        self._driver.wait(stream, other)

    def mark(self, stream: int) -> int:
        return self._driver.mark(stream)

    def elapsed(self, begin: int, end: int) -> int:
        return self._driver.elapsed(begin, end)

    def drop_mark(self, event: int) -> None:
        self._driver.drop_mark(event)

    def begin_capture(self, stream: int) -> None:
        self._driver.begin_capture(stream)

    def end_capture(self, stream: int) -> int:
        return self._driver.end_capture(stream)

    def launch(self, graph: int, stream: int) -> None:
        self._driver.launch(graph, stream)

    def drop_graph(self, graph: int) -> None:
        self._driver.drop_graph(graph)


def open_device(index: int) -> Device:
    """A GPU by number.

    Raises
    ------
    BackendError
        Without pycuda, without a driver, and when there is no such GPU.
    """
    try:
        import pycuda.driver as cuda
    except ImportError as error:
        raise BackendError(
            f"running engines needs pycuda for device memory and streams ({error}), whatever kind "
            "of arrays they are given; pip install pycuda (it compiles against the CUDA toolkit), "
            "or use backend='onnxruntime', which allocates by itself"
        ) from None
    try:
        cuda.init()
        count = int(cuda.Device.count())
    except Exception as error:  # pycuda's own, by what the driver says
        raise BackendError(
            f"there is no NVIDIA driver, or it does not start ({error}); install one, or use "
            "backend='onnxruntime' with device='cpu'"
        ) from None
    if index >= count:
        raise BackendError(
            f"device 'cuda:{index}' was asked for, but there are {count} GPUs; count from 0"
        )
    return PycudaDevice(cuda, index, open_driver())
