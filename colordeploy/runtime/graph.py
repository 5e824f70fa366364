"""The protocol of a loaded graph, and the choice of who runs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendError

__all__ = ["BACKENDS", "PRECISIONS", "Graph", "Target", "load_graph", "parse_target"]

BACKENDS = ("auto", "onnxruntime", "openvino", "tensorrt")
PRECISIONS = ("auto", "fp32", "fp16", "bf16", "int8")
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

    @property
    def precision(self) -> str:
        """What most of it is computed in: "fp32", "fp16" or "bf16"; "fp32" for INT8 graphs too,
        whose file says what is quantized.
        """

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Outputs by name; new arrays, the caller's own."""

    def close(self) -> None:
        """Free what it holds on the device."""


@dataclass(frozen=True)
class Target:
    """Where graphs are to run, as asked for.

    Attributes
    ----------
    backend : {"auto", "onnxruntime", "openvino", "tensorrt"}
    device : str
        "auto", "cpu", "cuda" or "cuda:N".
    threads : int or None
        CPU threads of a graph; None leaves the choice to the runtime.
    precision : {"auto", "fp32", "fp16", "bf16", "int8"}
        "auto" is that of the graph's file; of TensorRT engines the newest one's.
    """

    backend: str = "auto"
    device: str = "auto"
    threads: int | None = None
    precision: str = "auto"

    @property
    def runtime(self) -> str:
        """Who runs the graphs: the backend, or what "auto" stands for."""
        if self.backend != "auto":
            return self.backend
        on_cpu = not self.device.startswith("cuda")
        return "openvino" if self.precision == "bf16" and on_cpu else "onnxruntime"

    @property
    def index(self) -> int:
        """Number of the GPU, 0 unless one was named."""
        return int(self.device.partition(":")[2] or 0)


def parse_target(backend: str, device: str, threads: int | None, precision: str = "auto") -> Target:
    """Check what was asked for before anything is loaded.

    Raises
    ------
    BackendError
        For unknown backends, devices or precisions, and those that do not go together.
    """
    if backend not in BACKENDS:
        raise BackendError(f"unknown backend {backend!r}; use one of {', '.join(BACKENDS)}")
    if precision not in PRECISIONS:
        raise BackendError(f"unknown precision {precision!r}; use one of {', '.join(PRECISIONS)}")
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
    target = Target(backend, device, None if threads is None else int(threads), precision)
    _check_precision(target)
    return target


def _check_precision(target: Target) -> None:
    """What has kernels for a precision: BackendError that names who has."""
    if target.runtime == "openvino" and target.precision == "fp16":
        raise BackendError(
            "CPUs are slower in float16 than in float32; use precision='bf16', or a GPU"
        )
    if target.runtime == "onnxruntime" and target.precision in ("fp16", "bf16"):
        if target.precision == "bf16":
            raise BackendError(
                "ONNX Runtime does not run these graphs in bfloat16; use backend='openvino' on a "
                "CPU or 'tensorrt' on a GPU"
            )
        if not target.device.startswith("cuda"):
            raise BackendError(
                "ONNX Runtime has float16 on GPUs only; use device='cuda', or precision='bf16' "
                "with backend='openvino' on a CPU"
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
    if target.runtime == "openvino":
        from .open_vino import OpenVinoGraph

        return OpenVinoGraph(content, target, name)
    from .onnx_runtime import OnnxRuntimeGraph

    return OnnxRuntimeGraph(content, target, name)
