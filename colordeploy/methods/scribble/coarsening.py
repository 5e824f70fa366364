"""Affinities of half the working size: colours nearly the same, several times as fast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...native import Affinities

__all__ = ["halved", "halves"]

_F64 = NDArray[np.float64]


def halves(shape: tuple[int, int], global_step: int) -> bool:
    """Whether blocks of 2x2 pixels form a graph of the same kind: each global point has its own."""
    return global_step % 2 == 0 and min(shape) > 1


def halved(affinities: Affinities) -> Affinities:
    """The graph of blocks of 2x2 pixels, the last ones of odd sides cut.

    An affinity is a conductance. What lies between the middles of two blocks is half of an edge
    within the one, the edge that crosses, and half of one within the other, in series; so a weak
    edge separates wherever it falls. Equal affinities stay what they are, for in two dimensions the
    energy of a plane of conductances does not depend on its resolution. The clique of the global
    points stays as it is.
    """
    _, height, width = affinities.local.shape
    padding = ((0, 0), (0, height % 2), (0, width % 2))
    east, below_left, south, below_right = np.pad(affinities.local, padding)
    local = np.zeros((4, len(east) // 2, east.shape[1] // 2))
    # Edges within blocks. Those of two pixels have one edge, those of one pixel none to resist.
    across, down = east[:, 0::2].copy(), south[0::2].copy()
    rising, falling = below_left[0::2, 1::2].copy(), below_right[0::2, 0::2].copy()
    if width % 2:
        across[:, -1] = np.inf
        rising[:, -1] = falling[:, -1] = down[:, -2]
    if height % 2:
        down[-1] = np.inf
        rising[-1] = falling[-1] = across[-2]
    for row in (0, 1):
        inside, crossing = across[row::2], east[row::2, 1::2]
        local[0, :, :-1] += _between(inside[:, :-1], crossing[:, :-1], inside[:, 1:])
    for column in (0, 1):
        inside, crossing = down[:, column::2], south[1::2, column::2]
        local[2, :-1] += _between(inside[:-1], crossing[:-1], inside[1:])
    crossing = below_left[1::2, 0::2]
    local[1, :-1, 1:] = 2 * _between(rising[:-1, 1:], crossing[:-1, 1:], rising[1:, :-1])
    crossing = below_right[1::2, 1::2]
    local[3, :-1, :-1] = 2 * _between(falling[:-1, :-1], crossing[:-1, :-1], falling[1:, 1:])
    return Affinities(local, affinities.global_, affinities.global_step // 2)


def _between(first: _F64, crossing: _F64, second: _F64) -> _F64:
    with np.errstate(divide="ignore"):
        conductance: _F64 = 1 / (0.5 / first + 1 / crossing + 0.5 / second)
    return conductance
