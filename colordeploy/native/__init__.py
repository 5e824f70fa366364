"""The compiled core: colour propagation, clustering for anchors, regions and colours of line art.

Usable without the rest of the package. Systems are solved in float64, the GIL is released during
the work, and nothing is shared between calls but immutable plans.
"""

from __future__ import annotations

from .affinities import Affinities
from .clustering import choose, kmeans
from .device import solves_on_gpu
from .drawing import Lines, Shading, compose_drawing, region_means, separate_lines
from .propagation import Propagator, propagate
from .regions import cover_lines, region_map, region_max

__all__ = [
    "Affinities",
    "Lines",
    "Propagator",
    "Shading",
    "choose",
    "compose_drawing",
    "cover_lines",
    "kmeans",
    "propagate",
    "region_map",
    "region_max",
    "region_means",
    "separate_lines",
    "solves_on_gpu",
]


def __dir__() -> list[str]:
    return __all__
