"""TensorRT and TensorRT for RTX: building, keeping and running engines."""

from __future__ import annotations
