"""Strokes: what a user draws, and the colour constraints it becomes at the working size."""

from __future__ import annotations

import logging
import math
import operator
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from ..errors import InputError
from ..native import (
    Dabs,
    Line,
    Marks,
    constrain_layer,
    constrain_lines,
    dabs_of_layer,
    dabs_of_lines,
    draw_lines,
)
from ..native.cancelling import Cancel
from .decoding import read_rgba

_FARTHEST = 1_000_000  # pixels
_log = logging.getLogger("colordeploy")

__all__ = [
    "Stroke",
    "StrokesLike",
    "constraints",
    "constraints_of",
    "dabs_of",
    "rasterize",
    "read_strokes",
]


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
        """Return the corners as whole (y, x) pixels."""
        try:
            corners = [(round(float(y)), round(float(x))) for y, x in self.points]
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
    return draw_lines(_lines_of(strokes), shape)


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
    if _is_list(strokes):
        lines = _lines_of(strokes)
        rgba = draw_lines(lines, shape)
        if not rgba[..., 3].any():
            raise _unmarked(lines, shape)
        return rgba
    rgba = _layer_of(strokes, shape)
    if not rgba[..., 3].any():
        raise _no_mark()
    return rgba


def constraints_of(
    strokes: StrokesLike,
    size: tuple[int, int],
    shape: tuple[int, int],
    *,
    required: bool = True,
    threads: int | None = None,
    cancel: Cancel = None,
) -> Marks:
    """Colour constraints at the working size of strokes in any accepted form.

    Strokes given as `Stroke` are never drawn at the picture's size.

    Parameters
    ----------
    strokes : (H, W, 4) uint8 RGBA, PIL image, path, or iterable of Stroke
    size : (H, W)
        Of the picture they belong to.
    shape : (h, w)
        Working size.
    required : bool
        False allows strokes without any mark.
    threads : int, optional
        By default as many as this process may use, eight at most.
    cancel : CancelToken or CancelFlag, optional

    Raises
    ------
    InputError
        For another size, a picture without transparency, or no mark at all where there must be.
    Cancelled
        When `cancel` was set before all is done.
    """
    if _is_list(strokes):
        lines = _lines_of(strokes)
        marks = constrain_lines(lines, size, shape, threads=threads, cancel=cancel)
        if marks.pixels == 0 and required:
            raise _unmarked(lines, size)
        _warn_of_outside(lines, size)
        return marks
    layer = _layer_of(strokes, size)
    marks = constrain_layer(layer, shape, threads=threads, cancel=cancel)
    if marks.pixels == 0 and required:
        raise _no_mark()
    return marks


def dabs_of(
    strokes: StrokesLike,
    size: tuple[int, int],
    *,
    required: bool = True,
    threads: int | None = None,
    cancel: Cancel = None,
) -> Dabs:
    """The coloured pixels of strokes in any accepted form, at the picture's own size.

    Parameters
    ----------
    strokes : (H, W, 4) uint8 RGBA, PIL image, path, or iterable of Stroke
    size : (H, W)
        Of the picture they belong to.
    required : bool
        False allows strokes without any mark.
    threads : int, optional
        By default as many as this process may use, eight at most.
    cancel : CancelToken or CancelFlag, optional

    Raises
    ------
    InputError
        For another size, a picture without transparency, or no mark at all where there must be.
    Cancelled
        When `cancel` was set before all is done.
    """
    if _is_list(strokes):
        lines = _lines_of(strokes)
        dabs = dabs_of_lines(lines, size, cancel=cancel)
        if not len(dabs.pixels) and required:
            raise _unmarked(lines, size)
        _warn_of_outside(lines, size)
        return dabs
    dabs = dabs_of_layer(_layer_of(strokes, size), threads=threads, cancel=cancel)
    if not len(dabs.pixels) and required:
        raise _no_mark()
    return dabs


def constraints(rgba: NDArray[np.uint8], shape: tuple[int, int]) -> Marks:
    """Reduce a layer of strokes (H, W, 4) to the working size; see `native.constrain_layer`."""
    return constrain_layer(rgba, shape)


def _is_list(strokes: StrokesLike) -> TypeGuard[Iterable[Stroke]]:
    forms = (str, os.PathLike, Image.Image, np.ndarray)
    return isinstance(strokes, Iterable) and not isinstance(strokes, forms)


def _lines_of(strokes: Iterable[Stroke]) -> list[Line]:
    lines = []
    for stroke in strokes:
        if not isinstance(stroke, Stroke):
            raise InputError(f"strokes must be Stroke objects, not {type(stroke).__name__}")
        lines.append(Line(stroke.corners(), stroke.rgb(), stroke.pixels_wide()))
    return lines


def _layer_of(strokes: StrokesLike, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The RGBA layer, of the picture's size."""
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
    return rgba


def _touches(line: Line, size: tuple[int, int]) -> bool:
    """Whether a line may reach into a picture of that size: its box does."""
    points, reach = np.asarray(line.points), line.width / 2
    low, high = points.min(axis=0) - reach, points.max(axis=0) + reach
    return bool((high >= 0).all() and (low <= np.asarray(size) - 1).all())


def _warn_of_outside(lines: list[Line], size: tuple[int, int]) -> None:
    outside = sum(not _touches(line, size) for line in lines)
    if outside:
        _log.warning(
            "%d of %d strokes lie outside of the picture (%dx%d pixels)",
            outside, len(lines), size[1], size[0],
        )  # fmt: skip


def _no_mark() -> InputError:
    return InputError(
        "strokes hold no mark: every pixel is transparent (alpha 0) or too faint to be seen"
    )


def _unmarked(lines: list[Line], size: tuple[int, int]) -> InputError:
    if not lines:
        return InputError("strokes hold no mark: the list is empty")
    return InputError(
        f"strokes hold no mark: all of them lie outside of the picture, which is {size[1]}x"
        f"{size[0]} pixels; points are (y, x) in its pixels"
    )


def _layer(strokes: Image.Image | str | os.PathLike[str], name: str) -> NDArray[np.uint8]:
    rgba = read_rgba(strokes, name)
    if rgba is None:
        raise InputError(
            f"{name} has no transparency; marks are the opaque pixels, so save it as an RGBA PNG"
        )
    return rgba
