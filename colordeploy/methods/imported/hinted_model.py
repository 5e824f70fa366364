"""The model of an imported network that takes hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ...bundle import Bundle
from ...pictures.decoding import ImageLike
from ...runtime.graph import Graph
from ..method import GraphLoader
from ..model import ModelOptions, open_graphs
from ..prepare import Preparation, PrepareKeywords
from ..scribble import ScribbleModel
from ..scribble.features import LumaFeatures
from ..scribble.model import LEVIN, solver_device
from .hinted_canvas import HintedCanvas
from .network import GRAPH, Network, network_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["HintedModel", "create_hinted"]


class HintedModel(ScribbleModel):
    """A scribble method by somebody's own network: ``render`` gives it the strokes as hints.

    Use `colordeploy.load` with the bundle that ``colordeploy models import`` made. Its parameters,
    source and solver are those by which strokes mend a base.

    Attributes
    ----------
    network : Network
    """

    def __init__(
        self,
        name: str,
        graphs: Mapping[str, Graph],
        options: ModelOptions,
        network: Network,
        solver: str,
    ) -> None:
        parameters = replace(LEVIN, working_size=network.working_size)
        super().__init__(
            name, "imported-hints", graphs, LumaFeatures(), parameters, options, solver
        )
        self.network = network

    def prepare(self, image: ImageLike, **keywords: Unpack[PrepareKeywords]) -> HintedCanvas:
        """Bring a picture to the size that the network sees; see `Model.prepare`.

        A network of one size only sees the picture within that, whatever the size.
        """
        with Preparation(self, keywords) as preparation:
            network = self.network
            photo = preparation.photo(image, network.working_size, network.interface.space)
            return HintedCanvas(self, network.within(photo))


def create_hinted(bundle: Bundle | None, load: GraphLoader, options: ModelOptions) -> HintedModel:
    """An imported network from its bundle; BundleError when the bundle does not describe one."""
    assert bundle is not None  # the record says that it has one
    network, name = network_of(bundle), bundle.manifest.name
    graphs = open_graphs(load, {GRAPH: None})
    try:
        solver = solver_device(name, options.device, graphs[GRAPH].device, LEVIN)
    except BaseException:
        graphs[GRAPH].close()
        raise
    return HintedModel(name, graphs, options, network, solver)
