"""Where graphs are to run, as asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import BackendError
from .providers import ProviderOptions

__all__ = ["BACKENDS", "PRECISIONS", "Target", "parse_target"]

BACKENDS = ("auto", "onnxruntime", "openvino", "tensorrt")
PRECISIONS = ("auto", "fp32", "fp16", "bf16", "int8")
_MAXIMUM_THREADS = 1024
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


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
        "auto" is that of the graph's file.
    options : ProviderOptions
        Of ONNX Runtime; of these TensorRT heeds `cuda_graph`.
    reason : str
        Why the backend was chosen, where it was not asked for.
    """

    backend: str = "auto"
    device: str = "auto"
    threads: int | None = None
    precision: str = "auto"
    options: ProviderOptions = field(default_factory=ProviderOptions)
    reason: str = ""

    @property
    def runtime(self) -> str:
        """The backend that computes the graphs, or what "auto" stands for."""
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
        or not 1 <= threads <= _MAXIMUM_THREADS
    ):
        raise BackendError(
            f"threads must be a whole number of 1 to {_MAXIMUM_THREADS}, or None; got {threads!r}"
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
