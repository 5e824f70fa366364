"""What DISCO's first graph says of a picture: its places, their probable colours, anchors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...cancellation import CancelToken
from ...device_array import Array
from ...native import kmeans
from ...pictures.color import AB_BINS
from ...runtime.graph import Graph
from ...trace import span
from ..chroma import at_working_size
from ..outputs import Outputs
from .interface import Interface
from .residues import with_residues

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
        a, b = self.probabilities(row, column) @ AB_BINS.astype(np.float32)
        return float(a), float(b)

    def at_working_size(self, ab: NDArray[np.float32]) -> NDArray[np.float32]:
        """The second graph's answer (2, h'', w'') at the working size, (h, w, 2)."""
        return at_working_size(ab, self._gray, self._working_size)

    def heeded(
        self, ab: NDArray[np.float32], mask: NDArray[np.float32], colors: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The second graph's answer (2, h'', w'') nearer to the anchors that it was told of.

        Of DISCO's own network it is the answer as it is: RefineNet ends at full size.
        """
        if self._interface.needs_anchors or not mask.any():
            return ab
        height, width = ab.shape[1:]
        light = 50 * self._gray[0, 0] + 50
        blocks = light.reshape(height, light.shape[0] // height, width, light.shape[1] // width)
        tokens = self._outputs.host("tokens")[0]
        return with_residues(ab, tokens, blocks.mean(axis=(1, 3)), mask[0], colors)

    def features(self) -> NDArray[np.float32]:
        """Learned colour features of the picture's places, (C, rows, columns)."""
        found: NDArray[np.float32] = self._outputs.host(self._interface.features)[0]
        return found[:, : self.rows, : self.columns]

    def pooled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean of values (h, w, C) at the working size in each place, (C, rows, columns)."""
        height, width = self._working_size
        rows, columns = self.grid
        if self._interface.association is None:
            association = np.zeros((9, height, width), np.float32)
            association[4] = 1.0  # each pixel belongs to its own cell
        else:
            association = self._outputs.host(self._interface.association)[0][:, :height, :width]
        total = np.zeros((rows + 2, columns + 2, values.shape[2] + 1), np.float32)
        weighted = np.concatenate([values, np.ones_like(values[..., :1])], axis=2)
        edges = np.arange(0, height, self._cell), np.arange(0, width, self._cell)
        for k in range(9):
            part = np.add.reduceat(association[k, :, :, None] * weighted, edges[0], axis=0)
            part = np.add.reduceat(part, edges[1], axis=1)
            dy, dx = divmod(k, 3)
            total[dy : dy + part.shape[0], dx : dx + part.shape[1]] += part
        inner = total[1 : self.rows + 1, 1 : self.columns + 1]
        means = inner[..., :-1] / np.maximum(inner[..., -1:], 1e-8)
        return np.moveaxis(means, -1, 0).astype(np.float32)

    def locate(self, features: NDArray[np.float32], count: int, seed: int) -> list[tuple[int, int]]:
        """Places of the anchors in reading order: the largest one of each cluster of the features
        (C, rows, columns) (Sec. 4.2), or where all are as large, the one nearest to its middle.

        A cluster left empty has none, and clusters never share one.
        """
        points = features.reshape(features.shape[0], -1).T
        with span("k-means"):
            labels, centres = kmeans(points, count, seed=seed)
        if self._interface.sizes is None:
            score = -np.square(points - centres[labels]).sum(axis=1)
        else:
            score = self._outputs.host(self._interface.sizes)[0][0, : self.rows, : self.columns]
        chosen = {
            int(np.argmax(np.where(labels == cluster, score.ravel(), -np.inf)))
            for cluster in range(count)
            if (labels == cluster).any()
        }
        return [divmod(token, self.columns) for token in sorted(chosen)]
