"""The compiled core: the sparse Laplacian system of scribble colorization.

Usable without the rest of the package. Everything is computed in float64, the GIL is released
during the work, and nothing is shared between calls but immutable plans.
"""

from __future__ import annotations

from .affinities import Affinities
from .propagation import Propagator, propagate

__all__ = ["Affinities", "Propagator", "propagate"]


def __dir__() -> list[str]:
    return __all__
