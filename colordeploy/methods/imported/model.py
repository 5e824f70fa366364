"""The model of an imported network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ...bundle import Bundle
from ...errors import BundleError
from ...pictures.decoding import ImageLike
from ...runtime.graph import Graph
from ..method import GraphLoader
from ..model import Model, ModelOptions, open_graphs
from ..prepare import Preparation, PrepareKeywords
from .canvas import ImportedCanvas
from .interface import NetworkInterface, interface_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..canvas import CanvasKeywords

__all__ = ["GRAPH", "ImportedModel", "create_imported"]

GRAPH = "network"


class ImportedModel(Model):
    """An automatic method by somebody's own network: ``prepare`` runs it, ``render`` composes.

    Use `colordeploy.load` with the bundle that ``colordeploy models import`` made.

    Attributes
    ----------
    interface : NetworkInterface
    working_size : int
        Default short side at which the network sees a picture.
    input, output : str
        Names of the graph's input and output.
    """

    def __init__(
        self,
        name: str,
        graphs: Mapping[str, Graph],
        options: ModelOptions,
        *,
        interface: NetworkInterface,
        working_size: int,
        tensors: tuple[str, str],
    ) -> None:
        super().__init__(name, "imported", graphs, options)
        self.interface, self.working_size = interface, working_size
        self.input, self.output = tensors

    def prepare(self, image: ImageLike, **keywords: Unpack[PrepareKeywords]) -> ImportedCanvas:
        """Run the network on a picture.

        Parameters
        ----------
        image : path, PIL image, or (H, W) or (H, W, 3) array
            See `colordeploy.pictures.decoding.read_samples`.
        **keywords
            See `PrepareKeywords`: size, cancel, progress. A network of one size only sees the
            picture within that, whatever the size.

        Raises
        ------
        InputError
            For pictures that cannot be read or are empty.
        Cancelled
            When the token was cancelled.
        """
        with Preparation(self, keywords) as preparation:
            photo = preparation.photo(image, self.working_size, self.interface.space)
            if self.interface.side is not None:
                photo = photo.within(self.interface.side)
            return ImportedCanvas(self, photo, preparation.steps)

    def __call__(self, image: ImageLike, **keywords: Unpack[CanvasKeywords]) -> NDArray[Any]:
        """Prepare and render at once; (H, W, 3) uint8."""
        return self.prepare(image).render(**keywords)


def create_imported(
    bundle: Bundle | None, load: GraphLoader, options: ModelOptions
) -> ImportedModel:
    """An imported network from its bundle; BundleError when the bundle does not describe one."""
    assert bundle is not None  # the record says that it has one
    interface = interface_of(bundle)
    working_size = bundle.integer_parameter("working_size", minimum=1)
    entry = bundle.manifest.graphs.get(GRAPH)
    if entry is None or len(entry.inputs) != 1 or not entry.outputs:
        raise BundleError(
            f"{bundle.path}: an imported bundle has a graph {GRAPH!r} with one input; import the "
            "network again"
        )
    output = bundle.parameter("output")
    if output not in {tensor.name for tensor in entry.outputs}:
        raise BundleError(f"{bundle.path}: the graph has no output {output!r}; import it again")
    return ImportedModel(
        bundle.manifest.name,
        open_graphs(load, {GRAPH: entry}),
        options,
        interface=interface,
        working_size=working_size,
        tensors=(entry.inputs[0].name, output),
    )
