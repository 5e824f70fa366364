"""The protocol of a loaded graph, and the choice of who runs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendError

__all__ = ["BACKENDS", "Graph", "Target", "load_graph", "parse_target"]

BACKENDS = ("auto", "onnxruntime", "tensorrt")
_MOST_THREADS = 1024
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


class Graph(Protocol):
    """A graph that is ready to run; safe to use from several threads."""

    @property
    def device(self) -> str:
        """Where it really runs: "cpu" or "cuda:N"."""

    @property
    def why(self) -> str:
        """Why it runs there."""

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Outputs by name; new arrays, the caller's own."""

    def close(self) -> None:
        """Free what it holds on the device."""


@dataclass(frozen=True)
class Target:
    """Where graphs are to run, as asked for.

    Attributes
    ----------
    backend : {"auto", "onnxruntime", "tensorrt"}
    device : str
        "auto", "cpu", "cuda" or "cuda:N".
    threads : int or None
        CPU threads of a graph; None leaves the choice to the runtime.
    """

    backend: str = "auto"
    device: str = "auto"
    threads: int | None = None

    @property
    def index(self) -> int:
        """Number of the GPU, 0 unless one was named."""
        return int(self.device.partition(":")[2] or 0)


def parse_target(backend: str, device: str, threads: int | None) -> Target:
    """Check what was asked for before anything is loaded.

    Raises
    ------
    BackendError
        For unknown backends or devices.
    """
    if backend not in BACKENDS:
        raise BackendError(f"unknown backend {backend!r}; use one of {', '.join(BACKENDS)}")
    if not isinstance(device, str) or not _DEVICE.fullmatch(device):
        raise BackendError(f"unknown device {device!r}; use 'auto', 'cpu', 'cuda' or 'cuda:N'")
    if backend == "tensorrt" and device == "cpu":
        raise BackendError(
            "TensorRT runs on GPUs only; use device='cuda', or backend='onnxruntime'"
        )
    if threads is not None and (
        isinstance(threads, bool)
        or not isinstance(threads, (int, np.integer))
        or not 1 <= threads <= _MOST_THREADS
    ):
        raise BackendError(
            f"threads must be a whole number of 1 to {_MOST_THREADS}, or None; got {threads!r}"
        )
    return Target(backend, device, None if threads is None else int(threads))


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
    from .onnx_runtime import OnnxRuntimeGraph

    return OnnxRuntimeGraph(content, target, name)
