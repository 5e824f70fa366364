"""The compiled core: colour propagation, clustering for anchors, regions of line art.

Usable without the rest of the package. Everything is computed in float64, the GIL is released
during the work, and nothing is shared between calls but immutable plans.
"""

from __future__ import annotations

from .affinities import Affinities
from .clustering import choose, kmeans
from .propagation import Propagator, propagate
from .regions import cover_lines, region_map, region_max

__all__ = [
    "Affinities",
    "Propagator",
    "choose",
    "cover_lines",
    "kmeans",
    "propagate",
    "region_map",
    "region_max",
]


def __dir__() -> list[str]:
    return __all__
