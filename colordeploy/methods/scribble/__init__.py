"""Colour from strokes: LGA-Net (``lga``) and its classical forerunner (``levin``).

``prepare`` computes what depends on the picture alone: luma, working size, affinities, the plan of
the system. ``render`` turns strokes into constraints at the working size, solves for the chroma and
brings it to the picture's own size along its luma edges.
"""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...pictures.strokes import Stroke
from ..method import Method
from .canvas import ScribbleCanvas
from .model import ScribbleModel, create_levin, create_lga

__all__ = ["METHODS", "ScribbleCanvas", "ScribbleModel"]

_GRID = 4  # example strokes a side


def _strokes(
    model: Any, canvas: Any, picture: NDArray[np.uint8], rng: np.random.Generator
) -> list[Stroke]:
    """A grid of short strokes of all hues."""
    height, width = picture.shape[:2]
    count = _GRID * _GRID
    strokes = []
    for i in range(count):
        y = (i // _GRID + 0.5) * height / _GRID
        x = (i % _GRID + 0.5) * width / _GRID
        strokes.append(_stroke(y, x, i * 5 % count / count, height, width))
    return strokes


def _one_more(
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


METHODS = (
    Method(
        name="levin",
        summary="strokes, by differences of luma only (Levin et al. 2004)",
        subject="photo",
        command="scribble",
        create=create_levin,
        example_guidance=_strokes,
        example_edit=_one_more,
        bundled=False,
    ),
    Method(
        name="lga",
        summary="strokes, by learned local and global affinities (LGA-Net, ICCV 2025)",
        subject="photo",
        command="scribble",
        create=create_lga,
        example_guidance=_strokes,
        example_edit=_one_more,
    ),
)
