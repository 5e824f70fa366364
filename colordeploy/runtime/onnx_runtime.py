"""Graphs on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, overload

import onnxruntime as ort
from numpy.typing import NDArray

from ..device_array import Array, DeviceArray
from ..errors import BackendError
from ..trace import span
from .driver import CudaDriver, open_driver
from .graph import Target, host_arrays
from .onnx_binding import BoundSession
from .providers import CPU, CUDA, TENSORRT

__all__ = ["OnnxRuntimeGraph"]

_WORDS = {CPU: "CPU", CUDA: "CUDA", TENSORRT: "TensorRT"}
_MISSING = {
    CUDA: "driver or CUDA libraries missing",
    TENSORRT: "driver, CUDA or TensorRT libraries missing",
}


class OnnxRuntimeGraph:
    """One session; see `colordeploy.runtime.Graph`."""

    def __init__(self, content: bytes, target: Target, name: str) -> None:
        self._name = name
        available = ort.get_available_providers()
        driver, stream = _own_stream(target, available)
        providers = target.options.to_providers(target.index, stream)
        if target.device == "cpu":
            providers = providers[-1:]
        wanted = [provider if isinstance(provider, str) else provider[0] for provider in providers]
        first = wanted[0]
        if target.device != "auto" and first not in available:
            raise BackendError(
                f"device {target.device!r} was asked for, but this ONNX Runtime has no "
                f"{_WORDS[first]} provider; install onnxruntime-gpu instead of onnxruntime, or "
                "use device='cpu'"
            )
        options = ort.SessionOptions()
        options.log_severity_level = 4  # errors reach the user as BackendError
        # Threads of a graph that has ended go on looking for work, which takes processors from what
        # runs next: the next graph, the solver.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        if target.threads is not None:
            options.intra_op_num_threads = target.threads
        usable = [p for p, n in zip(providers, wanted, strict=True) if n in available]
        try:
            self._session: Any = ort.InferenceSession(content, options, providers=usable)
        except Exception as error:  # ONNX Runtime's own exceptions share no public base class
            raise BackendError(f"ONNX Runtime cannot load graph {name!r}: {error}") from None
        # ONNX Runtime falls back in silence when a provider does not start.
        runs = self._session.get_providers()[0]
        if target.device != "auto" and runs != first:
            self.close()
            raise BackendError(
                f"device {target.device!r} was asked for, but ONNX Runtime could not start its "
                f"{_WORDS[first]} provider ({_MISSING.get(first, 'reason unknown')}) and took "
                f"{_WORDS.get(runs, runs)}; use device='cpu'"
                + (", or provider='cuda'" if first == TENSORRT else "")
            )
        self._bound: BoundSession | None = None
        self.device = "cpu"
        if runs in (CUDA, TENSORRT):
            self.device = f"cuda:{target.index}"
            self._bound = BoundSession(
                self._session,
                name,
                target.index,
                captures=bool(target.options.cuda_graph),
                stream=stream,
                driver=open_driver if driver is None else lambda: driver,
            )
        self.why = _reason(target, wanted, available, runs)
        self.precision = "fp16" if target.precision == "fp16" else "fp32"

    @overload
    def run(
        self, inputs: Mapping[str, Array], *, on_device: Literal[False] = False
    ) -> dict[str, NDArray[Any]]: ...

    @overload
    def run(
        self, inputs: Mapping[str, Array], *, on_device: Literal[True]
    ) -> dict[str, DeviceArray]: ...

    def run(self, inputs: Mapping[str, Array], *, on_device: bool = False) -> Any:
        """Outputs by name."""
        session, bound = self._session, self._bound
        if session is None:
            raise BackendError(f"graph {self._name!r} was closed; load the model again")
        try:
            with span(f"graph {self._name}"):
                if bound is not None:
                    return bound.run(inputs, on_device)
                given = host_arrays(inputs, on_device, self._name, self.device)
                names = [output.name for output in session.get_outputs()]
                return dict(zip(names, session.run(names, given), strict=True))
        except BackendError:
            raise
        except Exception as error:
            raise BackendError(f"graph {self._name!r} failed on {self.device}: {error}") from None

    def close(self) -> None:
        """Free the session; arrays on the GPU that were handed out keep what they need of it."""
        self._session = self._bound = None


def _own_stream(target: Target, available: Sequence[str]) -> tuple[CudaDriver | None, int | None]:
    """A stream for a graph that is to be timed on its GPU; none where it runs on the CPU."""
    if not target.options.timed or target.device == "cpu" or not {CUDA, TENSORRT} & set(available):
        return None, None
    try:
        driver = open_driver()
        with driver.current(target.index):
            return driver, driver.make_stream()
    except BackendError:  # no GPU: whether that is an error is said when the session is made
        return None, None


def _reason(target: Target, wanted: Sequence[str], available: Sequence[str], runs: str) -> str:
    if target.device != "auto":
        return f"device {target.device!r} was asked for"
    if wanted[0] == CPU:
        return "provider 'cpu' was asked for"
    reasons = []
    for provider in wanted:
        word = _WORDS[provider]
        if provider == runs:
            break
        if provider in available:
            missing = _MISSING[provider]
            reasons.append(f"this ONNX Runtime's {word} provider did not start ({missing})")
        else:
            reasons.append(f"this ONNX Runtime has no {word} provider")
    if runs != CPU:
        reasons.append(f"this ONNX Runtime's {_WORDS[runs]} provider started")
    return "; ".join(reasons)
