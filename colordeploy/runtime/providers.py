"""What ONNX Runtime's providers are told, in one place and under plain names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from ..errors import BackendError

__all__ = ["CPU", "CUDA", "TENSORRT", "ProviderOptions"]

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
_PROVIDERS = ("auto", "cpu", "cuda", "tensorrt")
_SEARCHES = ("default", "heuristic", "exhaustive")


@dataclass(frozen=True)
class ProviderOptions:
    """How ONNX Runtime runs graphs.

    Attributes
    ----------
    provider : {"auto", "cpu", "cuda", "tensorrt"}
        "auto" follows the device: CUDA on a GPU.
    memory_limit : int, optional
        Most bytes of ONNX Runtime's arena on the GPU; what cuDNN and TensorRT need comes on top.
    cudnn_search : {"exhaustive", "heuristic", "default"}
        How cuDNN's convolutions are chosen; "exhaustive", which is ONNX Runtime's own, times all
        of them when a size is seen first.
    tf32 : bool
        Let the CUDA provider round the factors of float32 products to 10 bits.
    cuda_graph : bool, optional
        Capture graphs and launch the captures. None: with backend="tensorrt" yes, with ONNX
        Runtime no; there the CUDA provider alone can, and every node must run on the GPU.
    engine_cache : path, optional
        Folder in which the TensorRT provider keeps its engines; None: they are built at every
        start.
    fp16 : bool
        Let the TensorRT provider compute in half precision where it is faster. The result is not
        checked against float32.
    workspace : int, optional
        Most bytes of scratch memory for TensorRT.
    timed : bool
        Run on a stream of our own, so that `colordeploy bench` can tell the time on the device;
        threads take turns then.

    Raises
    ------
    BackendError
        For values that are not allowed, and options of another provider.
    """

    provider: str = "auto"
    memory_limit: int | None = None
    cudnn_search: str = "exhaustive"
    tf32: bool = False
    cuda_graph: bool | None = None
    engine_cache: str | os.PathLike[str] | None = None
    fp16: bool = False
    workspace: int | None = None
    timed: bool = False

    def __post_init__(self) -> None:
        _one_of("provider", self.provider, _PROVIDERS)
        _one_of("cudnn_search", self.cudnn_search, _SEARCHES)
        for name in ("memory_limit", "workspace"):
            size = getattr(self, name)
            if size is not None and (isinstance(size, bool) or not isinstance(size, int)):
                raise BackendError(f"{name} is a whole number of bytes, or None; not {size!r}")
            if size is not None and size < 1 << 20:
                raise BackendError(f"{name} is in bytes, and at least 1 MiB (2**20); not {size}")
        for name in ("tf32", "fp16", "cuda_graph", "timed"):
            value = getattr(self, name)
            if not isinstance(value, bool) and not (value is None and name == "cuda_graph"):
                raise BackendError(f"{name} is True or False, not {value!r}")
        if self.engine_cache is not None and not isinstance(self.engine_cache, (str, os.PathLike)):
            raise BackendError(f"engine_cache is a folder, not {self.engine_cache!r}")
        self._check_applicable()

    def _check_applicable(self) -> None:
        """Refuse options that the provider would ignore."""
        for name in ("engine_cache", "fp16", "workspace"):
            if getattr(self, name) and self.provider != "tensorrt":
                raise BackendError(
                    f"{name} is an option of the TensorRT provider; give provider='tensorrt' too"
                )
        for name in ("memory_limit", "tf32", "cuda_graph", "timed"):
            if getattr(self, name) and self.provider == "cpu":
                raise BackendError(f"{name} is an option for GPUs, but provider is 'cpu'")
        if self.cuda_graph and self.provider == "tensorrt":
            # It keeps one capture with its sizes and addresses, and replays it for any other.
            raise BackendError(
                "cuda_graph does not go with ONNX Runtime's TensorRT provider, which can replay "
                "one size only; use provider='cuda', or backend='tensorrt', which captures itself"
            )

    def to_providers(self, device_index: int, stream: int | None = None) -> list[Any]:
        """ONNX Runtime's list of providers, the one that is wanted first.

        Parameters
        ----------
        device_index : int
            Number of the GPU.
        stream : int, optional
            Handle of the stream to run on; by default the provider makes its own.
        """
        if self.provider == "cpu":
            return [CPU]
        cuda = {
            "device_id": str(device_index),
            "cudnn_conv_algo_search": self.cudnn_search.upper(),
            "use_tf32": _flag(self.tf32),
            "enable_cuda_graph": _flag(bool(self.cuda_graph)),
        }
        if self.memory_limit is not None:
            cuda["gpu_mem_limit"] = str(self.memory_limit)
        own = {} if stream is None else {"user_compute_stream": str(stream)}
        cuda |= own
        if self.provider != "tensorrt":
            return [(CUDA, cuda), CPU]
        tensorrt = {
            "device_id": str(device_index),
            "trt_fp16_enable": _flag(self.fp16),
            **own,
        }
        if self.workspace is not None:
            tensorrt["trt_max_workspace_size"] = str(self.workspace)
        if self.engine_cache is not None:
            tensorrt["trt_engine_cache_enable"] = "1"
            tensorrt["trt_engine_cache_path"] = os.fspath(self.engine_cache)
        return [(TENSORRT, tensorrt), (CUDA, cuda), CPU]


def _flag(value: bool) -> str:
    return "1" if value else "0"


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise BackendError(f"unknown {name} {value!r}; use one of {', '.join(allowed)}")
