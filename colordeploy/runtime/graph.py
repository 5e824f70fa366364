"""The protocol of a loaded graph, and the choice of who runs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendError
from .device_array import Array, DeviceArray
from .providers import ProviderOptions

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

    @overload
    def run(
        self, inputs: Mapping[str, Array], *, on_device: Literal[False] = False
    ) -> dict[str, NDArray[Any]]: ...

    @overload
    def run(
        self, inputs: Mapping[str, Array], *, on_device: Literal[True]
    ) -> dict[str, DeviceArray]: ...

    def run(self, inputs: Mapping[str, Array], *, on_device: bool = False) -> Any:
        """Outputs by name; new arrays, the caller's own.

        Graphs on a GPU take arrays of the host and of that GPU, mixed, and leave the outputs
        there with ``on_device``. A graph on the CPU refuses both with a BackendError.
        """

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
    options : ProviderOptions
        Of ONNX Runtime; of these TensorRT heeds `cuda_graph`.
    """

    backend: str = "auto"
    device: str = "auto"
    threads: int | None = None
    options: ProviderOptions = field(default_factory=ProviderOptions)

    @property
    def index(self) -> int:
        """Number of the GPU, 0 unless one was named."""
        return int(self.device.partition(":")[2] or 0)


def parse_target(
    backend: str, device: str, threads: int | None, options: ProviderOptions | None = None
) -> Target:
    """Check what was asked for before anything is loaded.

    Raises
    ------
    BackendError
        For unknown backends or devices, and for options that go with neither.
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
    options = ProviderOptions() if options is None else options
    _check_options(backend, device, options)
    return Target(backend, device, None if threads is None else int(threads), options)


def _check_options(backend: str, device: str, options: ProviderOptions) -> None:
    if not isinstance(options, ProviderOptions):
        raise BackendError(
            f"options are a colordeploy.runtime.ProviderOptions, not {type(options).__name__}"
        )
    if backend == "tensorrt" and replace(options, cuda_graph=None) != ProviderOptions():
        raise BackendError(
            "of the provider options backend='tensorrt' heeds cuda_graph only; the others belong "
            "to backend='onnxruntime'"
        )
    provider = options.provider
    if (device == "cpu" and provider in ("cuda", "tensorrt")) or (
        device.startswith("cuda") and provider == "cpu"
    ):
        raise BackendError(
            f"provider={provider!r} does not run on device={device!r}; leave one of them at 'auto'"
        )


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
