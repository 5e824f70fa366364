"""The compiled core: colour propagation, clustering for anchors, regions and colours of line art.

Usable without the rest of the package. Systems are solved in float64, the GIL is released during
the work, and nothing is shared between calls but immutable plans.
"""

from __future__ import annotations

from ._core import instruction_set
from .affinities import Affinities
from .cancelling import CancelFlag
from .clustering import choose, kmeans
from .color import GuidedChroma, resample
from .device import solves_on_gpu
from .division import Owners, RegionDivider
from .drawing import (
    Lines,
    Shading,
    compose_drawing,
    reduce_drawing,
    region_means,
    separate_lines,
)
from .memory import idle_bytes, idle_limit, set_idle_limit, trim
from .page import Page, separate_page
from .propagation import Propagator, propagate
from .regions import cover_lines, merge_tones, open_screens, region_map, region_max
from .strokes import (
    Dabs,
    Line,
    Marks,
    constrain_layer,
    constrain_lines,
    dabs_of_layer,
    dabs_of_lines,
    draw_lines,
    marked_pixels,
)

__all__ = [
    "Affinities",
    "CancelFlag",
    "Dabs",
    "GuidedChroma",
    "Line",
    "Lines",
    "Marks",
    "Owners",
    "Page",
    "Propagator",
    "RegionDivider",
    "Shading",
    "choose",
    "compose_drawing",
    "constrain_layer",
    "constrain_lines",
    "cover_lines",
    "dabs_of_layer",
    "dabs_of_lines",
    "draw_lines",
    "idle_bytes",
    "idle_limit",
    "instruction_set",
    "kmeans",
    "marked_pixels",
    "merge_tones",
    "open_screens",
    "propagate",
    "reduce_drawing",
    "region_map",
    "region_max",
    "region_means",
    "resample",
    "separate_lines",
    "separate_page",
    "set_idle_limit",
    "solves_on_gpu",
    "trim",
]


def __dir__() -> list[str]:
    return __all__
