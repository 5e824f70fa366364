"""RASC as in the paper: a decoder paints a picture, of which regions take their mean colours."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...abandoning import abandonable
from ...bundle import Bundle
from ...device_array import Array
from ...errors import BundleError
from ...native import region_max, region_means
from ...pictures.geometry import pad_to_multiple
from ..outputs import Outputs
from ..steps import Steps
from .drawing import Drawing, patch_labels
from .hints import RegionHints
from .painter import OpenGraphs, Painted

__all__ = ["PictureNetwork", "PicturePainter"]


@dataclass(frozen=True)
class PictureNetwork:
    """What the graphs of such a bundle are.

    Attributes
    ----------
    graphs : mapping of graph to (names of inputs, names of outputs)
    levels : int
        Scales of the encoder's features.
    multiple : int
        Of the sides that it sees.
    patches : int
        Side of the fixed patches in the place of regions; 0: regions.
    """

    graphs: Mapping[str, tuple[Set[str], Set[str]]]
    levels: int
    multiple: int
    patches: int

    @staticmethod
    def of(bundle: Bundle) -> PictureNetwork:
        """A bundle's; BundleError when it describes none."""
        entries = bundle.manifest.graphs
        if not {"encode", "decode"} <= entries.keys() <= {"encode", "correlate", "decode"}:
            raise BundleError(
                f"{bundle.path}: a rasc bundle has the graphs encode, describe and paint, or "
                f"encode, correlate and decode; this one has {', '.join(sorted(entries))}"
            )
        levels = bundle.integer_parameter("levels", minimum=1)
        features = {f"features{i}" for i in range(levels)}
        labels_encoded = "labels" in {t.name for t in entries["encode"].inputs}
        wanted = {
            "encode": ({"line", "labels"} if labels_encoded else {"line"}, {*features, "style"}),
            "decode": ({"style", *features}, {"rgb"}),
        }
        if "correlate" in entries:
            patterns = {f"patterns{i}" for i in range(levels)}
            wanted["correlate"] = ({"present", *(f"regions{i}" for i in range(levels))}, patterns)
            wanted["decode"] = ({"style", "labels", *features, *patterns}, {"rgb"})
        return PictureNetwork(
            wanted,
            levels,
            bundle.integer_parameter("multiple", minimum=1),
            bundle.integer_parameter("patches", minimum=0),
        )

    def painter(
        self, drawing: Drawing, opened: OpenGraphs, threads: int | None, steps: Steps
    ) -> PicturePainter:
        """Run what does not depend on the style."""
        graphs = opened()
        steps(0.2, "encoding")
        line = pad_to_multiple(2 * drawing.working_luma - 1, self.multiple)
        encode: dict[str, Array] = {"line": line[None, None]}
        if "labels" in self.graphs["encode"][0]:
            abandonable(lambda: drawing.regions, steps.cancel)
            encode["labels"] = self._labels(drawing, line.shape)[None]
        outputs = Outputs(graphs["encode"], encode, steps.cancel)
        steps(0.6, "regions")
        abandonable(lambda: drawing.regions, steps.cancel)
        labels = self._labels(drawing, line.shape)  # found beside, unless the graph needs them
        features = [f"features{i}" for i in range(self.levels)]
        fixed = outputs.on_device(*features)
        if "correlate" in graphs:
            steps(0.8, "correlation")
            count = int(labels.max()) + 1
            present = np.bincount(labels.ravel(), minlength=count) > 0
            aggregated = {
                f"regions{i}": region_max(outputs.host(name)[0], _shrunk(labels, 2**i), count)[None]
                for i, name in enumerate(features)
            }
            patterns = Outputs(
                graphs["correlate"],
                {"present": present[None].astype(np.float32), **aggregated},
                steps.cancel,
            )
            fixed |= patterns.on_device(*(f"patterns{i}" for i in range(self.levels)))
            fixed["labels"] = labels[None]
        return PicturePainter(drawing, fixed, outputs.host("style")[0], opened, threads)

    def _labels(self, drawing: Drawing, shape: tuple[int, ...]) -> NDArray[np.int32]:
        """Regions at the working size, or patches in their place, padded to a shape."""
        labels = drawing.regions.working
        if self.patches:
            labels = patch_labels(labels.shape[0], labels.shape[1], self.patches)
        missing = [(0, n - have) for n, have in zip(shape, labels.shape, strict=True)]
        return np.pad(labels, missing, mode="edge")


class PicturePainter:
    """A drawing that has been encoded; see `Painter`."""

    heeds_hints = False

    def __init__(
        self,
        drawing: Drawing,
        fixed: Mapping[str, Array],
        style: NDArray[np.float32],
        opened: OpenGraphs,
        threads: int | None,
    ) -> None:
        self.style = style
        self._drawing, self._fixed, self._opened, self._threads = drawing, fixed, opened, threads

    @property
    def device(self) -> str:
        """Where the graph that colours runs: "cpu" or "cuda:N"."""
        return self._opened()["decode"].device

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(int(getattr(array, "nbytes", 0)) for array in self._fixed.values())

    def paint(self, code: NDArray[np.float32], hints: RegionHints | None, steps: Steps) -> Painted:
        """The picture in a style; hints change nothing of it."""
        given = {**self._fixed, "style": code[None]}
        rgb = self._opened()["decode"].run(given, cancel=steps.cancel)["rgb"][0]
        height, width = self._drawing.working_luma.shape
        values: NDArray[np.float32] = np.moveaxis(rgb[:, :height, :width], 0, -1)
        decoded = values * np.float32(0.5) + np.float32(0.5)
        return Painted(self._palette(decoded), decoded)

    def _palette(self, decoded: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean colour of each region (count, 3); black for label 0, which stands for lines."""
        regions = self._drawing.regions
        palette = np.zeros((regions.count, 3), np.float32)
        missing = np.arange(regions.count) > 0
        # Lines should have no say; but narrow regions are all beside lines at the working size,
        # and the smallest are not there at all: those are looked up at full size.
        for labels in (regions.working_ground, regions.working, regions.covered):
            means, pixels = region_means(decoded, labels, missing, threads=self._threads)
            palette += means  # zeros but for what was missing
            missing &= pixels == 0
            if not missing.any():
                break
        return palette


def _shrunk(labels: NDArray[np.int32], factor: int) -> NDArray[np.int32]:
    """The label right below the middle of each cell, as in training."""
    return labels[factor // 2 :: factor, factor // 2 :: factor]
