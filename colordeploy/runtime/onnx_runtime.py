"""Graphs on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import onnxruntime as ort
from numpy.typing import NDArray

from ..errors import BackendError
from ..trace import span
from .graph import Target

__all__ = ["OnnxRuntimeGraph"]

_CUDA = "CUDAExecutionProvider"


class OnnxRuntimeGraph:
    """One session; see `colordeploy.runtime.Graph`."""

    def __init__(self, content: bytes, target: Target, name: str) -> None:
        self._name = name
        wants_cuda = target.device.startswith("cuda")
        has_cuda = _CUDA in ort.get_available_providers()
        if wants_cuda and not has_cuda:
            raise BackendError(
                f"device {target.device!r} was asked for, but this ONNX Runtime has no CUDA "
                "provider; install onnxruntime-gpu instead of onnxruntime, or use device='cpu'"
            )
        index = target.index
        providers: list[Any] = ["CPUExecutionProvider"]
        if has_cuda and target.device != "cpu":
            providers.insert(0, (_CUDA, {"device_id": index}))
        options = ort.SessionOptions()
        options.log_severity_level = 4  # errors reach the user as BackendError
        if target.threads is not None:
            options.intra_op_num_threads = target.threads
        try:
            self._session: Any = ort.InferenceSession(content, options, providers=providers)
        except Exception as error:  # ONNX Runtime's own exceptions share no public base class
            raise BackendError(f"ONNX Runtime cannot load graph {name!r}: {error}") from None
        # ONNX Runtime falls back in silence when a provider does not start.
        on_cuda = self._session.get_providers()[0] == _CUDA
        if wants_cuda and not on_cuda:
            self.close()
            raise BackendError(
                f"device {target.device!r} was asked for, but ONNX Runtime could not start its "
                "CUDA provider (driver or CUDA libraries missing); use device='cpu'"
            )
        self.device = f"cuda:{index}" if on_cuda else "cpu"
        self.why = _reason(target.device, has_cuda, on_cuda)
        self.precision = "fp16" if target.precision == "fp16" else "fp32"

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Outputs by name."""
        session = self._session
        if session is None:
            raise BackendError(f"graph {self._name!r} was closed; load the model again")
        names = [output.name for output in session.get_outputs()]
        try:
            with span(f"graph {self._name}"):
                return dict(zip(names, session.run(names, dict(inputs)), strict=True))
        except Exception as error:
            raise BackendError(f"graph {self._name!r} failed on {self.device}: {error}") from None

    def close(self) -> None:
        """Free the session."""
        self._session = None


def _reason(asked: str, has_cuda: bool, on_cuda: bool) -> str:
    if asked != "auto":
        return f"device {asked!r} was asked for"
    if on_cuda:
        return "this ONNX Runtime's CUDA provider started"
    if has_cuda:
        return "this ONNX Runtime's CUDA provider did not start (driver or CUDA libraries missing)"
    return "this ONNX Runtime has no CUDA provider"
