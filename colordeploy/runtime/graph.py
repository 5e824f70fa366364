"""The protocol of a loaded graph, and loading one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal, Protocol, overload

from numpy.typing import NDArray

from ..cancellation import CancelToken
from ..device_array import Array, DeviceArray
from .target import BACKENDS, PRECISIONS, Target, parse_target
from .threads import graph_threads

__all__ = ["BACKENDS", "PRECISIONS", "Graph", "Target", "load_graph", "parse_target"]

logger = logging.getLogger("colordeploy")


class Graph(Protocol):
    """A graph that is ready to run; safe to use from several threads."""

    @property
    def device(self) -> str:
        """Where it really runs: "cpu" or "cuda:N"."""

    @property
    def why(self) -> str:
        """The reason for that device: what was asked for, and what is available."""

    @property
    def precision(self) -> str:
        """What most of it is computed in: "fp32", "fp16" or "bf16"; "fp32" for INT8 graphs too,
        whose file says what is quantized.
        """

    @overload
    def run(
        self,
        inputs: Mapping[str, Array],
        *,
        on_device: Literal[False] = False,
        cancel: CancelToken | None = None,
    ) -> dict[str, NDArray[Any]]: ...

    @overload
    def run(
        self,
        inputs: Mapping[str, Array],
        *,
        on_device: Literal[True],
        cancel: CancelToken | None = None,
    ) -> dict[str, DeviceArray]: ...

    def run(
        self,
        inputs: Mapping[str, Array],
        *,
        on_device: bool = False,
        cancel: CancelToken | None = None,
    ) -> Any:
        """Outputs by name; new arrays, the caller's own; all values are finite.

        Graphs on a GPU take arrays of the host and of that GPU, mixed, and leave the outputs
        there with ``on_device``. A graph on the CPU refuses both with a BackendError. Cancelling
        the token ends the run with `errors.Cancelled`; the graph stays usable.
        """

    def close(self) -> None:
        """Free what it holds on the device."""


def load_graph(content: bytes, target: Target, name: str) -> Graph:
    """Load an ONNX graph.

    Parameters
    ----------
    content : bytes
        The ONNX file.
    target : Target
        See `parse_target`.
    name : str
        What to call the graph in messages.

    Raises
    ------
    BackendError
        When the graph or the device cannot be used.
    """
    loaded: Graph
    if target.runtime == "openvino":
        from .open_vino import OpenVinoGraph

        loaded = OpenVinoGraph(content, target, name)
    else:
        from .onnx_runtime import OnnxRuntimeGraph

        loaded = OnnxRuntimeGraph(content, target, name)
    threads = graph_threads(target.threads)
    logger.info(
        "graph %s: %s on %s in %s, %d thread%s (%s)",
        name, target.runtime, loaded.device, loaded.precision, threads, "s"[: threads > 1],
        loaded.why,
    )  # fmt: skip
    return loaded
