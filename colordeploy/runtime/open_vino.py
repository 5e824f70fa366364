"""Graphs on OpenVINO: CPUs in float32, and in bfloat16 where they compute in it (AMX, AVX-512)."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..cancellation import CancelToken
from ..device_array import Array
from ..errors import BackendError, Cancelled
from .inputs import require_names
from .loaded import LoadedGraph
from .openvino_import import import_openvino
from .processor import has_vnni
from .target import Target
from .threads import graph_threads

__all__ = ["OpenVinoGraph", "has_bfloat16", "require_bfloat16"]

logger = logging.getLogger("colordeploy")

_CACHE = "COLORDEPLOY_OPENVINO_CACHE"
_POLL = 0.01  # seconds between looks at runs that are being cancelled
_MAXIMUM_IDLE = 4  # requests that are kept; each holds the memory of a run

Shapes = tuple[tuple[int, ...], ...]


class OpenVinoGraph(LoadedGraph):
    """One compiled model and a pool of requests; see `colordeploy.runtime.Graph`."""

    def __init__(self, content: bytes, target: Target, name: str) -> None:
        super().__init__(name)
        self._model: Any = None
        self._plain: Any = None
        self._compile: Any = None
        self._idle: list[Any] = []
        self._done: set[Shapes] = set()  # that the compiled model has served
        self._spoiled: set[Shapes] = set()
        self._failed = False
        self._lock = threading.Condition()
        self._running: list[CancelToken] = []
        core = import_openvino().Core()
        if target.device.startswith("cuda"):
            raise BackendError(
                f"device {target.device!r} was asked for, but OpenVINO has no NVIDIA GPUs; use "
                "backend='onnxruntime' or 'tensorrt', or device='cpu'"
            )
        half = target.precision == "bf16"
        if half:
            require_bfloat16(core)
        if b"DequantizeLinear" in content and not has_vnni():
            raise BackendError(
                f"graph {name!r} is in INT8, and OpenVINO's products of 8 bits overflow on this "
                "CPU, which has no VNNI; use backend='onnxruntime', or the bundle in float32"
            )
        threads = graph_threads(target.threads)
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,  # the threads of a host program stay where they are
        }
        folder = _cache_folder()
        if folder is not None:
            options["CACHE_DIR"] = str(folder)
        try:
            read = core.read_model(content)
            # By number from here on: a compiled port has the names of all that was fused into it.
            self._inputs = [port.any_name for port in read.inputs]
            self._outputs = [port.any_name for port in read.outputs]
            self._compile = partial(core.compile_model, read, "CPU", options)
            self._model = self._compile()
        except Exception as error:  # OpenVINO raises RuntimeError and its own
            raise BackendError(f"OpenVINO cannot load graph {name!r}: {error}") from None
        # With one thread OpenVINO (2026.4) loses what goes wrong, and leaves the result as it was:
        # there, shapes are tried on the model first.
        self._plain = read if threads == 1 else None
        self._known: set[Shapes] = set()
        self.device = "cpu"
        self.why = _reason(target)
        self.precision = "bf16" if half else "fp32"

    def _run(
        self, inputs: Mapping[str, Array], on_device: bool, cancel: CancelToken | None
    ) -> dict[str, Any]:
        arrays = self._refuse_gpu(inputs, on_device)
        require_names(inputs, dict.fromkeys(self._inputs), self.name)
        given = {i: np.ascontiguousarray(arrays[n]) for i, n in enumerate(self._inputs)}
        shapes = tuple(array.shape for array in given.values())
        with self._noted(cancel), self._request(shapes) as request:
            self._try_shapes(shapes)
            try:
                if cancel is None:
                    request.infer(given, share_inputs=True)
                else:
                    _infer(request, given, cancel)
                # The request's own memory, which its next query overwrites.
                return {
                    name: request.get_output_tensor(i).data.copy()
                    for i, name in enumerate(self._outputs)
                }
            except Exception:
                self._distrust(shapes, failed=cancel is None or not cancel.cancelled)
                raise

    def _close(self) -> None:
        """Free the model; queries that still run end first."""
        with self._lock:
            self._model = self._plain = self._compile = None
            self._idle = []

    def _foreign(self) -> list[Any]:
        return [self._model, self._plain, self._compile, self._idle]

    def _distrust(self, shapes: Shapes, *, failed: bool) -> None:
        """Note what the compiled model may not be used for any more.

        One that failed in the middle of a run (OpenVINO 2026.4) computes NaN from then on. After
        a run that was cancelled some nodes are still set to the shapes of a run before, and do
        not notice when these come again: results have wrong shapes, or NaN. Other shapes, and
        those of the cancelled run, are right.
        """
        with self._lock:
            self._failed = self._failed or failed
            self._spoiled |= self._done - {shapes}

    def _try_shapes(self, shapes: Shapes) -> None:
        """Raise what does not fit, once for each set of shapes."""
        if self._plain is None or shapes in self._known:
            return
        self._plain.clone().reshape({i: list(shape) for i, shape in enumerate(shapes)})
        self._known.add(shapes)

    @contextmanager
    def _noted(self, cancel: CancelToken | None) -> Iterator[None]:
        """Begin after runs that are being cancelled: what they leave behind is known then."""
        with self._lock:
            while any(token.cancelled for token in self._running):
                self._lock.wait(_POLL)
            if cancel is not None:
                self._running.append(cancel)
        try:
            yield
        finally:
            if cancel is not None:
                with self._lock:
                    self._running.remove(cancel)
                    self._lock.notify_all()

    @contextmanager
    def _request(self, shapes: Shapes) -> Iterator[Any]:
        """A request of the compiled model, which is compiled again where it is not trusted."""
        with self._lock:
            if self._model is not None and (self._failed or shapes in self._spoiled):
                self._model, self._idle = self._compile(), []
                self._done, self._spoiled, self._failed = set(), set(), False
            model = self._model
            request = self._idle.pop() if self._idle else None
        if model is None:
            raise self._closed()
        if request is None:
            request = model.create_infer_request()
        yield request  # one that failed is not used again
        with self._lock:
            if self._model is model:
                if len(self._idle) < _MAXIMUM_IDLE:
                    self._idle.append(request)
                self._done.add(shapes)


def _infer(request: Any, given: Mapping[int, Any], cancel: CancelToken) -> None:
    """Run a request that another thread may end."""
    request.start_async(given, share_inputs=True)  # what has not started cannot be ended
    try:
        with cancel.calling(request.cancel):
            request.wait()
    except Cancelled:  # before `wait` was reached
        request.cancel()
        with suppress(RuntimeError):
            request.wait()
        raise
    cancel.raise_if_cancelled()  # waiting may end as if nothing had happened, without results


def has_bfloat16(core: Any = None) -> bool:
    """Whether this CPU computes in bfloat16.

    Raises
    ------
    BackendError
        Without OpenVINO.
    """
    core = core or import_openvino().Core()
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def require_bfloat16(core: Any = None) -> None:
    """Refuse bfloat16 on a CPU that does not compute in it.

    Raises
    ------
    BackendError
        There, and without OpenVINO.
    """
    if not has_bfloat16(core):
        raise BackendError(
            "precision 'bf16' was asked for, but this CPU does not compute in bfloat16 (it "
            "needs AMX, AVX-512 BF16 or the like); use precision='fp32'"
        )


def _cache_folder() -> Path | None:
    """Where compiled models are kept: loading one takes a quarter of the time of compiling it.

    Only in a folder that the environment names: a library writes nowhere by itself.
    """
    named = os.environ.get(_CACHE)
    if not named:
        return None
    folder = Path(named)
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    # OpenVINO reads what is there and writes what is not, so it must be allowed to.
    if os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return folder
    logger.warning("%s=%s cannot be written; models are compiled at every start", _CACHE, named)
    return None


def _reason(target: Target) -> str:
    if target.reason:
        return target.reason
    if target.backend == "openvino":
        return "backend 'openvino' was asked for"
    return "precision 'bf16' was asked for, which OpenVINO computes on CPUs"
