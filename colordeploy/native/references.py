"""Pictures that colours are taken from (SSCN): as the encoder sees them, and what is selected."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from .cancelling import Cancel, stoppable
from .checks import thread_count, whole_number
from .clustering import seed_of
from .output import contiguous, walkable

__all__ = ["LEAST_CHROMA", "selected", "working_reference"]

# A reference whose every pixel has less chroma, in ab units, has no colour to take.
LEAST_CHROMA: float = _core.LEAST_CHROMA


def working_reference(
    samples: NDArray[Any],
    shape: tuple[int, int],
    multiple: int,
    *,
    threads: int | None = None,
    cancel: Cancel = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Bring a reference to its working size.

    Parameters
    ----------
    samples : (H, W, 3) uint8, or float32 in [0, 1]
        sRGB.
    shape : (h, w)
    multiple : int
        Of the sides that the encoder sees.
    threads : int, optional
    cancel : CancelToken or CancelFlag, optional

    Returns
    -------
    rgb : (h, w, 3) float32 in [0, 1]
    planes : (3, h', w') float32
        L, a and b as the encoder takes them, about within [-1, 1]; sides filled up by the edge.
    chroma : float
        The largest of a pixel, in ab units.

    Raises
    ------
    Cancelled
        When `cancel` was set before all is done.
    """
    with stoppable(cancel) as flag:
        return _core.working_reference(
            walkable(samples), *shape, multiple, thread_count(threads), flag
        )


def selected(
    activation: NDArray[np.float32],
    k: int | None,
    r: int | None,
    *,
    seed: int,
    default_k: int,
    default_r: int,
) -> NDArray[np.int64]:
    """Indices of the k most active patches, and of r others.

    The others are the first r of one seeded permutation of all patches that are not among the k:
    an activation whose last digit differs elsewhere exchanges a patch or two, never all.

    Parameters
    ----------
    activation : (N,) float32
        Finite, or -inf for patches that do not count. Nearly equal ones are told apart by place.
    k, r : int or None
        None: the default, or as many as there are.
    seed : int
        0 to 2**64 - 1.
    default_k, default_r : int

    Returns
    -------
    (k + r,) int64
        The active ones, best first; then the others, ascending.

    Raises
    ------
    InputError
        For numbers out of range.
    """
    active = None if k is None else whole_number("k", k)
    others = None if r is None else whole_number("r", r)
    values = contiguous(activation, np.float32)
    return _core.selected(values, active, others, seed_of(seed), default_k, default_r)
