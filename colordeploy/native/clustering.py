"""k-means, the same result on every machine: anchor location of DISCO (Sec. 4.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from . import _core
from .checks import any_array, finite_array, whole_number

__all__ = ["choose", "kmeans", "seed_of"]

# DISCO's: at most so many rounds, and the end when the centres' summed movement, squared, is less.
_ROUNDS = 20
_TOLERANCE = 1e-4


def kmeans(
    points: ArrayLike, k: int, *, seed: int, init: ArrayLike | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Cluster points by Lloyd's k-means in squared Euclidean distance.

    Deterministic for a seed, to the last bit and on every machine. A cluster that is left empty
    takes the point that is farthest from its centre.

    Parameters
    ----------
    points : (N, D) real
    k : int
        Clusters, 1 to N.
    seed : int
        Chooses the k different points that are the first centres; 0 to 2**64 - 1.
    init : (k,) int or (k, D) real, optional
        First centres instead: indices of points, or the centres themselves.

    Returns
    -------
    labels : (N,) int32
        Cluster of each point, 0 to k - 1: the nearest centre before the last update.
    centres : (k, D) float64
        Means of the clusters.

    Raises
    ------
    InputError
        For NaN, wrong shapes, or k below 1 or above N.
    """
    array = finite_array("points", points, "ND")
    count = whole_number("k", k)
    if not 1 <= count <= len(array):
        raise InputError(f"k must be between 1 and the number of points, {len(array)}; not {count}")
    if init is None:
        centres = array[choose(len(array), count, seed=seed)]
    else:
        centres = _first_centres(init, array, count)
    return _core.kmeans(array, np.ascontiguousarray(centres), _ROUNDS, _TOLERANCE)


def choose(n: int, k: int, *, seed: int) -> NDArray[np.int64]:
    """K different numbers below n in random order, the same on every machine for a seed.

    Parameters
    ----------
    n, k : int
        0 <= k <= n.
    seed : int
        0 to 2**64 - 1.

    Raises
    ------
    InputError
        For numbers out of range.
    """
    most, count = whole_number("n", n), whole_number("k", k)
    if not 0 <= count <= most:
        raise InputError(f"k must be between 0 and n = {most}, not {count}")
    return _core.choose(most, count, seed_of(seed))


def seed_of(seed: Any) -> int:
    """Check a seed, 0 to 2**64 - 1."""
    number = whole_number("seed", seed)
    if not 0 <= number < 2**64:
        raise InputError(f"seed must be between 0 and 2**64 - 1, not {number}")
    return number


def _first_centres(init: ArrayLike, points: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    given = any_array("init", init)
    if given.ndim == 1 and given.dtype.kind in "iu":
        if given.shape != (k,) or (given < 0).any() or (given >= len(points)).any():
            raise InputError(f"init must be {k} indices of points below {len(points)}, not {given}")
        chosen: NDArray[np.float64] = points[given]
        return chosen
    centres = finite_array("init", given, "KD")
    if centres.shape != (k, points.shape[1]):
        raise InputError(
            f"init must be {k} indices or centres of shape {(k, points.shape[1])}, not of shape "
            f"{centres.shape}"
        )
    return np.asarray(centres)
