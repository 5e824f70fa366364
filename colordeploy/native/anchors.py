"""Anchors of automatic colour (DISCO, Sec. 4): their places, probable colours, what they change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from . import _core
from .checks import finite_array
from .clustering import seed_of
from .output import contiguous, walkable

__all__ = [
    "AB_BINS",
    "CANDIDATES",
    "anchor_hints",
    "diverse_order",
    "expected_chroma",
    "located",
    "middle_of",
    "most_probable",
    "nearest_bin",
    "pooled",
    "with_residues",
]

# The 313 colour bins of Zhang et al. 2016: centres of the cells of a 10x10 grid in ab that hold a
# colour of sRGB.
AB_BINS: NDArray[np.int64] = _core.AB_BINS
CANDIDATES: int = _core.CANDIDATES  # of the most probable bins, diverse results choose


def nearest_bin(ab: NDArray[np.floating]) -> NDArray[np.int64]:
    """Index into `AB_BINS` of the bin nearest to each colour (..., 2) in ab units."""
    pairs = np.asarray(ab, np.float64)
    return _core.nearest_bins(contiguous(pairs.reshape(-1, 2), np.float64)).reshape(
        pairs.shape[:-1]
    )


def most_probable(probabilities: NDArray[np.float32]) -> list[int]:
    """The `CANDIDATES` most probable bins, best first; of equally probable ones the first.

    Parameters
    ----------
    probabilities : (313,) float32
        Of any strides.
    """
    return _core.most_probable(walkable(probabilities))


def expected_chroma(probabilities: NDArray[np.float32]) -> tuple[float, float]:
    """Mean a and b of the bins' probabilities (313,) float32."""
    return _core.expected_chroma(walkable(probabilities))


def diverse_order(candidates: NDArray[np.int64]) -> list[int]:
    """Candidates (n, 2), most probable first, in the order that diverse results take them.

    Ties go to the more probable one.
    """
    return _core.diverse_order(np.asarray(candidates).tolist())


def pooled(
    values: NDArray[np.float32], association: NDArray[np.float32] | None, cell: int
) -> NDArray[np.float32]:
    """Means of values in places: the cells of a grid, or superpixels around them.

    Parameters
    ----------
    values : (h, w, C) float32
    association : (9, h' >= h, w' >= w) float32 or None
        How far each pixel belongs to the superpixels of the nine cells around it; None: it belongs
        to its own cell.
    cell : int
        Side of a cell in pixels.

    Returns
    -------
    (C, rows, columns) float32
    """
    shares = None if association is None else walkable(association)
    return _core.pooled(walkable(values), shares, cell)


def located(
    features: NDArray[np.float32], sizes: NDArray[np.float32] | None, count: int, *, seed: int
) -> list[int]:
    """Places of anchors in reading order, ``row * columns + column``.

    The largest place of each cluster of the features (Sec. 4.2), or where all are as large, the one
    nearest to its middle. A cluster left empty has none, and clusters never share one.

    Parameters
    ----------
    features : (C, rows, columns) float32
    sizes : (rows, columns) float32 or None
        None: all places are as large.
    count : int
        Clusters, 1 to as many as there are places.
    seed : int
        Of the clustering, 0 to 2**64 - 1.

    Raises
    ------
    InputError
        For NaN, and numbers out of range.
    """
    planes = finite_array("features", features, "CHW", single=True)
    places = planes.shape[1] * planes.shape[2]
    if not 1 <= count <= places:
        raise InputError(f"anchors must be between 1 and the {places} places, not {count}")
    scores = None if sizes is None else finite_array("sizes", sizes, "HW", single=True)
    return _core.located(planes, scores, count, seed_of(seed))


def middle_of(
    size: tuple[int, int], working_size: tuple[int, int], cell: int, row: int, column: int
) -> tuple[float, float]:
    """Middle of a place's cell (y, x), in pixels of the picture of that size."""
    return _core.middle_of(size, working_size, cell, row, column)


def anchor_hints(
    anchors: Sequence[tuple[float, float, float, float]],
    size: tuple[int, int],
    working_size: tuple[int, int],
    cell: int,
    grid: tuple[int, int],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Anchors as a network is told of them.

    Parameters
    ----------
    anchors : sequence of (y, x, a, b)
        In pixels of the picture, and in ab units. Of several in one place the last counts.
    size, working_size : (height, width)
        Of the picture, and at which the network saw it.
    cell : int
        Side of a place's cell in working pixels.
    grid : (rows, columns)
        Of places, those of the padding included.

    Returns
    -------
    mask : (1, rows, columns) float32
        1 where an anchor is.
    colors : (2, rows, columns) float32

    Raises
    ------
    InputError
        For places outside of the picture, and chroma that is no colour of sRGB.
    """
    return _core.anchor_hints(list(anchors), size, working_size, cell, grid)


def with_residues(
    ab: NDArray[np.float32],
    tokens: NDArray[np.float32],
    gray: NDArray[np.float32],
    mask: NDArray[np.float32],
    colors: NDArray[np.float32],
) -> NDArray[np.float32]:
    """An answer nearer to its anchors: what it lacks there is carried to places like them.

    A network is told of anchors, but need not give their colours. The anchor's colour less the
    answer's mean in its cell is added wherever the tokens and the lightness are alike, and near:
    with weights w_i of the anchors i, sum_i w_i r_i / (c + sum_i w_i).

    Parameters
    ----------
    ab : (2, n h, n w) float32
        The network's answer, n values a side for each cell, in ab units.
    tokens : (C, h, w) float32
        The network's features of the cells.
    gray : (m n h, m n w) float32
        What the network saw: (L - 50) / 50.
    mask : (1, h, w) float32
        1 where an anchor is.
    colors : (2, h, w) float32
        Their colours in ab units.

    Returns
    -------
    (2, n h, n w) float32
        The answer as it is without an anchor.
    """
    told = (contiguous(array, np.float32) for array in (mask, colors))
    return _core.with_residues(contiguous(ab, np.float32), walkable(tokens), walkable(gray), *told)
