"""The protocol of a loaded graph, and the choice of who runs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from ..device_array import Array, DeviceArray, is_device_array
from ..errors import BackendError
from .providers import ProviderOptions

__all__ = [
    "BACKENDS",
    "PRECISIONS",
    "Graph",
    "Target",
    "host_arrays",
    "load_graph",
    "parse_target",
]

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
    backend : {"auto", "onnxruntime", "openvino", "tensorrt"}
    device : str
        "auto", "cpu", "cuda" or "cuda:N".
    threads : int or None
        CPU threads of a graph; None leaves the choice to the runtime.
    precision : {"auto", "fp32", "fp16", "bf16", "int8"}
        "auto" is that of the graph's file; of TensorRT engines the newest one's.
    options : ProviderOptions
        Of ONNX Runtime; of these TensorRT heeds `cuda_graph`.
    """

    backend: str = "auto"
    device: str = "auto"
    threads: int | None = None
    precision: str = "auto"
    options: ProviderOptions = field(default_factory=ProviderOptions)

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


def parse_target(
    backend: str,
    device: str,
    threads: int | None,
    precision: str = "auto",
    options: ProviderOptions | None = None,
) -> Target:
    """Check what was asked for before anything is loaded.

    Raises
    ------
    BackendError
        For unknown backends, devices, precisions or options, and what does not go together.
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
    options = ProviderOptions() if options is None else options
    _check_options(backend, device, options)
    workers = None if threads is None else int(threads)
    target = Target(backend, device, workers, precision, options)
    _check_precision(target)
    return target


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


def host_arrays(
    inputs: Mapping[str, Array], on_device: bool, graph: str, device: str
) -> dict[str, NDArray[Any]]:
    """The inputs of a graph that runs on the CPU.

    Raises
    ------
    BackendError
        When one of them is on a GPU, or the outputs are wanted there.
    """
    if on_device:
        raise BackendError(
            f"graph {graph!r} runs on {device}, so its outputs cannot stay on a GPU; leave "
            "on_device out, or load the model with device='cuda'"
        )
    for name, array in inputs.items():
        if is_device_array(array):
            raise BackendError(
                f"graph {graph!r} runs on {device}, but {name!r} is on a GPU; fetch it first "
                "(DeviceArray: x.numpy(), torch: x.cpu().numpy(), CuPy: x.get()), or load the "
                "model with device='cuda'"
            )
    return dict(inputs)  # type: ignore[arg-type]
