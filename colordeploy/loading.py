"""From a bundle and a target to a loader of the bundle's graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .bundle import Bundle
from .runtime.graph import Graph, Target

if TYPE_CHECKING:
    from .methods.method import GraphLoader

__all__ = ["graph_loader"]


def graph_loader(bundle: Bundle, target: Target) -> GraphLoader:
    """Load a bundle's graphs as a target says: as they are, in half precision, or as engines.

    Raises
    ------
    BackendError
        When the bundle's graphs cannot be run in the target's precision.
    """
    if target.precision != "auto":
        bundle.require_precision(target.precision)
    if target.runtime == "tensorrt":
        from .engines import load_engine  # imports more than most need

        return lambda name: load_engine(bundle, name, target)
    if target.runtime == "onnxruntime" and target.precision == "fp16":
        return lambda name: _load_halved(bundle, name, target)
    return lambda name: bundle.load(name, target)


def _load_halved(bundle: Bundle, name: str, target: Target) -> Graph:
    """A graph of which most is in float16, for ONNX Runtime on a GPU."""
    from .engines import load_halved

    return load_halved(bundle, name, target)
