"""Where the pages of a long strip of drawings begin and end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pages", "is_long", "pages_of"]

_LONG = 3.0  # times as high as wide: a strip
_BAND = 0.01  # of the width: so many rows without a line are a band between pages
_TALLEST = 2.0  # times as high as wide, or as wide as high: a page of a regular strip
_MINIMUM_HEIGHT = 0.3  # of the width: lower pages go to their neighbour

Pages = list[tuple[int, int]]


def is_long(height: int, width: int) -> bool:
    """Whether a drawing may be a strip."""
    return height >= _LONG * width


def pages_of(inked: NDArray[np.bool_], width: int) -> Pages:
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
    height = len(inked)
    if not is_long(height, width) or not inked.any():
        return [(0, height)]
    marks = np.flatnonzero(np.diff(np.r_[1, inked.astype(np.int8), 1]))
    bands = [(a, b) for a, b in marks.reshape(-1, 2) if b - a >= max(2, _BAND * width)]
    inner = [(a, b) for a, b in bands if a > 0 and b < height]
    cuts = _regular(inked, width) or [int(a + b) // 2 for a, b in inner]
    borders = [0]
    for cut in cuts:
        if cut - borders[-1] >= _MINIMUM_HEIGHT * width and inked[borders[-1] : cut].any():
            borders.append(cut)
    if len(borders) > 1 and not (
        height - borders[-1] >= _MINIMUM_HEIGHT * width and inked[borders[-1] :].any()
    ):
        borders.pop()
    return list(zip(borders, [*borders[1:], height], strict=True))


def _regular(inked: NDArray[np.bool_], width: int) -> list[int]:
    """Cuts between three pages of one height or more, of heights that fit the nearest to the width;
    none when none fit.
    """
    height = len(inked)
    counts = range(max(3, int(height / (_TALLEST * width))), int(_TALLEST * height / width) + 1)
    for count in sorted(counts, key=lambda count: abs(np.log(height / count / width))):
        if height % count:
            continue
        side = height // count
        cuts = list(range(side, height, side))
        blank = all(not inked[cut - 1 : cut + 1].any() for cut in cuts)
        if blank and all(inked[y : y + side].any() for y in range(0, height, side)):
            return cuts
    return []
