"""A graph's outputs, left where they are until they are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any

from numpy.typing import NDArray

from ..cancellation import CancelToken
from ..device_array import Array, DeviceArray
from ..runtime.graph import Graph

__all__ = ["Outputs"]


class Outputs:
    """A graph's outputs: on its GPU, when it runs on one, until they are looked at.

    So what goes from one graph into the next does not pass through the host.
    """

    def __init__(
        self, graph: Graph, inputs: Mapping[str, Array], cancel: CancelToken | None = None
    ) -> None:
        self._outputs: Mapping[str, NDArray[Any] | DeviceArray]
        if graph.device.startswith("cuda"):
            self._outputs = graph.run(inputs, on_device=True, cancel=cancel)
        else:
            self._outputs = graph.run(inputs, cancel=cancel)
        self._fetched: dict[str, NDArray[Any]] = {}
        self._lock = Lock()

    def on_device(self, *names: str) -> dict[str, Array]:
        """Outputs where they are, for another graph on the same device."""
        return {name: self._outputs[name] for name in names}

    def host(self, name: str) -> NDArray[Any]:
        """An output on the host, copied there once."""
        output = self._outputs[name]
        if not isinstance(output, DeviceArray):
            return output
        with self._lock:
            if name not in self._fetched:
                self._fetched[name] = output.numpy()
            return self._fetched[name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an output."""
        return self._outputs[name].shape

    @property
    def nbytes(self) -> int:
        """Memory held, on the host and on the device."""
        held = sum(array.nbytes for array in self._outputs.values())
        return held + sum(array.nbytes for array in self._fetched.values())
