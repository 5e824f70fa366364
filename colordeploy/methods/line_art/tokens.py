"""What a network is told of a drawing's regions: where they are, how large, and beside which."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["GEOMETRY", "STRIDE", "RegionTokens", "region_tokens"]

STRIDE = 4  # pixels of the cells that shares are counted in
GEOMETRY = 14  # numbers for each region


class RegionTokens(NamedTuple):
    """Of the regions 1 to K, in this order.

    Attributes
    ----------
    shares : (K, h / 4, w / 4) float32
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


def region_tokens(
    labels: NDArray[np.int32],
    covered: NDArray[np.int32],
    luma: NDArray[np.float32],
    count: int,
    places: NDArray[np.intp],
) -> RegionTokens:
    """Count a drawing's regions out.

    Parameters
    ----------
    labels, covered : (h, w) int32
        At the working size, 0 on lines, and with lines given to regions. Sides need not be
        multiples of anything: cells at the far edges may be partly filled.
    luma : (h, w) float32 in [0, 1]
    count : int
        Of labels: the number of regions and 1.
    places : (count, 2) int
        A pixel (y, x) of each region, for those that `labels` lacks.
    """
    height, width = labels.shape
    marks = labels.ravel()
    flat = np.flatnonzero(marks)
    absent = np.flatnonzero(np.bincount(marks, minlength=count)[1:] == 0) + 1
    y, x = np.divmod(np.r_[flat, places[absent, 0] * width + places[absent, 1]], width)
    of = np.r_[marks[flat], absent].astype(np.intp) - 1  # region 1 is row 0
    regions = count - 1
    rows, columns = -(-height // STRIDE), -(-width // STRIDE)
    cell = (of * rows + y // STRIDE) * columns + x // STRIDE
    held = np.bincount(cell, minlength=regions * rows * columns).reshape(regions, rows, columns)
    area = held.sum(axis=(1, 2)).astype(np.float64)
    shares = held.astype(np.float32) / area[:, None, None].astype(np.float32)
    profiles = _profile(of, y, (regions, height)), _profile(of, x, (regions, width))

    lengths = _borders(covered, count)
    around = lengths.sum(axis=1)
    borders = lengths / np.maximum(around, 1)[:, None]
    edge = np.concatenate([covered[0], covered[-1], covered[:, 0], covered[:, -1]])
    outer = np.bincount(edge, minlength=count)[1:] / len(edge)

    part = area / (height * width)
    sides = height, width
    low = np.stack([(profile > 0).argmax(axis=1) for profile in profiles])
    back = np.stack([(profile[:, ::-1] > 0).argmax(axis=1) for profile in profiles])
    size = np.array(sides)[:, None]
    high = size - 1 - back
    middle = np.stack(
        [profile @ np.arange(n) for n, profile in zip(sides, profiles, strict=True)]
    ) / area  # fmt: skip
    box = (high - low + 1).prod(axis=0)
    light = np.bincount(of, luma[y, x], regions) / area
    geometry = np.stack(
        [
            0.2 * np.log(part) + 1,
            np.sqrt(part),
            *(2 * (middle + 0.5) / size - 1),
            *(2 * low / size - 1),
            *(2 * (high + 1) / size - 1),
            area / box,
            outer,
            outer > 0,
            np.minimum(around / np.sqrt(area) / 8, 2),
            np.sqrt(around / max(1.0, around.sum())),
            2 * light - 1,
        ],
        axis=1,
    )
    return RegionTokens(shares, geometry.astype(np.float32), borders.astype(np.float32))


def _profile(
    of: NDArray[np.intp], place: NDArray[np.intp], shape: tuple[int, int]
) -> NDArray[np.intp]:
    """How many pixels of each region lie in each row, or column."""
    found = np.bincount(of * shape[1] + place, minlength=shape[0] * shape[1])
    profile: NDArray[np.intp] = found.reshape(shape)
    return profile


def _borders(covered: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """How many pixels of regions i and j lie side by side, (count - 1, count - 1)."""
    pairs = [
        first.ravel()[apart].astype(np.intp) * count + second.ravel()[apart]
        for first, second in (
            (covered[:, :-1], covered[:, 1:]),
            (covered[:-1], covered[1:]),
        )
        for apart in [np.flatnonzero(first.ravel() != second.ravel())]
    ]
    lengths = np.bincount(np.concatenate(pairs), minlength=count * count)
    lengths = lengths.reshape(count, count)[1:, 1:]
    return (lengths + lengths.T).astype(np.float64)
