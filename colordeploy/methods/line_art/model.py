"""The model of line art."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ...abandoning import abandonable
from ...bundle import Bundle
from ...pictures.decoding import ImageLike, read_samples
from ...pictures.geometry import working_shape
from ...pictures.picture import Picture
from ...pictures.strokes import StrokesLike
from ...runtime.graph import Graph
from ...trace import span
from ..method import GraphLoader
from ..model import Model, ModelOptions, check_graphs, open_graphs
from ..prepare import Preparation, PrepareKeywords
from ..steps import Steps
from .canvas import LineArtCanvas, Style
from .drawing import Drawing, pages_in
from .picture_painter import PictureNetwork
from .region_painter import RegionNetwork
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
        network: PictureNetwork | RegionNetwork,
        working_size: int,
    ) -> None:
        super().__init__(name, "rasc", graphs, options)
        self._network, self._working_size = network, working_size

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
                painter = self._network.painter(drawing, self.open_graphs, self.threads, within)
                return LineArtCanvas(self, drawing, painter)

            if len(pages) == 1:
                return drawn(held.pop(), steps)
            return StripCanvas(
                self, whole, pages, lambda top, bottom: drawn(held[0][top:bottom], Steps()), name
            )

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
    kind = RegionNetwork if "paint" in bundle.manifest.graphs else PictureNetwork
    network = kind.of(bundle)
    working_size = bundle.integer_parameter("working_size", minimum=1)
    check_graphs(bundle, network.graphs)
    graphs = open_graphs(load, network.graphs)
    return LineArtModel(bundle.manifest.name, graphs, options, network, working_size)


def _name_of(image: ImageLike) -> str:
    if isinstance(image, Picture):
        return image.name
    return os.fspath(image) if isinstance(image, (str, os.PathLike)) else "the picture"
