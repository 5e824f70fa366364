"""The model of line art."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...abandoning import abandonable
from ...bundle import Bundle
from ...device_array import Array
from ...errors import BundleError
from ...native import region_max
from ...pictures.decoding import ImageLike, read_samples
from ...pictures.geometry import pad_to_multiple, working_shape
from ...pictures.picture import Picture
from ...pictures.strokes import StrokesLike
from ...runtime.graph import Graph
from ...trace import span
from ..method import GraphLoader
from ..model import Model, ModelOptions, check_graphs, open_graphs
from ..outputs import Outputs
from ..prepare import Preparation, PrepareKeywords
from ..steps import Steps
from .canvas import LineArtCanvas, Style
from .drawing import Drawing, pages_in, patch_labels
from .strip import StripCanvas

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..canvas import CanvasKeywords

__all__ = ["LineArtModel", "create_rasc"]


class LineArtModel(Model):
    """RASC: ``prepare`` a drawing once, ``render`` it in any style.

    Use `colordeploy.load` to get one.
    """

    def __init__(
        self,
        name: str,
        graphs: Mapping[str, Graph],
        options: ModelOptions,
        *,
        levels: int,
        multiple: int,
        working_size: int,
        patches: int,
        labels_encoded: bool,
    ) -> None:
        super().__init__(name, "rasc", graphs, options)
        self._levels, self._multiple = levels, multiple
        self._working_size, self._patches = working_size, patches
        self._labels_encoded = labels_encoded

    def prepare(
        self,
        image: ImageLike,
        *,
        radii: Sequence[int] | None = None,
        **keywords: Unpack[PrepareKeywords],
    ) -> LineArtCanvas:
        """Find a drawing's regions and run what does not depend on the style; see `Model.prepare`.

        Parameters
        ----------
        image : path, PIL image, or (H, W) or (H, W, 3) array
            Dark lines on light ground. Mostly dark ones are taken for the opposite and inverted,
            which is logged. A strip of pages, three times as high as wide or more, is worked on
            page by page (`StripCanvas`).
        radii : sequence of int, optional
            Of the balls that look for regions, in pixels of the drawing, decreasing, 0 to 31: gaps
            of up to twice the largest radius are closed. By default 3, 2, 1 at the working size,
            larger in larger pictures; (0,) closes no gap.

        Raises
        ------
        InputError
            For pictures without lines or without ground, too.
        """
        with Preparation(self, keywords) as preparation:
            steps, size = preparation.steps, preparation.size
            steps(0.0, "reading")
            name = _name_of(image)
            held = [abandonable(lambda: read_samples(image), steps.cancel)]
            whole = held[0].shape[0], held[0].shape[1]
            pages = abandonable(lambda: pages_in(held[0], self.threads), steps.cancel)

            def drawn(samples: NDArray[Any], within: Steps) -> LineArtCanvas:
                parts = [samples]
                del samples  # large, and not needed when the drawing was taken apart
                with span("preprocessing"):
                    drawing = abandonable(
                        lambda: Drawing(
                            parts.pop(),
                            lambda shape: working_shape(shape, size, self._working_size),
                            name=name,
                            radii=radii,
                            threads=self.threads,
                        ),
                        within.cancel,
                    )
                return self._encoded(drawing, within)

            if len(pages) == 1:
                return drawn(held.pop(), steps)
            return StripCanvas(
                self, whole, pages, lambda top, bottom: drawn(held[0][top:bottom], Steps()), name
            )

    def _encoded(self, drawing: Drawing, steps: Steps) -> LineArtCanvas:
        """Run what does not depend on the style."""
        graphs = self.open_graphs()
        steps(0.2, "encoding")
        line = pad_to_multiple(2 * drawing.working_luma - 1, self._multiple)
        encode: dict[str, Array] = {"line": line[None, None]}
        if self._labels_encoded:
            abandonable(lambda: drawing.regions, steps.cancel)
            encode["labels"] = self._labels(drawing, line.shape)[None]
        outputs = Outputs(graphs["encode"], encode, steps.cancel)
        steps(0.6, "regions")
        abandonable(lambda: drawing.regions, steps.cancel)
        labels = self._labels(drawing, line.shape)  # found beside, unless the graph needs them
        style = outputs.host("style")[0]
        features = [f"features{i}" for i in range(self._levels)]
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
            fixed |= patterns.on_device(*(f"patterns{i}" for i in range(self._levels)))
            fixed["labels"] = labels[None]
        return LineArtCanvas(self, drawing, fixed, style)

    def _labels(self, drawing: Drawing, shape: tuple[int, ...]) -> NDArray[np.int32]:
        """Regions at the working size, or patches in their place, padded to a shape."""
        labels = drawing.regions.working
        if self._patches:
            labels = patch_labels(labels.shape[0], labels.shape[1], self._patches)
        missing = [(0, n - have) for n, have in zip(shape, labels.shape, strict=True)]
        return np.pad(labels, missing, mode="edge")

    def __call__(
        self,
        image: ImageLike,
        style: Style = None,
        hints: StrokesLike | None = None,
        *,
        flat: bool = False,
        **keywords: Unpack[CanvasKeywords],
    ) -> NDArray[Any]:
        """Prepare and render at once; (H, W, 3) uint8."""
        return self.prepare(image).render(style, hints, flat=flat, **keywords)


def create_rasc(bundle: Bundle | None, load: GraphLoader, options: ModelOptions) -> LineArtModel:
    """RASC from a bundle; BundleError when the bundle does not describe one."""
    assert bundle is not None  # the record says that it has one
    entries = bundle.manifest.graphs
    if not {"encode", "decode"} <= entries.keys() <= {"encode", "correlate", "decode"}:
        raise BundleError(
            f"{bundle.path}: a rasc bundle has the graphs encode, correlate and decode; this one "
            f"has {', '.join(sorted(entries))}"
        )
    levels = bundle.whole_parameter("levels", minimum=1)
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
    parameters = {
        "multiple": bundle.whole_parameter("multiple", minimum=1),
        "working_size": bundle.whole_parameter("working_size", minimum=1),
        "patches": bundle.whole_parameter("patches", minimum=0),
    }
    check_graphs(bundle, wanted)
    return LineArtModel(
        bundle.manifest.name,
        open_graphs(load, wanted),
        options,
        levels=levels,
        labels_encoded=labels_encoded,
        **parameters,
    )


def _name_of(image: ImageLike) -> str:
    if isinstance(image, Picture):
        return image.name
    return os.fspath(image) if isinstance(image, (str, os.PathLike)) else "the picture"


def _shrunk(labels: NDArray[np.int32], factor: int) -> NDArray[np.int32]:
    """The label right below the middle of each cell, as in training."""
    return labels[factor // 2 :: factor, factor // 2 :: factor]
