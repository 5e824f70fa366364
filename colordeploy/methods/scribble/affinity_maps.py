"""Affinities of a picture as maps to look at (LGA-Net, Fig. 6)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...native.affinities import affinity_map
from ..canvas import checked_position

__all__ = ["AffinityMaps"]


class AffinityMaps:
    """Affinities (Eq. 1), computed at the working size and shown at the picture's.

    Parameters
    ----------
    features : (h, w, C) float
    sigma : float
    global_step : int
        0 when there are no global points.
    size : (H, W)
        Of the picture.
    """

    def __init__(
        self,
        features: NDArray[np.floating],
        sigma: float,
        global_step: int,
        size: tuple[int, int],
    ) -> None:
        self._features = features
        self._sigma, self._scale = sigma, -0.5 / sigma**2
        self._step = global_step
        self._size = size
        self._working_size = features.shape[:2]

    def of_pixel(self, y: int, x: int) -> NDArray[np.float32]:
        """Affinity of one pixel with every other: (H, W) float32 in [0, 1]."""
        wy, wx = self._working_position(y, x)
        return self._enlarged(affinity_map(self._features, self._sigma, wy, wx))

    def of_neighbours(self, dy: int, dx: int) -> NDArray[np.float32]:
        """Affinity of every pixel with its neighbour in one direction: (H, W) float32."""
        if dy not in (-1, 0, 1) or dx not in (-1, 0, 1) or (dy, dx) == (0, 0):
            raise InputError(f"a direction is -1, 0 or 1 each and not (0, 0); got ({dy}, {dx})")
        height, width = self._working_size
        here = (slice(max(-dy, 0), height - max(dy, 0)), slice(max(-dx, 0), width - max(dx, 0)))
        there = (slice(max(dy, 0), height - max(-dy, 0)), slice(max(dx, 0), width - max(-dx, 0)))
        distance = np.square(self._features[here] - self._features[there]).sum(axis=-1)
        plane = np.zeros(self._working_size)
        plane[here] = np.exp(distance * self._scale)
        return self._enlarged(plane)

    def of_global_points(self, y: int, x: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Places (G, 2) of the global points in image pixels, and one pixel's affinities (G,)."""
        wy, wx = self._working_position(y, x)
        height, width = self._working_size
        rows = np.arange(self._step // 2, height, self._step) if self._step else np.arange(0)
        columns = np.arange(self._step // 2, width, self._step) if self._step else np.arange(0)
        ys, xs = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
        distance = np.square(self._features[ys, xs] - self._features[wy, wx]).sum(axis=-1)
        scale = np.array(self._size) / np.array(self._working_size)
        points = (np.stack([ys, xs], axis=-1) + 0.5) * scale - 0.5
        affinities: NDArray[np.float32] = np.exp(distance * self._scale).astype(np.float32)
        return points, affinities

    def _working_position(self, y: int, x: int) -> tuple[int, int]:
        checked_position(self._size, y, x)
        height, width = self._size
        return int(y) * self._working_size[0] // height, int(x) * self._working_size[1] // width

    def _enlarged(self, plane: NDArray[np.floating]) -> NDArray[np.float32]:
        rows = np.arange(self._size[0]) * self._working_size[0] // self._size[0]
        columns = np.arange(self._size[1]) * self._working_size[1] // self._size[1]
        enlarged: NDArray[np.float32] = plane[rows][:, columns].astype(np.float32)
        return enlarged
