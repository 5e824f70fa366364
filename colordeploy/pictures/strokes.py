"""Strokes: what a user draws, and the colour constraints it becomes at the working size."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw

from ..errors import InputError
from .color import chroma_of
from .decoding import read_rgba

_FARTHEST = 1_000_000  # pixels; Pillow loses count far beyond

__all__ = ["Constraints", "Stroke", "StrokesLike", "constraints", "rasterize", "read_strokes"]


@dataclass(frozen=True)
class Stroke:
    """One stroke of a single colour.

    Attributes
    ----------
    points : sequence of (y, x)
        The line's corners in image pixels; pixel centres are at whole numbers. One point is a dot.
    color : (r, g, b) in 0..255, or a CSS colour such as "#c03028" or "teal"
    width : float
        Width in pixels, at least 1.
    """

    points: Sequence[tuple[float, float]]
    color: tuple[int, int, int] | str
    width: float = 3.0

    def rgb(self) -> tuple[int, int, int]:
        """Return the colour as three integers in 0..255."""
        if isinstance(self.color, str):
            try:
                return ImageColor.getrgb(self.color)[:3]
            except ValueError:
                raise InputError(
                    f"unknown stroke colour {self.color!r}; use (r, g, b) or a CSS colour such as "
                    "'#c03028'"
                ) from None
        try:
            r, g, b = (operator.index(channel) for channel in self.color)
        except (TypeError, ValueError):
            r = g = b = -1
        if min(r, g, b) < 0 or max(r, g, b) > 255:
            raise InputError(
                f"a stroke colour is three whole numbers in 0..255 or a CSS colour, not "
                f"{self.color!r}"
            )
        return r, g, b

    def corners(self) -> list[tuple[int, int]]:
        """Return the corners as whole (x, y) pixels."""
        try:
            corners = [(round(float(x)), round(float(y))) for y, x in self.points]
        except (TypeError, ValueError, OverflowError):
            corners = []
        if not corners or max(abs(v) for corner in corners for v in corner) > _FARTHEST:
            raise InputError(
                "a stroke needs at least one point, and points are (y, x) pairs of finite pixel "
                f"coordinates up to {_FARTHEST}; got {self.points!r:.80}"
            )
        return corners

    def pixels_wide(self) -> float:
        """Return the width, checked."""
        try:
            width = float(self.width)
        except (TypeError, ValueError):
            width = math.nan
        if not 1 <= width <= _FARTHEST:
            raise InputError(f"a stroke's width must be 1 to {_FARTHEST} pixels, not {self.width}")
        return width


StrokesLike: TypeAlias = (
    "NDArray[np.uint8] | Image.Image | str | os.PathLike[str] | Iterable[Stroke]"
)


@dataclass(frozen=True)
class Constraints:
    """Colour constraints at the working size.

    Attributes
    ----------
    mask : (h, w) bool
        Pixels that a stroke touches.
    chroma : (h, w, 2) float64
        Their (U, V); 0 elsewhere.
    """

    mask: NDArray[np.bool_]
    chroma: NDArray[np.float64]


def rasterize(strokes: Iterable[Stroke], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw strokes, later ones on top, without antialiasing (a mark is one colour).

    Parameters
    ----------
    strokes : iterable of Stroke
    shape : (H, W)

    Returns
    -------
    (H, W, 4) uint8 RGBA, alpha 255 on the strokes and 0 elsewhere
    """
    picture = Image.new("RGBA", (shape[1], shape[0]), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    for stroke in strokes:
        if not isinstance(stroke, Stroke):
            raise InputError(f"strokes must be Stroke objects, not {type(stroke).__name__}")
        points, width = stroke.corners(), stroke.pixels_wide()
        fill = (*stroke.rgb(), 255)
        if len(points) > 1:
            draw.line(points, fill=fill, width=round(width))
        radius = (width - 1) / 2
        for x, y in points:  # round joints and ends
            if radius < 0.5:  # Pillow draws nothing for an ellipse this small
                draw.point((x, y), fill=fill)
            else:
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
    return np.array(picture, dtype=np.uint8)


def read_strokes(strokes: StrokesLike, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Strokes in any accepted form as an RGBA picture of the image's size.

    Parameters
    ----------
    strokes : (H, W, 4) uint8 RGBA, PIL image, path, or iterable of Stroke
    shape : (H, W)
        Size of the picture they belong to.

    Raises
    ------
    InputError
        For another size, a picture without transparency, or no mark at all.
    """
    if isinstance(strokes, (str, os.PathLike)):
        rgba = _layer(strokes, f"strokes file {os.fspath(strokes)}")
    elif isinstance(strokes, Image.Image):
        rgba = _layer(strokes, "strokes picture")
    elif isinstance(strokes, np.ndarray):
        if strokes.dtype != np.uint8 or strokes.ndim != 3 or strokes.shape[2] != 4:
            raise InputError(
                "strokes must be an (H, W, 4) uint8 RGBA array, not shape "
                f"{strokes.shape} of {strokes.dtype}"
            )
        rgba = strokes
    elif isinstance(strokes, Iterable):
        rgba = rasterize(strokes, shape)
    else:
        raise InputError(
            "strokes must be an RGBA array, a picture, a path or a list of Stroke, not "
            f"{type(strokes).__name__}"
        )
    if rgba.shape[:2] != tuple(shape):
        raise InputError(
            f"strokes are {rgba.shape[1]}x{rgba.shape[0]} pixels, but the picture is "
            f"{shape[1]}x{shape[0]}; draw them on a layer of the picture's size"
        )
    if not rgba[..., 3].any():
        raise InputError("strokes hold no mark: every pixel is transparent (alpha 0)")
    return rgba


def constraints(rgba: NDArray[np.uint8], shape: tuple[int, int]) -> Constraints:
    """Reduce strokes to the working size.

    A working pixel is marked when any part of a stroke falls into it, however thin; its chroma is
    the average over that part, weighted by alpha.

    Parameters
    ----------
    rgba : (H, W, 4) uint8 RGBA with at least one mark
    shape : (h, w)
        Working size, not larger than (H, W).
    """
    height, width = rgba.shape[:2]
    y, x = np.divmod(np.flatnonzero(rgba[..., 3] > 0), width)  # np.nonzero takes ten times as long
    marked = rgba[y, x].astype(np.float32) / 255.0
    weight = marked[:, 3].astype(np.float64)
    cell = (y * shape[0] // height) * shape[1] + x * shape[1] // width
    chroma = chroma_of(marked[:, :3])
    cells = shape[0] * shape[1]
    total = np.bincount(cell, weight, cells)
    mask = total > 0
    mean = np.stack(
        [
            np.bincount(cell, weight * chroma[:, c], cells) / np.where(mask, total, 1.0)
            for c in (0, 1)
        ],
        axis=-1,
    )
    return Constraints(mask.reshape(shape), mean.reshape(*shape, 2))


def _layer(strokes: Image.Image | str | os.PathLike[str], name: str) -> NDArray[np.uint8]:
    rgba = read_rgba(strokes, name)
    if rgba is None:
        raise InputError(
            f"{name} has no transparency; marks are the opaque pixels, so save it as an RGBA PNG"
        )
    return rgba
