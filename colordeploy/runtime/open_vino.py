"""Graphs on OpenVINO: CPUs in float32, and in bfloat16 where they compute in it (AMX, AVX-512)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from ..device_array import Array, DeviceArray
from ..errors import BackendError
from ..trace import span
from .graph import Target, host_arrays

__all__ = ["OpenVinoGraph", "has_bfloat16"]


class OpenVinoGraph:
    """One compiled model and a pool of requests; see `colordeploy.runtime.Graph`."""

    def __init__(self, content: bytes, target: Target, name: str) -> None:
        self._name = name
        core = _core()
        if target.device.startswith("cuda"):
            raise BackendError(
                f"device {target.device!r} was asked for, but OpenVINO has no NVIDIA GPUs; use "
                "backend='onnxruntime' or 'tensorrt', or device='cpu'"
            )
        half = target.precision == "bf16"
        if half and not has_bfloat16(core):
            raise BackendError(
                "precision 'bf16' was asked for, but this CPU does not compute in bfloat16 (it "
                "needs AMX, AVX-512 BF16 or the like); use precision='fp32'"
            )
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,  # the threads of a host program stay where they are
        }
        if target.threads is not None:
            options["INFERENCE_NUM_THREADS"] = target.threads
        try:
            read = core.read_model(content)
            # By number from here on: a compiled port has the names of all that was fused into it.
            self._inputs = [port.any_name for port in read.inputs]
            self._outputs = [port.any_name for port in read.outputs]
            self._model: Any = core.compile_model(read, "CPU", options)
        except Exception as error:  # OpenVINO raises RuntimeError and its own
            raise BackendError(f"OpenVINO cannot load graph {name!r}: {error}") from None
        # With one thread OpenVINO (2026.4) loses what goes wrong, and leaves the result as it was:
        # there, shapes are tried on the model first.
        self._plain = read if target.threads == 1 else None
        self._known: set[tuple[tuple[int, ...], ...]] = set()
        self._idle: list[Any] = []
        self._lock = threading.Lock()
        self.device = "cpu"
        self.why = _reason(target)
        self.precision = "bf16" if half else "fp32"

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
        arrays = host_arrays(inputs, on_device, self._name, self.device)
        with self._request() as request:
            if set(inputs) != set(self._inputs):
                raise BackendError(
                    f"graph {self._name!r} takes {', '.join(sorted(self._inputs))}, not "
                    f"{', '.join(sorted(inputs)) or 'nothing'}"
                )
            given = {i: np.ascontiguousarray(arrays[n]) for i, n in enumerate(self._inputs)}
            try:
                with span(f"graph {self._name}"):
                    self._try_shapes(tuple(given[i].shape for i in sorted(given)))
                    request.infer(given, share_inputs=True)
                    # The request's own memory, which its next query overwrites.
                    return {
                        name: request.get_output_tensor(i).data.copy()
                        for i, name in enumerate(self._outputs)
                    }
            except Exception as error:
                raise BackendError(f"graph {self._name!r} failed on OpenVINO: {error}") from None

    def close(self) -> None:
        """Free the model; queries that still run end first."""
        with self._lock:
            self._model = self._plain = None
            self._idle = []

    def _try_shapes(self, shapes: tuple[tuple[int, ...], ...]) -> None:
        """Raise what does not fit, once for each set of shapes."""
        if self._plain is None or shapes in self._known:
            return
        self._plain.clone().reshape({i: list(shape) for i, shape in enumerate(shapes)})
        self._known.add(shapes)

    @contextmanager
    def _request(self) -> Iterator[Any]:
        with self._lock:
            model = self._model
            request = self._idle.pop() if self._idle else None
        if model is None:
            raise BackendError(f"graph {self._name!r} was closed; load the model again")
        if request is None:
            request = model.create_infer_request()
        yield request  # one that failed is not used again
        with self._lock:
            if self._model is not None:
                self._idle.append(request)


def has_bfloat16(core: Any = None) -> bool:
    """Whether this CPU computes in bfloat16.

    Raises
    ------
    BackendError
        Without OpenVINO.
    """
    core = core or _core()
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _core() -> Any:
    try:
        import openvino
    except ImportError:
        raise BackendError(
            "OpenVINO was asked for (backend 'openvino', or bfloat16 on a CPU), but is not "
            "installed; pip install 'colordeploy[openvino]', or use backend='onnxruntime'"
        ) from None
    return openvino.Core()


def _reason(target: Target) -> str:
    if target.backend == "openvino":
        return "backend 'openvino' was asked for"
    return "precision 'bf16' was asked for, which OpenVINO computes on CPUs"
