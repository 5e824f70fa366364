"""A graph that says it ran on a GPU: its outputs stay in (synthetic) device memory."""

from __future__ import annotations

import numpy as np

from colordeploy.device_array import DeviceArray


class GraphOnGpu:
    """Wraps a graph of the CPU.

    Attributes
    ----------
    fetched : list of str
        Outputs that were copied to the host.
    """

    device = "cuda:0"
    why = "synthetic"
    precision = "fp32"

    def __init__(self, graph):
        self._graph = graph
        self.fetched: list[str] = []

    def run(self, inputs, *, on_device=False, cancel=None):
        given = {
            name: array.base_array if isinstance(array, Placed) else array
            for name, array in inputs.items()
        }
        found = self._graph.run(given, cancel=cancel)
        if not on_device:
            return found
        return {name: Placed(name, np.ascontiguousarray(a), self) for name, a in found.items()}

    def close(self):
        self._graph.close()


class Placed(DeviceArray):
    """Host memory under another name."""

    def __init__(self, name, array, graph):
        self.base_array = array

        def fetch(target):
            graph.fetched.append(name)
            np.copyto(target, array)

        super().__init__(
            array.ctypes.data, array.shape, array.dtype, device="cuda:0", stream=None, fetch=fetch
        )
