"""The model of an imported network that colours by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...bundle import Bundle
from ...pictures.decoding import ImageLike
from ...runtime.graph import Graph
from ..automatic import AutomaticModel
from ..method import GraphLoader
from ..model import ModelOptions, open_graphs
from ..prepare import Preparation, PrepareKeywords
from .canvas import ImportedCanvas
from .network import GRAPH, Network, network_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["ImportedModel", "create_imported"]


class ImportedModel(AutomaticModel):
    """An automatic method by somebody's own network: ``prepare`` runs it, ``render`` composes.

    Use `colordeploy.load` with the bundle that ``colordeploy models import`` made.

    Attributes
    ----------
    network : Network
    """

    anchored = False

    def __init__(
        self, name: str, graphs: Mapping[str, Graph], options: ModelOptions, network: Network
    ) -> None:
        super().__init__(name, "imported", graphs, options)
        self.network = network

    def prepare(
        self,
        image: ImageLike,
        *,
        anchors: int = 8,
        seed: int = 0,
        **keywords: Unpack[PrepareKeywords],
    ) -> ImportedCanvas:
        """Run the network on a picture; see `AutomaticModel.prepare`.

        A network of one size only sees the picture within that, whatever the size.
        """
        with Preparation(self, keywords) as preparation:
            network = self.network
            photo = preparation.photo(image, network.working_size, network.interface.space)
            return ImportedCanvas(self, network.within(photo), preparation.steps)


def create_imported(
    bundle: Bundle | None, load: GraphLoader, options: ModelOptions
) -> ImportedModel:
    """An imported network from its bundle; BundleError when the bundle does not describe one."""
    assert bundle is not None  # the record says that it has one
    network = network_of(bundle)
    return ImportedModel(bundle.manifest.name, open_graphs(load, {GRAPH: None}), options, network)
