"""What DISCO's first graph says of a picture: its places, their probable colours, anchors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...cancellation import CancelToken
from ...device_array import Array
from ...native import anchors as core
from ...native.working import chroma_at_working_size
from ...runtime.graph import Graph
from ...trace import span
from ..outputs import Outputs
from .interface import Interface

__all__ = ["Analysis"]


class Analysis:
    """The first graph's outputs; (C, h, w) maps come to the host when they are looked at.

    Parameters
    ----------
    graph : Graph
        ``analyze``.
    gray : (1, 1, h', w') float32
        (L - 50) / 50 at the working size, padded to whole cells.
    working_size : (h, w)
        Without the padding.
    cell : int
        Side of a place's grid cell in working pixels: of a superpixel's, or the place itself.
    interface : Interface
        What the graphs hand on.
    """

    def __init__(
        self,
        graph: Graph,
        gray: NDArray[np.float32],
        working_size: tuple[int, int],
        cell: int,
        interface: Interface,
        cancel: CancelToken | None,
    ) -> None:
        self._gray, self._interface = gray, interface
        self._working_size, self._cell = working_size, cell
        self._outputs = Outputs(graph, {"gray": gray}, cancel)
        # Those of the padding are none of the picture's places.
        rows, columns = self.grid
        height, width = working_size
        self.rows, self.columns = min(rows, -(-height // cell)), min(columns, -(-width // cell))

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of places, those of the padding included."""
        rows, columns = self._outputs.shape("tokens")[2:]
        return rows, columns

    @property
    def nbytes(self) -> int:
        """Bytes held, on the host and on the device."""
        return self._gray.nbytes + self._outputs.nbytes

    def probabilities(self, row: int, column: int) -> NDArray[np.float32]:
        """Probabilities of the colour bins for a place."""
        found: NDArray[np.float32] = self._outputs.host("probabilities")[0][:, row, column]
        return found

    def generator_inputs(self) -> dict[str, Array]:
        """Inputs of the second graph, where the first one left them."""
        handed = self._outputs.on_device(*sorted(self._interface.handed))
        return {"gray": self._gray, **handed} if self._interface.gray else handed

    def expected(self, row: int, column: int) -> tuple[float, float]:
        """Mean chroma of a place's probabilities, in ab units."""
        return core.expected_chroma(self.probabilities(row, column))

    def at_working_size(self, ab: NDArray[np.float32]) -> NDArray[np.float32]:
        """The second graph's answer (2, h'', w'') at the working size, (h, w, 2)."""
        return chroma_at_working_size(ab, self._gray[0, 0], self._working_size)

    def heeded(
        self, ab: NDArray[np.float32], mask: NDArray[np.float32], colors: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The second graph's answer (2, h'', w'') nearer to the anchors that it was told of.

        Of DISCO's own network it is the answer as it is: RefineNet ends at full size.
        """
        if self._interface.needs_anchors or not mask.any():
            return ab
        tokens = self._outputs.host("tokens")[0]
        return core.with_residues(ab, tokens, self._gray[0, 0], mask, colors)

    def features(self) -> NDArray[np.float32]:
        """Learned colour features of the picture's places, (C, rows, columns)."""
        found: NDArray[np.float32] = self._outputs.host(self._interface.features)[0]
        return found[:, : self.rows, : self.columns]

    def pooled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean of values (h, w, C) at the working size in each place, (C, rows, columns)."""
        name = self._interface.association
        association = None if name is None else self._outputs.host(name)[0]
        return core.pooled(values, association, self._cell)[:, : self.rows, : self.columns]

    def locate(self, features: NDArray[np.float32], count: int, seed: int) -> list[tuple[int, int]]:
        """Places of the anchors in reading order: the largest one of each cluster of the features
        (C, rows, columns) (Sec. 4.2), or where all are as large, the one nearest to its middle.

        A cluster left empty has none, and clusters never share one.
        """
        sizes = None
        if self._interface.sizes is not None:
            sizes = self._outputs.host(self._interface.sizes)[0][0, : self.rows, : self.columns]
        with span("k-means"):
            places = core.located(features, sizes, count, seed=seed)
        return [divmod(place, self.columns) for place in places]
