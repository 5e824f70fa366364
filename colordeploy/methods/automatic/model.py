"""The model of automatic colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ...bundle import Bundle
from ...pictures.decoding import ImageLike
from ...runtime.graph import Graph
from ..method import GraphLoader
from ..model import Model, ModelOptions, check_graphs, open_graphs
from ..prepare import Preparation, PrepareKeywords
from .anchors import Anchor
from .canvas import AutomaticCanvas
from .interface import Interface, interface_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..canvas import CanvasKeywords

__all__ = ["AutomaticModel", "create_disco"]


class AutomaticModel(Model):
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
    ) -> AutomaticCanvas:
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
            photo = preparation.photo(image, self.working_size, "lab")
            return AutomaticCanvas(self, photo, anchors, seed, preparation.steps)

    def __call__(
        self,
        image: ImageLike,
        anchors: Sequence[Anchor] | None = None,
        sample: int = 0,
        **keywords: Unpack[CanvasKeywords],
    ) -> NDArray[Any]:
        """Prepare and render at once; (H, W, 3) uint8."""
        return self.prepare(image).render(anchors, sample, **keywords)


def create_disco(bundle: Bundle | None, load: GraphLoader, options: ModelOptions) -> AutomaticModel:
    """DISCO from a bundle; BundleError when the bundle does not describe one."""
    assert bundle is not None  # the record says that it has one
    cell = bundle.integer_parameter("cell", minimum=1)
    working_size = bundle.integer_parameter("working_size", minimum=1)
    interface = interface_of(bundle)
    multiple = cell
    if "multiple" in bundle.manifest.parameters:
        multiple = bundle.integer_parameter("multiple", minimum=1)
    check_graphs(bundle, interface.graphs)
    return AutomaticModel(
        bundle.manifest.name,
        open_graphs(load, interface.graphs),
        options,
        cell=cell,
        multiple=multiple,
        working_size=working_size,
        interface=interface,
    )
