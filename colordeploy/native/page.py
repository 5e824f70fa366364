"""Line art on any paper: its lines, relative to the page's own ground, and the pages of strips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from . import _core
from .cancelling import Cancel, stoppable
from .checks import any_array, thread_count
from .output import walkable

__all__ = ["Page", "is_long", "pages_of", "separate_page"]


@dataclass(frozen=True, eq=False)
class Page:
    """What is drawn on a page.

    Attributes
    ----------
    luma : (H, W) float32 in [0, 1]
        Dark lines on white: the page's lightness over that of its ground; of its negative, where it
        is inverted. Lines of little contrast are darkened. A white page is as it was.
    lines : (H, W) bool
        Where lines are.
    inverted : bool
        Light lines on dark ground, as chalk on a board or a blueprint.
    blank : bool
        No line stands out from the ground: it is empty, or noise alone. `lines` means nothing then.
    threshold : float
        Darker `luma` is line, before lines of little contrast were darkened.
    noise : float
        Standard deviation of the ground.
    """

    luma: NDArray[np.float32]
    lines: NDArray[np.bool_]
    inverted: bool
    blank: bool
    threshold: float
    noise: float


def separate_page(luma: ArrayLike, *, threads: int | None = None, cancel: Cancel = None) -> Page:
    """Find the lines of a drawing on any paper.

    The ground is looked for in tiles of a twelfth of the short side: the lightness that 85 % of a
    tile's pixels do not exceed, never less than nine tenths of a neighbour's, so that a dark shape
    is no ground. Light that falls unevenly, gray and yellowed paper go away with it. Dark lines are
    what is below 0.8 of the ground; where the darkest are paler, below the middle between them and
    the ground; and always further from it than noise is.

    Parameters
    ----------
    luma : (H, W) real in [0, 1]
        Others are clipped. float32 of any strides is not copied.
    threads : int, optional
        By default as many as this process may use, eight at most; the result is the same.
    cancel : CancelToken or CancelFlag, optional

    Raises
    ------
    InputError
        For other shapes and types.
    Cancelled
        When `cancel` was set before all is done.
    """
    array = any_array("luma", luma)
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "fiu":
        raise InputError(
            f"luma must be (H, W) real numbers, not empty, not {array.shape} of {array.dtype}"
        )
    plane = walkable(array.astype(np.float32, copy=False))
    with stoppable(cancel) as flag:
        return Page(*_core.separate_page(plane, thread_count(threads), flag))


def is_long(height: int, width: int) -> bool:
    """Whether a drawing may be a strip: three times as high as wide."""
    return _core.is_long(height, width)


def pages_of(inked: NDArray[np.bool_], width: int) -> list[tuple[int, int]]:
    """First and last row (exclusive) of each page of a drawing.

    Pages are cut in the blank bands between them; where three pages of one height or more fit, with
    a blank row at each border, they are of that height. One page unless the drawing is three times
    as high as wide and has bands.

    Parameters
    ----------
    inked : (H,) bool
        Rows with a line.
    width : int
    """
    return [(top, bottom) for top, bottom in _core.pages_of(np.ascontiguousarray(inked), width)]
