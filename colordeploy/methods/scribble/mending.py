"""Strokes on a coloured picture: the difference they make is propagated, and fades away from them.

With the base's chroma b, the strokes' chroma y at the marked pixels M, and the affinities of the
picture's neighbours, solved is the screened system ::

    (M + s (I - M) + alpha L + phi L_adj) [d, m] = M [y - b, 1],    s = alpha / R^2

where L has the edges between neighbours alone: global points carry colour to what is far, which
nobody wants here. The membership m is 1 at the strokes and falls to 0, slowly within the object,
fast at its edges. Where it is high the difference is that of the strokes, beyond it fades ::

    x = b + d / max(m, tau),    x = y at the marked pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...cancellation import CancelToken
from ...errors import InputError
from ...native import Affinities, Marks, Propagator

__all__ = ["Mending", "checked_reach"]

_FULL = 0.3  # tau: memberships above it are the object; chosen on photos (docs/scribble.md)


def checked_reach(reach: float) -> float:
    """How far strokes reach, in [0, 1]; InputError for others."""
    number = isinstance(reach, (int, float, np.integer, np.floating)) and not isinstance(
        reach, bool
    )
    if not number or not 0 <= reach <= 1:
        raise InputError(f"reach must be a number between 0 and 1, not {reach!r}")
    return float(reach)


class Mending:
    """The screened system of one picture and one reach.

    Parameters
    ----------
    propagator : Propagator
        The picture's, for its affinities and where it solves.
    alpha, phi : float
        As in the picture's own system.
    reach : float in (0, 1]
        R is the short side times its square: a quarter of it at 0.5.
    """

    def __init__(
        self,
        propagator: Propagator,
        alpha: float,
        phi: float,
        reach: float,
        threads: int | None,
        cancel: CancelToken | None,
    ) -> None:
        affinities = propagator.affinities
        radius = max(reach * reach * min(propagator.shape), 1.0)
        single = propagator.device == "cpu" and phi > 1e-20
        self._system = Propagator(
            Affinities(affinities.local, np.zeros(0), global_step=0),
            alpha=alpha,
            phi=phi,
            screening=alpha / radius**2,
            device=propagator.device,
            threads=threads,
            precision="single" if single else "double",
            cancel=cancel,
        )

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._system.nbytes

    def differences(
        self, marks: Marks, base: NDArray[np.float32], cancel: CancelToken | None
    ) -> NDArray[Any]:
        """What is added to a base's chroma (h, w, 2) at the working size."""
        wanted = at_marks(marks, base)
        values = np.concatenate([wanted, np.ones_like(wanted[..., :1])], axis=2)
        x = self._system.solve(marks.mask, values, cancel=cancel)
        difference = x[..., :2] / np.maximum(x[..., 2:], _FULL)
        return np.where(marks.mask[..., None], wanted, difference)


def at_marks(marks: Marks, base: NDArray[np.float32]) -> NDArray[np.float64]:
    """The difference at the marks alone, (h, w, 2)."""
    return np.where(marks.mask[..., None], marks.chroma - base, 0.0)
