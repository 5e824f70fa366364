"""How much error is allowed where: the one table of tolerances.

In float32 each graph brings its own tolerance with its bundle (``manifest.json``).
"""

from __future__ import annotations

__all__ = [
    "HALF_ON_DEVICE",
    "HALF_SIMULATED",
    "MAXIMUM_AB",
    "MAXIMUM_MEAN_AB",
    "MAXIMUM_PERCENTILE_AB",
    "MINIMUM_PSNR",
    "MINIMUM_PSNR_HALF",
]

HALF_ON_DEVICE = {"fp16": 0.02, "bf16": 0.15}
"""Of half precision's error on a device over the golden vectors, as a share of an output's largest
value. OpenVINO rounds what goes into a softmax, too."""

HALF_SIMULATED = {"fp16": 0.02, "bf16": 0.06}
"""The same simulated on the CPU, for graphs that engines are built from."""

MAXIMUM_MEAN_AB = 1.0
"""Mean distance in ab of whole pictures from those in float32."""

MAXIMUM_PERCENTILE_AB = 8.0
"""The same for 99.9 % of all pixels: what a person sees at a glance."""

MAXIMUM_AB = 60.0
"""The same for each pixel. Edges between colours of high chroma may move by a pixel."""

MINIMUM_PSNR, MINIMUM_PSNR_HALF = 40.0, 30.0
"""Decibels between a timed picture and the plain path's, in float32 and in half precision, where
single pixels of synthetic pictures may be off."""
