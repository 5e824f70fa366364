"""Strokes as a user of some picture would give them, to measure and check models with."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...pictures.strokes import Stroke

__all__ = ["one_more", "strokes"]

_GRID = 4  # example strokes a side


def strokes(
    model: Any, canvas: Any, picture: NDArray[np.uint8], rng: np.random.Generator
) -> list[Stroke]:
    """A grid of short strokes of all hues."""
    height, width = picture.shape[:2]
    count = _GRID * _GRID
    made = []
    for i in range(count):
        y = (i // _GRID + 0.5) * height / _GRID
        x = (i % _GRID + 0.5) * width / _GRID
        made.append(_stroke(y, x, i * 5 % count / count, height, width))
    return made


def one_more(
    model: Any,
    canvas: Any,
    picture: NDArray[np.uint8],
    rng: np.random.Generator,
    before: list[Stroke],
) -> list[Stroke]:
    """A stroke is added at a random place."""
    height, width = picture.shape[:2]
    y, x = rng.random(2) * (height * 0.9, width * 0.8)
    return [*before, _stroke(y, x, rng.random(), height, width)]


def _stroke(y: float, x: float, hue: float, height: int, width: int) -> Stroke:
    red, green, blue = (int(255 * value) for value in colorsys.hsv_to_rgb(hue, 0.7, 0.8))
    color = f"#{red:02x}{green:02x}{blue:02x}"
    return Stroke([(y, x), (y, x + width / 50)], color, max(1, height // 100))
