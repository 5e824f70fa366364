"""Edge weights of a propagation graph (LGA-Net, Eq. 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from . import _core
from .cancelling import Cancel, CancelFlag, stoppable
from .checks import (
    any_array,
    finite_array,
    sigma_of,
    step_of,
    thread_count,
)
from .limits import require_memory, within_memory
from .plans import plan_of

__all__ = ["DIRECTIONS", "Affinities", "affinity_map"]

_F64 = NDArray[np.float64]
# (dy, dx) of the four planes of Affinities.local; csrc/propagation/graph.hpp has the same.
DIRECTIONS = ((0, 1), (1, -1), (1, 0), (1, 1))


def _frozen(array: NDArray[Any]) -> _F64:
    """Contiguous float64 that nobody can change any more: the caller's arrays are copied."""
    result = np.ascontiguousarray(array, dtype=np.float64)
    if result.flags.writeable or result.base is not None:
        result = result.copy()
        result.flags.writeable = False
    return result


@dataclass(frozen=True, eq=False)
class Affinities:
    """Edge weights of a propagation graph.

    Attributes
    ----------
    local : (4, H, W) float64
        Weight of the edge from each pixel to its neighbour to the right, below left, below and
        below right; 0 where that neighbour is outside the picture.
    global_ : (G * (G - 1) // 2,) float64
        Weights of the clique over the G global points (raster order), as the packed strict lower
        triangle: pair (i, j), i > j, is at ``i * (i - 1) // 2 + j``.
    global_step : int
        Spacing of the global points; 0 means that there are none.
    """

    local: _F64
    global_: _F64
    global_step: int = 12

    def __post_init__(self) -> None:
        local = finite_array("local affinities", self.local, "DHW")
        step = step_of(self.global_step)
        require_memory(local.shape[1], local.shape[2], step, single=True)
        if local.shape[0] != len(DIRECTIONS):
            raise InputError(f"local affinities must have 4 planes, not {local.shape[0]}")
        points = len(plan_of(local.shape[1], local.shape[2], step).global_pixels)
        packed = any_array("global affinities", self.global_)
        if packed.dtype.kind not in "fiu":
            raise InputError(f"global affinities must hold real numbers, not {packed.dtype}")
        if packed.shape != (points * (points - 1) // 2,):
            raise InputError(
                f"a {local.shape[1]}x{local.shape[2]} picture with global_step {step} has "
                f"{points} global points, so {points * (points - 1) // 2} global affinities; "
                f"got shape {packed.shape}"
            )
        if not np.isfinite(packed).all() or (packed < 0).any() or (local < 0).any():
            raise InputError("affinities must be finite and not negative")
        object.__setattr__(self, "local", _frozen(local))
        object.__setattr__(self, "global_", _frozen(packed))
        object.__setattr__(self, "global_step", step)

    @classmethod
    def from_features(
        cls,
        features: ArrayLike,
        *,
        sigma: float,
        global_step: int = 12,
        local: bool = True,
        threads: int | None = None,
        cancel: Cancel = None,
    ) -> Affinities:
        """Gaussian affinities of pixel features (LGA-Net, Eq. 1).

        Parameters
        ----------
        features : (H, W, C) real
        sigma : float
            Width of the Gaussian, above 0, in units of the features.
        global_step : int
            Spacing of the global points in pixels; 0 for none (the ablation R_GP).
        local : bool
            False drops the 8-neighbour affinities (the ablation R_AP); ``phi`` still ties
            neighbours.
        threads : int, optional
            Threads to use; by default as many as there are processors, eight at most.
        cancel : CancelToken or CancelFlag, optional

        Raises
        ------
        InputError
            For NaN, wrong shapes or numbers out of range.
        Cancelled
            When `cancel` was set before all is done.
        """
        array = finite_array("features", features, "HWC", single=True)
        workers, sigma, step = thread_count(threads), sigma_of(sigma), step_of(global_step)
        require_memory(array.shape[0], array.shape[1], step, single=True)  # at least
        return cls.computed(array, sigma, step, workers, cancel, local=local)

    @classmethod
    def computed(
        cls,
        array: NDArray[Any],
        sigma: float,
        step: int,
        workers: int,
        cancel: Cancel,
        *,
        local: bool = True,
    ) -> Affinities:
        """What `from_features` does once everything is checked."""
        height, width, _ = array.shape

        def make(flag: CancelFlag | None) -> tuple[_F64, _F64]:
            plan = plan_of(height, width, step, flag)
            near = (
                _core.local_affinities(plan, array, sigma, workers, flag)
                if local
                else np.zeros((len(DIRECTIONS), height, width))
            )
            return near, _core.global_affinities(plan, array, sigma, workers, flag)

        with stoppable(cancel) as flag:
            near, distant = within_memory(
                f"preparing to solve for {height}x{width} pixels", lambda: make(flag)
            )
        near.flags.writeable = distant.flags.writeable = False
        made = object.__new__(cls)  # nothing to check, nothing to copy
        for name, value in (("local", near), ("global_", distant), ("global_step", step)):
            object.__setattr__(made, name, value)
        return made


def affinity_map(
    features: NDArray[np.floating], sigma: float, y: int, x: int
) -> NDArray[np.float32]:
    """Affinity (Eq. 1) of pixel (y, x) with every other one: (H, W) float32 in [0, 1]."""
    array = np.ascontiguousarray(features, np.float32)
    return _core.affinity_map(array, sigma_of(sigma), y, x)
