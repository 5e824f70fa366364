"""From a bundle and a target to a loader of the bundle's graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from .bundle import Bundle
from .cancellation import CancelToken
from .runtime.graph import Graph, Target, load_graph

if TYPE_CHECKING:
    from .methods.method import GraphLoader

__all__ = ["graph_loader"]


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
    if target.runtime == "tensorrt":
        from .engines import EngineLoader  # imports more than most need

        return EngineLoader(bundle, target, build, progress=progress, cancel=cancel)
    if target.runtime == "onnxruntime" and target.precision == "fp16":
        return lambda name: _load_halved(bundle, name, target)
    return lambda name: bundle.load(name, target)


def _load_halved(bundle: Bundle, name: str, target: Target) -> Graph:
    """A graph of which most is in float16, for ONNX Runtime on a GPU."""
    content = bundle.graph_in(name, target.precision)
    return load_graph(content, target, f"{bundle.manifest.name}/{name}")
