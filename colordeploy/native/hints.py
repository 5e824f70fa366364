"""Dabs of colour in regions of line art."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import _core
from .output import contiguous

__all__ = ["MOST_HINTS", "region_hints"]

MOST_HINTS: int = _core.MOST_HINTS  # of one region


def region_hints(
    pixels: NDArray[np.int64],
    rgb: NDArray[np.uint8],
    dabs: NDArray[np.int32],
    labels: NDArray[np.int32],
    covered: NDArray[np.int32],
    areas: NDArray[np.int64],
) -> tuple[
    NDArray[np.int32],
    NDArray[np.int64],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.uint8],
    int,
]:
    """Which regions dabs hint at, and in which colours.

    A dab hints at every region that it lies in, save where a small part of it slipped over a line;
    on lines alone it hints at what they cover. Nearly equal colours in a region are one hint, in
    the colour that most of it has.

    Parameters
    ----------
    pixels : (n,) int64
        Pixels of the dabs, ``y * W + x``.
    rgb : (n, 3) uint8
    dabs : (n,) int32
        Which dab each belongs to.
    labels, covered : (H, W) int32
        Regions with 0 on lines, and with lines given to regions.
    areas : (count,) int64
        Pixels of each label.

    Returns
    -------
    counts : (count,) int32
        Colours of each region.
    pixels : (m,) int64
        The marks.
    owners : (m,) int32
        Of each mark: which of its region's colours it is.
    regions : (k,) int32
        Regions with a hint, ascending; a region with several is there as often.
    colors : (k, 3) uint8
        Their colours, a region's in the order of its owners.
    crowded : int
        Regions with `MOST_HINTS` or more, of which the most frequent are taken.
    """
    return _core.region_hints(
        contiguous(pixels, np.int64),
        contiguous(rgb, np.uint8),
        contiguous(dabs, np.int32),
        contiguous(labels, np.int32),
        contiguous(covered, np.int32),
        contiguous(areas, np.int64),
    )
