"""One colour a region: a transformer over the regions of a drawing."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...abandoning import abandonable
from ...bundle import Bundle
from ...device_array import Array
from ...native.regions import nearest_labels
from ...pictures.geometry import pad_to_multiple, resize, working_shape
from ..outputs import Outputs
from ..steps import Steps
from .drawing import Drawing
from .hints import RegionHints
from .painter import OpenGraphs, Painted
from .tokens import STRIDE, region_places, region_tokens

__all__ = ["RegionNetwork", "RegionPainter"]

_FEATURES = ("features4", "features8", "features16", "features32")
_REGIONS = ("geometry", "borders")
_GRAPHS: Mapping[str, tuple[Set[str], Set[str]]] = {
    "encode": ({"line"}, {*_FEATURES}),
    "describe": ({"shares", *_REGIONS, *_FEATURES}, {"tokens", "whole", "style"}),
    "paint": (
        {"tokens", "whole", "predicted", *_REGIONS, "style", "hints", "known"},
        {"colors"},
    ),
}


@dataclass(frozen=True)
class RegionNetwork:
    """What the graphs of such a bundle are.

    Attributes
    ----------
    graphs : mapping of graph to (names of inputs, names of outputs)
    multiple : int
        Of the sides that the encoder sees.
    most : int
        The short side that it was trained at: larger drawings are reduced to that, since lines of
        another width and shapes beyond its reach tell it less.
    """

    graphs: Mapping[str, tuple[Set[str], Set[str]]]
    multiple: int
    most: int

    @staticmethod
    def of(bundle: Bundle) -> RegionNetwork:
        """A bundle's."""
        return RegionNetwork(
            _GRAPHS,
            bundle.integer_parameter("multiple", minimum=1),
            bundle.integer_parameter("maximum_side", minimum=1),
        )

    def painter(
        self, drawing: Drawing, opened: OpenGraphs, threads: int | None, steps: Steps
    ) -> RegionPainter:
        """Run what depends on the drawing alone."""
        graphs = opened()
        steps(0.2, "encoding")
        luma = drawing.working_luma
        if min(luma.shape) > self.most:
            smaller = resize(luma, working_shape(drawing.size, self.most, self.most))
            luma = np.clip(smaller, np.float32(0), np.float32(1))
        line = pad_to_multiple(2 * luma - 1, self.multiple)
        features = Outputs(graphs["encode"], {"line": line[None, None]}, steps.cancel)
        steps(0.6, "regions")
        regions = abandonable(lambda: drawing.regions, steps.cancel)  # found beside
        labels, covered = (
            nearest_labels(full, luma.shape) for full in (regions.labels, regions.covered)
        )
        count = max(2, regions.count)  # a drawing of lines alone has a region without a pixel
        cells = line.shape[0] // STRIDE, line.shape[1] // STRIDE
        places = region_places(regions.labels, labels, count)
        tokens = region_tokens(labels, covered, luma, count, places, cells)
        told: dict[str, Array] = {name: array[None] for name, array in tokens._asdict().items()}
        steps(0.8, "correlation")
        described = Outputs(
            graphs["describe"], {**told, **features.on_device(*_FEATURES)}, steps.cancel
        )
        fixed = described.on_device("tokens", "whole") | {name: told[name] for name in _REGIONS}
        style = described.host("style")
        return RegionPainter(drawing, {**fixed, "predicted": style}, style[0], count, opened)


class RegionPainter:
    """A drawing whose regions have been described; see `Painter`."""

    heeds_hints = True

    def __init__(
        self,
        drawing: Drawing,
        fixed: Mapping[str, Array],
        style: NDArray[np.float32],
        count: int,
        opened: OpenGraphs,
    ) -> None:
        self.style = style
        self._drawing, self._fixed, self._count, self._opened = drawing, fixed, count, opened

    @property
    def device(self) -> str:
        """Where the graph that colours runs: "cpu" or "cuda:N"."""
        return self._opened()["paint"].device

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(int(getattr(array, "nbytes", 0)) for array in self._fixed.values())

    def paint(self, code: NDArray[np.float32], hints: RegionHints | None, steps: Steps) -> Painted:
        """Colours in a style, that go with the hints."""
        known = np.zeros(self._count, np.float32)
        colors = np.zeros((self._count, 3), np.float32)
        if hints is not None:
            known = hints.flags(self._count).astype(np.float32)
            colors = hints.palette(colors)[: self._count]
        given = {"style": code[None], "hints": colors[None, 1:], "known": known[None, 1:]}
        found = self._opened()["paint"].run({**self._fixed, **given}, cancel=steps.cancel)
        palette = np.zeros((self._count, 3), np.float32)
        palette[1:] = found["colors"][0]
        return Painted(palette[: self._drawing.regions.count], None)
