"""The compiled core: colour propagation, and clustering for anchors.

Usable without the rest of the package. Everything is computed in float64, the GIL is released
during the work, and nothing is shared between calls but immutable plans.
"""

from __future__ import annotations

from .affinities import Affinities
from .clustering import kmeans
from .propagation import Propagator, propagate

__all__ = ["Affinities", "Propagator", "kmeans", "propagate"]


def __dir__() -> list[str]:
    return __all__
