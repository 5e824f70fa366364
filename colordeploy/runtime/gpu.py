"""A GPU as engines see it: memory, streams, events and captures of its primary context."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from numpy.typing import NDArray

from ..errors import BackendError
from .device_time import Marks
from .driver import CudaDriver, Place, open_driver

__all__ = ["CudaDevice", "Device", "open_device"]


class Device(Marks, Protocol):
    """What running an engine needs of a GPU; addresses and handles are plain numbers.

    All calls but `current` are made in a `current` block.
    """

    index: int
    architecture: str  # "sm_89" and the like
    name: str  # "NVIDIA L4" and the like
    context: int  # handle of the primary context

    def current(self) -> AbstractContextManager[None]:
        """Make it the calling thread's GPU, until the end of the block."""

    def allocate(self, size: int) -> int:
        """Address of so many bytes; MemoryError when there are none left."""

    def free(self, address: int) -> None:
        """Give memory back, after all that the GPU has to do by now."""

    def place_of(self, address: int) -> Place:
        """Where an address is; BackendError when it is on no GPU."""

    def stream(self) -> int:
        """Handle of a new stream."""

    def drop_stream(self, stream: int) -> None:
        """Free a stream; what it has to do is done all the same."""

    def upload(self, address: int, array: NDArray[Any], stream: int) -> None:
        """Copy a contiguous array of the host, which may be read when the stream gets there."""

    def download(self, array: NDArray[Any], address: int, stream: int) -> None:
        """Copy to the host; the array has the values once the stream has been waited for."""

    def copy(self, target: int, source: int, size: int, stream: int) -> None:
        """Copy from device memory to device memory."""

    def copy_from_context(
        self, target: int, source: int, size: int, stream: int | None, context: int
    ) -> None:
        """Copy what another context holds, once that context's stream is there; waits."""

    def synchronize(self, stream: int) -> None:
        """Let the host wait until a stream has done all that it has to do by now."""

    def wait(self, stream: int, other: int) -> None:
        """Let a stream wait for all that another one has to do by now; the host does not wait."""

    def begin_capture(self, stream: int) -> None:
        """Note down what is put on a stream from now on, instead of doing it."""

    def end_capture(self, stream: int) -> int:
        """Handle of what was noted down; BackendError when it cannot be launched."""

    def launch(self, graph: int, stream: int) -> None:
        """Put what was noted down on a stream."""

    def drop_graph(self, graph: int) -> None:
        """Free what was noted down; it must have ended."""


class CudaDevice:
    """A GPU by the CUDA driver; see `Device`.

    Its primary context is also that of CuPy, torch and ``pycuda.autoprimaryctx``, so their arrays
    are used where they are. What lies in another context of the same GPU (``pycuda.autoinit``) is
    copied first.
    """

    def __init__(self, driver: CudaDriver, index: int) -> None:
        self.index, self._driver = index, driver
        self.architecture, self.name = driver.architecture(index), driver.name(index)
        self.context = driver.context(index)
        # The driver's own calls, under the names of `Device`.
        self.allocate: Callable[[int], int] = driver.allocate
        self.free: Callable[[int], None] = driver.free
        self.place_of: Callable[[int], Place] = driver.place_of
        self.stream: Callable[[], int] = driver.make_stream
        self.drop_stream: Callable[[int], None] = driver.drop_stream
        self.copy: Callable[[int, int, int, int], None] = driver.copy_async
        self.synchronize: Callable[[int], None] = driver.synchronize
        self.wait: Callable[[int, int], None] = driver.wait
        self.mark: Callable[[int], int] = driver.mark
        self.elapsed: Callable[[int, int], int] = driver.elapsed
        self.drop_mark: Callable[[int], None] = driver.drop_mark
        self.begin_capture: Callable[[int], None] = driver.begin_capture
        self.end_capture: Callable[[int], int] = driver.end_capture
        self.launch: Callable[[int, int], None] = driver.launch
        self.drop_graph: Callable[[int], None] = driver.drop_graph

    def current(self) -> AbstractContextManager[None]:
        return self._driver.current(self.index)

    def upload(self, address: int, array: NDArray[Any], stream: int) -> None:
        self._driver.upload(address, array.ctypes.data, array.nbytes, stream)

    def download(self, array: NDArray[Any], address: int, stream: int) -> None:
        self._driver.download(array.ctypes.data, address, array.nbytes, stream)

    def copy_from_context(
        self, target: int, source: int, size: int, stream: int | None, context: int
    ) -> None:
        self._driver.copy_from_context(self.index, target, source, size, stream, context)


def open_device(index: int) -> CudaDevice:
    """A GPU by number.

    Raises
    ------
    BackendError
        Without a driver, and when there is no such GPU.
    """
    driver = open_driver()
    count = driver.count()
    if index >= count:
        raise BackendError(
            f"device 'cuda:{index}' was asked for, but there are {count} GPUs; count from 0"
        )
    return CudaDevice(driver, index)
