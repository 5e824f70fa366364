"""What a network is told of a drawing's regions: where they are, how large, and beside which."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _core
from .output import contiguous, walkable

__all__ = ["GEOMETRY", "STRIDE", "RegionTokens", "region_places", "region_tokens"]

STRIDE: int = _core.TOKEN_STRIDE  # pixels of the cells that shares are counted in
GEOMETRY: int = _core.TOKEN_GEOMETRY  # numbers for each region


class RegionTokens(NamedTuple):
    """Of the regions 1 to K, in this order.

    Attributes
    ----------
    shares : (K, rows, columns) float32
        Which share of a region's pixels each cell of 4x4 pixels holds; they add up to 1.
    geometry : (K, 14) float32
        About in [-1, 1]: logarithm of the share of the picture, its square root, middle (y, x),
        box (top, left, bottom, right), share of the box, share of the picture's edge, 1 where it
        touches that edge, length of the border for the area, share of the whole border, lightness.
    borders : (K, K) float32
        Row i: which share of region i's border it has in common with each other one, lines being
        no regions; zeros for a region alone.
    """

    shares: NDArray[np.float32]
    geometry: NDArray[np.float32]
    borders: NDArray[np.float32]


def region_places(
    full: NDArray[np.int32], labels: NDArray[np.int32], count: int
) -> NDArray[np.int64]:
    """A pixel (y, x) of `labels` for each region that has none there, where its first one lies.

    Parameters
    ----------
    full : (H, W) int32
        The drawing's own labels.
    labels : (h, w) int32
        A smaller map of them.
    count : int
        Of labels: the number of regions and 1.

    Returns
    -------
    (count, 2) int64
        Zeros for others.
    """
    return _core.region_places(walkable(full), walkable(labels), count - 1)


def region_tokens(
    labels: NDArray[np.int32],
    covered: NDArray[np.int32],
    luma: NDArray[np.float32],
    count: int,
    places: NDArray[np.integer],
    cells: tuple[int, int] | None = None,
) -> RegionTokens:
    """Count a drawing's regions out.

    Parameters
    ----------
    labels, covered : (h, w) int32
        At the size that the network sees, 0 on lines, and with lines given to regions. Sides need
        not be multiples of anything: cells at the far edges may be partly filled.
    luma : (h, w) float32 in [0, 1]
    count : int
        Of labels: the number of regions and 1.
    places : (count, 2) int
        A pixel (y, x) of each region, for those that `labels` lacks; see `region_places`.
    cells : (rows, columns), optional
        More than cover the labels; those beyond hold nothing.
    """
    rows, columns = cells or (-(-labels.shape[0] // STRIDE), -(-labels.shape[1] // STRIDE))
    found = _core.region_tokens(
        walkable(labels), walkable(covered), walkable(luma), contiguous(places, np.int64),
        count - 1, rows, columns,
    )  # fmt: skip
    return RegionTokens(*found)
