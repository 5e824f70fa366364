"""From somebody's ONNX file to a bundle: its interface described, probed and written down."""

from __future__ import annotations

from .presets import PRESETS, Preset
from .write import Described, import_network

__all__ = ["PRESETS", "Described", "Preset", "import_network"]
