"""Running an engine: one engine, a pool of contexts with their streams and buffers."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BackendError
from ...trace import span
from .device import Device
from .flavor import Flavor

__all__ = ["TensorRTGraph"]


class _Slot:
    """A context, its stream, its buffers; one query at a time."""

    def __init__(self, context: Any, stream: int) -> None:
        self.context, self.stream = context, stream
        self.profile = 0
        self.buffers: dict[str, tuple[int, int]] = {}  # address, size


class TensorRTGraph:
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

    Raises
    ------
    BackendError
        When the plan does not load: it is damaged, or was built for another TensorRT or GPU.
    """

    def __init__(
        self, plan: bytes, flavor: Flavor, device: Device, name: str, precision: str = "fp32"
    ) -> None:
        self._name, self._flavor, self._gpu = name, flavor, device
        self.precision = precision
        self.device = f"cuda:{device.index}"
        self.why = f"{flavor.name} {flavor.version} was asked for"
        device.activate()
        self._runtime = flavor.module.Runtime(flavor.logger)
        engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise BackendError(
                f"the engine of graph {name!r} does not load with {flavor.name} {flavor.version} "
                f"on this GPU ({flavor.last_errors()}); build it again: colordeploy engine build"
            )
        self._engine: Any = engine
        trt = flavor.module
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        self._inputs = [n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT]
        self._outputs = [n for n in names if n not in self._inputs]
        self._types = {n: np.dtype(trt.nptype(engine.get_tensor_dtype(n))) for n in names}
        self._slots: list[_Slot] = []
        self._idle: list[_Slot] = []
        self._lock = threading.Lock()

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Outputs by name; new arrays, the caller's own.

        Raises
        ------
        BackendError
            For wrong inputs, shapes outside of the engine's profiles, a GPU without memory left,
            and when the engine fails.
        """
        given = self._checked(inputs)
        with span(f"graph {self._name}"), self._slot() as slot:
            self._shape(slot, {name: array.shape for name, array in given.items()})
            for name, array in given.items():
                self._gpu.upload(self._buffer(slot, name, array.nbytes), array, slot.stream)
            outputs = {}
            for name in self._outputs:
                shape = tuple(slot.context.get_tensor_shape(name))
                outputs[name] = np.empty(shape, self._types[name])
                self._buffer(slot, name, outputs[name].nbytes)
            if not slot.context.execute_async_v3(slot.stream):
                raise BackendError(
                    f"the engine of graph {self._name!r} failed: {self._flavor.last_errors()}"
                )
            for name, array in outputs.items():
                self._gpu.download(array, slot.buffers[name][0], slot.stream)
            self._gpu.synchronize(slot.stream)
        return outputs

    def close(self) -> None:
        """Free the device memory; queries that still run end first or fail."""
        with self._lock:
            self._engine = None
            slots, self._slots, self._idle = self._idle, [], []
        self._gpu.activate()
        for slot in slots:
            for address, _ in slot.buffers.values():
                self._gpu.free(address)

    def _checked(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        if set(inputs) != set(self._inputs):
            raise BackendError(
                f"graph {self._name!r} takes {', '.join(sorted(self._inputs))}, not "
                f"{', '.join(sorted(inputs)) or 'nothing'}"
            )
        for name, array in inputs.items():
            if array.dtype != self._types[name]:
                raise BackendError(
                    f"graph {self._name!r}: {name!r} is {self._types[name]}, not {array.dtype}"
                )
        return {name: np.ascontiguousarray(inputs[name]) for name in self._inputs}

    @contextmanager
    def _slot(self) -> Iterator[_Slot]:
        self._gpu.activate()
        with self._lock:
            engine = self._engine
            slot = self._idle.pop() if self._idle else None
        if engine is None:
            raise BackendError(f"graph {self._name!r} was closed; load the model again")
        if slot is None:
            context = engine.create_execution_context()
            if context is None:
                raise BackendError(
                    f"graph {self._name!r}: no context could be made "
                    f"({self._flavor.last_errors()}); close other models, or use fewer threads"
                )
            slot = _Slot(context, self._gpu.stream())
        try:
            yield slot
        finally:
            with self._lock:
                closed = self._engine is None
                if not closed:
                    self._idle.append(slot)
            if closed:
                for address, _ in slot.buffers.values():
                    self._gpu.free(address)

    def _shape(self, slot: _Slot, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Choose a profile that serves the shapes, the present one if it does."""
        count = self._engine.num_optimization_profiles if self._engine is not None else 0
        order = sorted(range(count), key=lambda i: i != slot.profile)
        for profile in order:
            if not all(self._serves(profile, name, shape) for name, shape in shapes.items()):
                continue
            if profile != slot.profile:
                slot.context.set_optimization_profile_async(profile, slot.stream)
                slot.profile = profile
            if all(slot.context.set_input_shape(name, shape) for name, shape in shapes.items()):
                return
        allowed = "; ".join(
            f"{name} {tuple(least)} to {tuple(most)}"
            for profile in range(count)
            for name in shapes
            for least, _, most in [self._engine.get_tensor_profile_shape(name, profile)]
        )
        given = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise BackendError(
            f"the engine of graph {self._name!r} does not serve {given}; it serves {allowed}. "
            "Build one that does: colordeploy engine build --profile or --size"
        )

    def _serves(self, profile: int, name: str, shape: tuple[int, ...]) -> bool:
        least, _, most = self._engine.get_tensor_profile_shape(name, profile)
        return len(least) == len(shape) and all(
            a <= n <= b for a, n, b in zip(least, shape, most, strict=True)
        )

    def _buffer(self, slot: _Slot, name: str, size: int) -> int:
        """A buffer of at least that size, set as the tensor's address."""
        address, have = slot.buffers.get(name, (0, 0))
        if have < size or not address:
            wanted = 1 << max(8, math.ceil(math.log2(max(size, 1))))  # grows seldom
            if address:
                self._gpu.free(address)
                del slot.buffers[name]
            try:
                address = self._gpu.allocate(wanted)
            except MemoryError:
                raise BackendError(
                    f"graph {self._name!r}: the GPU has no {wanted / 2**20:.0f} MiB left; close "
                    "other models, use a smaller size, or fewer threads"
                ) from None
            slot.buffers[name] = (address, wanted)
        slot.context.set_tensor_address(name, address)
        return address
