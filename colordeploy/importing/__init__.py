"""From somebody's ONNX file to a bundle: its interface described, probed and written down."""

from __future__ import annotations

from .described import Described
from .presets import PRESETS, Preset
from .write import import_network

__all__ = ["PRESETS", "Described", "Preset", "import_network"]
