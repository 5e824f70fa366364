"""DISCO's model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...bundle import Bundle
from ...pictures.decoding import ImageLike
from ...runtime.graph import Graph
from ..method import GraphLoader
from ..model import ModelOptions, check_graphs, open_graphs
from ..prepare import Preparation, PrepareKeywords
from .disco_canvas import DiscoCanvas
from .interface import Interface, interface_of
from .model import AutomaticModel

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["DiscoModel", "create_disco"]


class DiscoModel(AutomaticModel):
    """DISCO: ``prepare`` a picture once, ``render`` it with anchors often.

    Use `colordeploy.load` to get one.

    Attributes
    ----------
    cell : int
        Side of a place's grid cell in working pixels.
    multiple : int
        What the working picture's sides are padded to.
    interface : Interface
        What its graphs hand on.
    working_size : int
        Default short side at which the networks see a picture.
    """

    anchored = True

    def __init__(
        self,
        name: str,
        graphs: Mapping[str, Graph],
        options: ModelOptions,
        *,
        cell: int,
        multiple: int,
        working_size: int,
        interface: Interface,
    ) -> None:
        super().__init__(name, "disco", graphs, options)
        self.cell, self.multiple = cell, multiple
        self.interface = interface
        self.working_size = working_size

    def prepare(
        self,
        image: ImageLike,
        *,
        anchors: int = 8,
        seed: int = 0,
        **keywords: Unpack[PrepareKeywords],
    ) -> DiscoCanvas:
        """Analyze a picture and locate its anchors; see `Model.prepare`.

        Parameters
        ----------
        anchors : int
            How many, at least 1; a small picture has fewer places, and then gets fewer.
        seed : int
            Of the clustering that locates them; the same seed gives the same anchors.

        Raises
        ------
        InputError
            For numbers out of range, too.
        """
        with Preparation(self, keywords) as preparation:
            photo = preparation.photo(image, self.working_size, "lab", enlarged=True)
            return DiscoCanvas(self, photo, anchors, seed, preparation.steps)


def create_disco(bundle: Bundle | None, load: GraphLoader, options: ModelOptions) -> DiscoModel:
    """DISCO from a bundle; BundleError when the bundle does not describe one."""
    assert bundle is not None  # the record says that it has one
    cell = bundle.integer_parameter("cell", minimum=1)
    working_size = bundle.integer_parameter("working_size", minimum=1)
    interface = interface_of(bundle)
    multiple = cell
    if "multiple" in bundle.manifest.parameters:
        multiple = bundle.integer_parameter("multiple", minimum=1)
    check_graphs(bundle, interface.graphs)
    return DiscoModel(
        bundle.manifest.name,
        open_graphs(load, interface.graphs),
        options,
        cell=cell,
        multiple=multiple,
        working_size=working_size,
        interface=interface,
    )
