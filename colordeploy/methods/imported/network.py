"""An imported network at work: chroma for a photo and hints."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bundle import Bundle
from ...cancellation import CancelToken
from ...errors import BackendError, BundleError
from ...manifest import TensorEntry
from ...pictures.geometry import resize
from ...pictures.photo import Photo
from ...runtime.graph import Graph
from .hints import Hints
from .interface import NetworkInterface, interface_of

__all__ = ["GRAPH", "Network", "network_of"]

GRAPH = "network"


class Network:
    """What is known of an imported network besides its graph.

    Attributes
    ----------
    interface : NetworkInterface
    inputs : tuple of TensorEntry
        Of the graph, in the interface's order.
    output : str
        Name of the graph's output.
    working_size : int
        Default short side at which the network sees a picture.
    """

    def __init__(
        self,
        interface: NetworkInterface,
        inputs: tuple[TensorEntry, ...],
        output: str,
        working_size: int,
    ) -> None:
        self.interface, self.inputs, self.output = interface, inputs, output
        self.working_size = working_size

    def within(self, photo: Photo) -> Photo:
        """The photo at a working size that a network of one size can see."""
        sides = self.interface.sides
        return photo if sides is None else photo.within(*sides)

    def given(self, photo: Photo, hints: Hints | None = None) -> dict[str, NDArray[Any]]:
        """The graph's inputs for a photo."""
        encoded = self.interface.encoded(photo.working, hints)
        return {
            entry.name: values.astype(entry.dtype, copy=False)
            for entry, values in zip(self.inputs, encoded, strict=True)
        }

    def chroma(
        self, graph: Graph, photo: Photo, hints: Hints | None, cancel: CancelToken | None
    ) -> NDArray[np.float32]:
        """What the network says at the working size, (h, w, 2): CIE a and b, or U and V.

        Raises
        ------
        BackendError
            When the output has another shape at this size than at those of the import.
        Cancelled
            When the token was cancelled.
        """
        height, width = photo.working_size
        padded = self.interface.padded_size((height, width))
        found = graph.run(self.given(photo, hints), cancel=cancel)[self.output]
        form, layout = self.interface.output_form, self.interface.layout
        if not form.holds(found.shape, layout, padded):
            raise BackendError(
                f"the network's output for {padded[0]}x{padded[1]} pixels has shape {found.shape}, "
                f"which {self.interface.output!r} in {layout} has not; choose another size, "
                "or import the network with the --multiple that its sides need"
            )
        chroma = self.interface.chroma(found, padded)
        return resize(chroma, padded)[:height, :width]


def network_of(bundle: Bundle) -> Network:
    """The network that a bundle describes.

    Raises
    ------
    BundleError
        When it describes none, or not the graph that it has.
    """
    interface = interface_of(bundle)
    working_size = bundle.integer_parameter("working_size", minimum=1)
    entry = bundle.manifest.graphs.get(GRAPH)
    if entry is None or len(entry.inputs) != len(interface.inputs):
        raise BundleError(
            f"{bundle.path}: an imported bundle has a graph {GRAPH!r} with the inputs that its "
            f"interface names ({', '.join(interface.inputs)}); import the network again"
        )
    output = bundle.parameter("output")
    if output not in {tensor.name for tensor in entry.outputs}:
        raise BundleError(f"{bundle.path}: the graph has no output {output!r}; import it again")
    return Network(interface, entry.inputs, output, working_size)
