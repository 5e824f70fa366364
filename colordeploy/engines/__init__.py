"""TensorRT engines of a bundle: for which shapes and GPUs, in which precision, built and loaded."""

from __future__ import annotations

from .build import build_engines
from .load import EngineLoader
from .shapes import Sizes, default_sizes, extent

__all__ = [
    "EngineLoader",
    "Sizes",
    "build_engines",
    "default_sizes",
    "extent",
]
