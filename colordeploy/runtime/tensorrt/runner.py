"""Running an engine: inputs to where it reads them, outputs to where they are wanted."""

from __future__ import annotations

import hashlib
import math
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...cancellation import CancelToken
from ...device_array import Array, DeviceArray, DeviceView
from ...errors import BackendError
from ..device_time import Laps
from ..gpu import Device
from ..inputs import Given, checked_inputs
from ..loaded import LoadedGraph, require_finite
from .flavor import Flavor
from .kernels import KernelCache
from .pool import SlotPool, refused
from .slot import Shapes, Slot

__all__ = ["TensorRTGraph"]

_ALIGNMENT = 256  # of the addresses that TensorRT takes, in bytes


class TensorRTGraph(LoadedGraph):
    """An engine that is ready to run; see `colordeploy.runtime.Graph`.

    Parameters
    ----------
    plan : bytes
        See `build_engine`.
    device : Device
    name : str
        What to call the graph in messages.
    precision : {"fp32", "fp16", "bf16"}
        What the plan was built in.
    cuda_graphs : bool
        Capture the engine once it has run with the same shapes and addresses, and launch the
        capture from then on.
    weights : bytes, optional
        The ONNX file, for a plan that was built without its weights.
    kernels : KernelCache, optional
        Where TensorRT for RTX keeps what it compiles.
    version_compatible : bool
        The plan brings the code of an earlier TensorRT with it, which is trusted like the plan.

    Attributes
    ----------
    sha256 : str
        Of the plan, which tells an engine from one built anew.

    Raises
    ------
    BackendError
        When the plan does not load: it is damaged, or was built for another TensorRT or GPU.
    """

    def __init__(
        self,
        plan: bytes,
        flavor: Flavor,
        device: Device,
        name: str,
        precision: str = "fp32",
        *,
        cuda_graphs: bool = True,
        weights: bytes | None = None,
        kernels: KernelCache | None = None,
        version_compatible: bool = False,
    ) -> None:
        super().__init__(name)
        self._gpu, self._logger = device, flavor.new_logger()
        self._runtime: Any = None
        self._config: Any = None
        self._pool: SlotPool | None = None
        self.precision = precision
        self.device = f"cuda:{device.index}"
        self.why = f"{flavor.name} {flavor.version} was asked for"
        self.sha256 = hashlib.sha256(plan).hexdigest()
        self._kernels = kernels
        self._known_shapes: set[tuple[tuple[int, ...], ...]] = set()
        with device.current():
            self._runtime = flavor.module.Runtime(self._logger)
            if version_compatible:
                self._runtime.engine_host_code_allowed = True
            engine = self._runtime.deserialize_cuda_engine(plan)
            if engine is None:
                raise BackendError(
                    f"the engine of graph {name!r} does not load with {flavor.name} "
                    f"{flavor.version} on this GPU ({self._logger.said()}); build it again: "
                    "colordeploy engine build"
                )
            if weights is not None and not flavor.refit(engine, weights, self._logger):
                raise BackendError(
                    f"the engine of graph {name!r} does not take its weights "
                    f"({self._logger.said()}); build it again: colordeploy engine build"
                )
            compiled = b"" if kernels is None else kernels.load()
            self._config = flavor.runtime_config(engine, cuda_graphs=cuda_graphs, kernels=compiled)
        self._captures = cuda_graphs and not flavor.captures_itself
        self._not_captured: str | None = None
        trt = flavor.module
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        self._inputs = [n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT]
        self._outputs = [n for n in names if n not in self._inputs]
        self._types = {n: np.dtype(trt.nptype(engine.get_tensor_dtype(n))) for n in names}
        said = self._logger.said
        self._pool = SlotPool(engine, self._config, device, name, self._outputs, said)

    @property
    def not_captured(self) -> str | None:
        """Why this engine cannot be captured as a CUDA graph; None as long as nothing failed."""
        return self._not_captured

    def _run(
        self, inputs: Mapping[str, Array], on_device: bool, cancel: CancelToken | None
    ) -> dict[str, Any]:
        """See `LoadedGraph.run`; what is on the GPU already cannot be ended before it is done.

        Arrays on the GPU are read where they are. With ``on_device`` the host does not wait for
        the engine: whoever reads an output waits for its stream, and what the owner of an input
        puts on that array's stream afterwards comes after the engine.
        """
        with self._gpu.current():
            types = {name: self._types[name] for name in self._inputs}
            gpu = self._gpu
            given = checked_inputs(
                inputs, types, self.name, gpu.index, gpu.place_of, self._from_context
            )
            shapes = {name: tuple(array.shape) for name, array in given.items()}
            pool = self._pool  # read once: another thread may close the graph
            if pool is None:
                raise self._closed()
            with pool.taken(shapes) as slot:
                return self._run_in(slot, shapes, given, on_device)

    def _run_in(self, slot: Slot, shapes: Shapes, given: Given, on_device: bool) -> dict[str, Any]:
        laps = Laps(self._gpu, slot.stream, f"graph {self.name}", self._gpu.current)
        self._place(slot, given, laps, settle=on_device)
        for name, shape in slot.outputs.items():
            size = math.prod(shape) * self._types[name].itemsize
            self._bind(slot, name, self._buffer(slot, name, size))
        if not on_device:
            self._execute(slot, laps)
            fetched = self._fetched(slot, laps)
            self._keep_kernels(shapes)
            return fetched
        results = {name: self._empty(slot, name) for name in self._outputs}
        self._execute(slot, laps)
        self._hand_over(slot, given, results)
        self._keep_kernels(shapes)
        return results

    def _keep_kernels(self, shapes: Shapes) -> None:
        """After the first run of some shapes: what was compiled for them serves the next start."""
        config, known = self._config, tuple(shapes.values())
        if self._kernels is None or config is None or known in self._known_shapes:
            return
        self._known_shapes.add(known)
        compiled = config.get_runtime_cache()
        if compiled is not None:
            self._kernels.save(bytes(memoryview(compiled.serialize())))

    def _close(self) -> None:
        """Free the device memory; runs of other threads end first.

        Arrays on the GPU that were handed out stay: they are the caller's own.
        """
        pool = self._pool
        self._pool = self._config = self._runtime = None
        if pool is not None:
            pool.close()

    def _foreign(self) -> list[Any]:
        return [self._runtime, self._config, self._pool]

    def _from_context(self, array: DeviceView, context: int) -> DeviceView:
        """The array, or a copy when it is in a context whose memory engines cannot read."""
        if context in (0, self._gpu.context):
            return array
        gpu, address = self._gpu, self._allocate(array.nbytes)

        def release() -> None:
            with gpu.current():
                gpu.free(address)

        owner = _Owner()
        weakref.finalize(owner, release).atexit = False
        gpu.copy_from_context(address, array.address, array.nbytes, array.stream, context)
        return DeviceView(address, array.shape, array.dtype, None, owner)

    def _bind(self, slot: Slot, name: str, address: int) -> None:
        if not slot.bind(name, address):
            raise refused(f"the address of {name!r}", self.name, self._logger.said())

    def _place(
        self,
        slot: Slot,
        given: Given,
        laps: Laps,
        *,
        settle: bool,
    ) -> None:
        """Bring the inputs to where the engine reads them.

        `settle`: wait until arrays of the host are read, because `run` does not wait at its end
        and page-locked ones would be read later.
        """
        uploaded = False
        for name, array in given.items():
            if isinstance(array, DeviceView):
                continue
            address = self._buffer(slot, name, array.nbytes)
            self._gpu.upload(address, array, slot.stream)
            self._bind(slot, name, address)
            uploaded = True
        if uploaded:
            laps.lap("to device")
        if uploaded and settle:
            self._gpu.synchronize(slot.stream)
        for stream in _streams(given):
            self._gpu.wait(slot.stream, stream)
        for name, array in given.items():
            if not isinstance(array, DeviceView):
                continue
            if array.address % _ALIGNMENT == 0:
                self._bind(slot, name, array.address)
                continue
            address = self._buffer(slot, name, array.nbytes)
            self._gpu.copy(address, array.address, array.nbytes, slot.stream)
            self._bind(slot, name, address)

    def _execute(self, slot: Slot, laps: Laps) -> None:
        if self._captures and slot.settled and not slot.captured:
            try:
                slot.capture()
            except BackendError as error:
                # Once is enough: it is mostly the engine, and the ordinary way always works.
                self._captures = False
                self._not_captured = f"{error} ({self._logger.said()})"
        laps.skip()  # streams of inputs that were waited for, and capturing
        if slot.captured:
            slot.launch()
        elif not slot.enqueue():
            raise BackendError(f"the engine of graph {self.name!r} failed: {self._logger.said()}")
        laps.lap("computing")

    def _fetched(self, slot: Slot, laps: Laps) -> dict[str, NDArray[Any]]:
        outputs = {n: np.empty(slot.outputs[n], self._types[n]) for n in self._outputs}
        for name, array in outputs.items():
            self._gpu.download(array, slot.address(name), slot.stream)
        laps.lap("from device")
        self._gpu.synchronize(slot.stream)
        return outputs

    def _empty(self, slot: Slot, name: str) -> DeviceArray:
        """Memory for an output that leaves the slot."""
        gpu, ready, graph = self._gpu, slot.ready, self.name
        shape, dtype = slot.outputs[name], self._types[name]
        address = self._allocate(math.prod(shape) * dtype.itemsize)

        def wait() -> None:
            with gpu.current():
                gpu.synchronize(ready.handle)

        def fetch(array: NDArray[Any]) -> None:
            with gpu.current():
                gpu.download(array, address, ready.handle)
                gpu.synchronize(ready.handle)
            require_finite(array, graph, name)

        def release() -> None:
            with gpu.current():
                gpu.free(address)

        return DeviceArray(
            address,
            shape,
            dtype,
            device=self.device,
            stream=ready.handle,
            wait=wait,
            fetch=fetch,
            release=release,
        )

    def _hand_over(
        self,
        slot: Slot,
        given: Given,
        results: Mapping[str, DeviceArray],
    ) -> None:
        """Copy outputs out of the slot, whose addresses stay, and order what comes next."""
        for name, array in results.items():
            if array.nbytes:
                self._gpu.copy(array.address, slot.address(name), array.nbytes, slot.stream)
        self._gpu.wait(slot.ready.handle, slot.stream)
        for stream in _streams(given):
            self._gpu.wait(stream, slot.stream)
        if any(isinstance(a, DeviceView) and a.stream is None for a in given.values()):
            self._gpu.synchronize(slot.stream)  # there is no stream that could wait in its place

    def _buffer(self, slot: Slot, name: str, size: int) -> int:
        """A tensor's own buffer of at least that size."""
        address, have = slot.buffer(name)
        if have < size or not address:
            # No capture reads the old one: it is too small for the shapes that the slot is set to.
            wanted = 1 << max(8, math.ceil(math.log2(max(size, 1))))  # grows seldom
            slot.free_buffer(name)
            address = self._allocate(wanted)
            slot.keep_buffer(name, address, wanted)
        return address

    def _allocate(self, size: int) -> int:
        try:
            return self._gpu.allocate(size)
        except MemoryError:
            raise BackendError(
                f"graph {self.name!r}: the GPU has no {size / 2**20:.0f} MiB left; close "
                "other models, use a smaller size, or fewer threads"
            ) from None


class _Owner:
    """Who holds memory: it is freed with this."""


def _streams(given: Given) -> list[int]:
    """The streams that inputs on the GPU belong to, each once."""
    streams = (a.stream for a in given.values() if isinstance(a, DeviceView))
    return list(dict.fromkeys(s for s in streams if s is not None))
