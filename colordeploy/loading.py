"""From a bundle and a target to a loader of the bundle's graphs."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from .bundle import CPU_BACKENDS, Bundle
from .cancellation import CancelToken
from .errors import BackendError
from .runtime.graph import Graph, Target, load_graph
from .runtime.onnx_import import import_onnxruntime
from .runtime.openvino_import import import_openvino
from .runtime.processor import has_vnni
from .runtime.providers import ProviderOptions

if TYPE_CHECKING:
    from .methods.method import GraphLoader

__all__ = ["graph_loader", "on_cpu"]

_CPU_BACKEND = "COLORDEPLOY_CPU_BACKEND"


def graph_loader(
    bundle: Bundle,
    target: Target,
    *,
    build: Literal["missing", "never", "always"] = "missing",
    progress: Callable[[float, str], None] | None = None,
    cancel: CancelToken | None = None,
) -> GraphLoader:
    """Load a bundle's graphs as a target says: as they are, in half precision, or as engines.

    Parameters
    ----------
    bundle : Bundle
    target : Target
    build : {"missing", "never", "always"}
        Whether TensorRT engines may be built.
    progress : callable, optional
        Called with the share done in [0, 1] and what is done, while engines are built.
    cancel : CancelToken, optional
        Ends such a build.

    Raises
    ------
    BackendError
        When the bundle's graphs cannot be run in the target's precision.
    """
    if target.precision != "auto":
        bundle.require_precision(target.precision)
    target = _favored(bundle, target)
    if target.runtime == "tensorrt":
        from .engines import EngineLoader  # imports more than most need

        return EngineLoader(bundle, target, build, progress=progress, cancel=cancel)
    if target.runtime == "onnxruntime" and target.precision == "fp16":
        return lambda name: _load_halved(bundle, name, target)
    return lambda name: bundle.load(name, target)


def _favored(bundle: Bundle, target: Target) -> Target:
    """On a CPU "auto" is the backend that the bundle was measured to be faster on, if it is there.

    `bench/backends.py` measures; docs/deploying.md says what was found. Beside PyTorch OpenVINO is
    not chosen: processes with both were killed now and then.
    """
    asked = target.backend != "auto" or target.precision not in ("auto", "fp32")
    if asked or target.options != ProviderOptions():
        return target
    named = os.environ.get(_CPU_BACKEND)
    if named and named not in CPU_BACKENDS:
        raise BackendError(
            f"{_CPU_BACKEND}={named!r} is no backend of CPUs; set it to one of "
            f"{', '.join(CPU_BACKENDS)}, or leave it out"
        )
    if (named or bundle.cpu_backend) != "openvino" or "torch" in sys.modules:
        return target
    if bundle.precision == "int8" and not has_vnni():  # OpenVINO would refuse it
        return target
    if not on_cpu(target.device) or not _has_openvino():
        return target
    why = f"{bundle.manifest.name} is faster on OpenVINO on CPUs, and it is installed"
    reason = f"{_CPU_BACKEND}=openvino" if named else why
    return replace(target, backend="openvino", reason=reason)


def _has_openvino() -> bool:
    if importlib.util.find_spec("openvino") is None:
        return False
    try:
        import_openvino()
    except BackendError:  # installed, but broken: nobody asked for it
        return False
    return True


def on_cpu(device: str) -> bool:
    """Whether a device is the CPU; "auto" is where ONNX Runtime has no GPU."""
    if device != "auto":
        return device == "cpu"
    return "CUDAExecutionProvider" not in import_onnxruntime().get_available_providers()


def _load_halved(bundle: Bundle, name: str, target: Target) -> Graph:
    """A graph of which most is in float16, for ONNX Runtime on a GPU."""
    content = bundle.graph_in(name, target.precision)
    return load_graph(content, target, f"{bundle.manifest.name}/{name}")
