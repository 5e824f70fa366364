"""What turns a drawing, a style and hints into colours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...runtime.graph import Graph
from ..steps import Steps
from .hints import RegionHints

__all__ = ["OpenGraphs", "Painted", "Painter"]

OpenGraphs = Callable[[], Mapping[str, Graph]]  # refuses when the model was closed


class Painted(NamedTuple):
    """What a network says of a drawing in one style.

    Attributes
    ----------
    palette : (count, 3) float32
        The colour of each region; black for label 0, which stands for lines.
    decoded : (h, w, 3) float32 or None
        Its own picture in about [0, 1], at the working size, whose colours vary within regions;
        None when it gives one colour a region and no picture.
    """

    palette: NDArray[np.float32]
    decoded: NDArray[np.float32] | None


class Painter(Protocol):
    """A drawing as a network has seen it: a style in, colours out.

    Attributes
    ----------
    style : (n,) float32
        Predicted, of unit mean square.
    heeds_hints : bool
        Whether hints change the colours of regions that have none.
    """

    style: NDArray[np.float32]
    heeds_hints: bool

    @property
    def device(self) -> str:
        """Where the graph that colours runs: "cpu" or "cuda:N"."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""

    def paint(self, code: NDArray[np.float32], hints: RegionHints | None, steps: Steps) -> Painted:
        """Colours in a style."""
