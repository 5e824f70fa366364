"""A context with all that one query needs: streams, buffers, a captured CUDA graph."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

from ...errors import BackendError
from ..gpu import Device

__all__ = ["Shapes", "Slot", "Stream"]

Shapes = Mapping[str, tuple[int, ...]]


class Stream:
    """A stream, which is freed when nobody holds it any more."""

    def __init__(self, gpu: Device) -> None:
        self.handle = handle = gpu.stream()

        def drop() -> None:
            with gpu.current():
                gpu.drop_stream(handle)

        # At the interpreter's end the driver frees everything, in an order that is not ours.
        weakref.finalize(self, drop).atexit = False


class Slot:
    """One query at a time; the thread that holds it is the only one that touches it.

    A captured graph belongs to the state of the context that it was captured from, so there is
    one at most, and whatever changes the context (a profile, a shape, an address) drops it.

    Attributes
    ----------
    context, engine : object
        TensorRT's.
    stream : int
        Where the engine runs. Nobody else ever learns of it: an event that another thread records
        on a stream would break a capture.
    shapes : mapping
        Of the inputs, as the context knows them; empty when it knows none.
    outputs : mapping
        Shapes of the outputs.
    """

    def __init__(self, context: Any, gpu: Device, engine: Any) -> None:
        self.context, self.engine, self._gpu = context, engine, gpu
        self._stream = Stream(gpu)
        self.stream = self._stream.handle
        self.profile = 0
        self.shapes: Shapes = {}
        self.outputs: Shapes = {}
        self._ready: Stream | None = None
        self._buffers: dict[str, tuple[int, int]] = {}  # address, size
        self._addresses: dict[str, int] = {}
        self._enqueued = False  # since the context was changed
        self._graph: int | None = None

    @property
    def ready(self) -> Stream:
        """The stream that others may wait for and copy on; arrays may outlive the slot."""
        if self._ready is None:
            self._ready = Stream(self._gpu)
        return self._ready

    def touch(self) -> None:
        """Before the context is changed."""
        self._enqueued = False
        if self._graph is not None:
            graph, self._graph = self._graph, None
            self._gpu.synchronize(self.stream)  # it may still run
            self._gpu.drop_graph(graph)

    def buffer(self, name: str) -> tuple[int, int]:
        """Address and size of a tensor's own buffer; zeros when it has none."""
        return self._buffers.get(name, (0, 0))

    def keep_buffer(self, name: str, address: int, size: int) -> None:
        """Make memory a tensor's own buffer."""
        self._buffers[name] = (address, size)

    def free_buffer(self, name: str) -> None:
        """Give a tensor's buffer back."""
        address, _ = self._buffers.pop(name, (0, 0))
        if address:
            self._gpu.free(address)

    def bind(self, name: str, address: int) -> bool:
        """Say where a tensor lies; False when TensorRT does not take the address."""
        if self._addresses.get(name) != address:
            self.touch()
            self._addresses.pop(name, None)
            if not self.context.set_tensor_address(name, address):
                return False
            self._addresses[name] = address
        return True

    def address(self, name: str) -> int:
        """Where a tensor lies."""
        return self._addresses[name]

    def enqueue(self) -> bool:
        """Run the engine kernel by kernel; False when TensorRT does not."""
        self._enqueued = bool(self.context.execute_async_v3(self.stream))
        return self._enqueued

    @property
    def captured(self) -> bool:
        """Whether there is a graph of the context as it is."""
        return self._graph is not None

    @property
    def settled(self) -> bool:
        """Whether the context has run as it is: only then TensorRT may be captured."""
        return self._enqueued

    def capture(self) -> None:
        """Capture what `enqueue` does, without doing it.

        Raises
        ------
        BackendError
            When this engine cannot be captured, for instance because it waits for the host.
        """
        self._gpu.begin_capture(self.stream)
        noted = False
        try:
            noted = bool(self.context.execute_async_v3(self.stream))
        finally:
            graph = self._gpu.end_capture(self.stream)  # always, or the stream is of no use
        if not noted:
            self._gpu.drop_graph(graph)
            raise BackendError("TensorRT does not enqueue into a capture")
        self._graph = graph

    def launch(self) -> None:
        """Run the captured graph."""
        if self._graph is not None:
            self._gpu.launch(self._graph, self.stream)

    def free(self) -> None:
        """Give everything on the GPU back."""
        self.touch()
        for name in list(self._buffers):
            self.free_buffer(name)
