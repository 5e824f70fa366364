"""Strokes to colour constraints at a working size, without a full-size picture between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from . import _core
from .cancelling import Cancel, stoppable
from .checks import any_array, thread_count, whole_number
from .output import walkable

__all__ = [
    "Dabs",
    "Line",
    "Marks",
    "constrain_layer",
    "constrain_lines",
    "dabs_of_layer",
    "dabs_of_lines",
    "draw_lines",
    "marked_pixels",
]

_FARTHEST = 1e6  # pixels


@dataclass(frozen=True)
class Line:
    """A polyline of one colour, with round ends and joints.

    Its pixels are those whose distance from it is at most half the width; an even width lies
    between pixels, half a pixel up and to the left.

    Attributes
    ----------
    points : (n, 2) real
        y and x of the corners; pixel centres are at whole numbers. One point is a dot.
    rgb : (r, g, b) in 0..255
    width : float
        At least 1.
    """

    points: Any
    rgb: tuple[int, int, int]
    width: float


@dataclass(frozen=True, eq=False)
class Marks:
    """Constraints at a working size.

    Attributes
    ----------
    mask : (h, w) bool
        Working pixels that a mark falls into.
    chroma : (h, w, 2) float64
        U and V of BT.601 of the marks there, their mean weighted by alpha; 0 elsewhere.
    pixels : int
        Marked pixels of the picture.
    """

    mask: NDArray[np.bool_]
    chroma: NDArray[np.float64]
    pixels: int


@dataclass(frozen=True, eq=False)
class Dabs:
    """The coloured pixels of strokes, in reading order.

    Attributes
    ----------
    pixels : (n,) int64
        Their places, ``y * W + x``.
    rgb : (n, 3) uint8
        Their colours, not multiplied by alpha.
    dabs : (n,) int32
        Which dab each belongs to: connected pixels (eight neighbours) of one colour.
    """

    pixels: NDArray[np.int64]
    rgb: NDArray[np.uint8]
    dabs: NDArray[np.int32]


def constrain_layer(
    layer: NDArray[np.uint8],
    shape: tuple[int, int],
    *,
    threads: int | None = None,
    cancel: Cancel = None,
) -> Marks:
    """Reduce a layer of strokes to a working size.

    A pixel is a mark where its alpha is at least half of the largest of its own stroke: of all
    that is connected with it (eight neighbours) through pixels of at least half its alpha. So soft
    and premultiplied rims carry no colour, pale brushes mark, and a faint veil over everything
    joins nothing. Alpha below 4 of 255 is invisible. Where no visible pixel is lighter than its
    alpha, rims included, colours are taken to be multiplied by alpha, and divided by it.

    Parameters
    ----------
    layer : (H, W, 4) uint8
        RGBA, of any strides.
    shape : (h, w)
        A larger one than (H, W) repeats the marks of the layer's pixels.
    threads : int, optional
        By default as many as this process may use, eight at most; the result is the same.
    cancel : CancelToken or CancelFlag, optional

    Returns
    -------
    Marks
        Of no pixel, where the layer has none.

    Raises
    ------
    InputError
        For other shapes and types.
    Cancelled
        When `cancel` was set before all is done.
    """
    rgba = _layer(layer)
    rows, columns = _working(shape)
    with stoppable(cancel) as flag:
        return Marks(*_core.constrain_layer(rgba, rows, columns, thread_count(threads), flag))


def constrain_lines(
    lines: Sequence[Line],
    size: tuple[int, int],
    shape: tuple[int, int],
    *,
    threads: int | None = None,
    cancel: Cancel = None,
) -> Marks:
    """Reduce lines on a picture of the size (H, W), later ones over earlier ones.

    As `constrain_layer` of what `draw_lines` draws, without drawing it.

    Raises
    ------
    InputError
        For wrong lines and sizes.
    Cancelled
        When `cancel` was set before all is done.
    """
    given = [_given(line) for line in lines]
    rows, columns = _working(shape)
    with stoppable(cancel) as flag:
        return Marks(
            *_core.constrain_lines(
                given, size[0], size[1], rows, columns, thread_count(threads), flag
            )
        )


def dabs_of_layer(
    layer: NDArray[np.uint8], *, threads: int | None = None, cancel: Cancel = None
) -> Dabs:
    """The marks of a layer (H, W, 4) at its own size, by the rule of `constrain_layer`.

    Raises
    ------
    InputError
        For other shapes and types.
    Cancelled
        When `cancel` was set before all is done.
    """
    rgba = _layer(layer)
    with stoppable(cancel) as flag:
        return Dabs(*_core.dabs_of_layer(rgba, thread_count(threads), flag))


def dabs_of_lines(lines: Sequence[Line], size: tuple[int, int], *, cancel: Cancel = None) -> Dabs:
    """As `dabs_of_layer` of what `draw_lines` draws, without drawing it.

    Raises
    ------
    InputError
        For wrong lines and sizes.
    Cancelled
        When `cancel` was set before all is done.
    """
    given = [_given(line) for line in lines]
    with stoppable(cancel) as flag:
        return Dabs(*_core.dabs_of_lines(given, size[0], size[1], flag))


def draw_lines(lines: Sequence[Line], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw lines on an empty layer: (H, W, 4) uint8 RGBA, alpha 255 on them and 0 elsewhere."""
    height, width = whole_number("height", size[0]), whole_number("width", size[1])
    if height < 1 or width < 1:
        raise InputError(f"a layer must be at least 1 x 1, not {height} x {width}")
    return _core.draw_lines([_given(line) for line in lines], height, width)


def marked_pixels(
    layer: NDArray[np.uint8], *, threads: int | None = None, cancel: Cancel = None
) -> NDArray[np.bool_]:
    """Which pixels of a layer (H, W, 4) are marks, by the rule of `constrain_layer`: (H, W)."""
    with stoppable(cancel) as flag:
        return _core.marked_pixels(_layer(layer), thread_count(threads), flag)


def _layer(layer: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rgba = any_array("layer", layer)
    if rgba.dtype != np.uint8 or rgba.ndim != 3 or rgba.shape[2] != 4 or rgba.size == 0:
        raise InputError(
            f"a layer must be (H, W, 4) uint8 RGBA, not empty, not {rgba.shape} of {rgba.dtype}"
        )
    return walkable(rgba)


def _working(shape: tuple[int, int]) -> tuple[int, int]:
    rows, columns = whole_number("height", shape[0]), whole_number("width", shape[1])
    if rows < 1 or columns < 1:
        raise InputError(f"the working size must be at least 1 x 1 pixel, not {tuple(shape)}")
    return rows, columns


def _given(line: Line) -> tuple[list[float], tuple[int, int, int], float]:
    points = any_array("points", line.points)
    if (
        points.ndim != 2
        or points.shape[1] != 2
        or len(points) == 0
        or points.dtype.kind not in "fiu"
    ):
        raise InputError(f"a line's points must be (n, 2) real numbers, not {points.shape}")
    if not (np.abs(points) <= _FARTHEST).all() or not 1 <= line.width <= _FARTHEST:
        raise InputError(
            f"a line's points and width must be finite, at most {_FARTHEST:g}, the width at least 1"
        )
    if len(line.rgb) != 3 or not all(0 <= value <= 255 for value in line.rgb):
        raise InputError(f"a line's colour must be three numbers in 0..255, not {line.rgb!r}")
    return points.astype(np.float64).ravel().tolist(), line.rgb, float(line.width)
