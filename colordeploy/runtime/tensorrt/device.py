"""Device memory and streams, by pycuda."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import BackendError

__all__ = ["Device", "PycudaDevice", "open_device"]


class Device(Protocol):
    """What running an engine needs of a GPU; addresses are plain numbers."""

    index: int
    architecture: str  # "sm_89" and the like

    def activate(self) -> None:
        """Make it the calling thread's; every thread does before anything else."""

    def allocate(self, size: int) -> int:
        """Address of so many bytes; MemoryError when there are none left."""

    def free(self, address: int) -> None: ...

    def stream(self) -> int:
        """Handle of a new stream."""

    def upload(self, address: int, array: NDArray[Any], stream: int) -> None: ...

    def download(self, array: NDArray[Any], address: int, stream: int) -> None: ...

    def synchronize(self, stream: int) -> None: ...


class PycudaDevice:
    """A GPU's primary context, which pycuda, CuPy and torch share."""

    def __init__(self, cuda: Any, index: int) -> None:
        self._cuda, self.index = cuda, index
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
        self._memory.pop(address).free()

    def stream(self) -> int:
        made = self._cuda.Stream()
        self._streams[int(made.handle)] = made
        return int(made.handle)

    def upload(self, address: int, array: NDArray[Any], stream: int) -> None:
        self._cuda.memcpy_htod_async(address, np.ascontiguousarray(array), self._streams[stream])

    def download(self, array: NDArray[Any], address: int, stream: int) -> None:
        self._cuda.memcpy_dtoh_async(array, address, self._streams[stream])

    def synchronize(self, stream: int) -> None:
        self._streams[stream].synchronize()


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
            f"running engines needs pycuda ({error}); pip install pycuda (it compiles against the "
            "CUDA toolkit), or use backend='onnxruntime'"
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
    return PycudaDevice(cuda, index)
