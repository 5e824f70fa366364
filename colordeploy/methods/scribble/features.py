"""Where the pixel features of the propagation system come from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ...device_array import Strided
from ...pictures.photo import Photo
from ...runtime.graph import Graph
from ..steps import Steps

__all__ = [
    "FeatureSource",
    "GraphFeatures",
    "LumaFeatures",
    "PropagationParameters",
    "host_features",
]


@dataclass(frozen=True)
class PropagationParameters:
    """Parameters of the propagation system, see `colordeploy.native.propagate`.

    Attributes
    ----------
    sigma, phi : float
    global_step : int
        0 leaves the global points out.
    local_edges : bool
        False leaves the 8-neighbour affinities out.
    working_size : int
        Default short side at which colours are propagated.
    """

    sigma: float
    phi: float = 1e-8
    global_step: int = 12
    local_edges: bool = True
    working_size: int = 256


class FeatureSource(Protocol):
    """Where pixel features and alpha come from."""

    def __call__(self, photo: Photo, steps: Steps) -> tuple[NDArray[np.floating] | Strided, float]:
        """Features (h, w, C), on the host or on a GPU, and alpha for a picture's working luma."""


class LumaFeatures:
    """Levin et al. 2004: neighbours of like luma get like colours; the luma is the feature.

    Their weights are ``exp(-(Y_r - Y_s)^2 / 2 sigma^2)`` too (their Eq. 2), with the variance taken
    from each window, which makes the system unsymmetric. Of the symmetric forms a fixed sigma made
    the best pictures, better ones than the published form too (``bench/levin.py``).
    """

    alpha: ClassVar[float] = 1e-3  # scribbles are all but hard constraints, as in the paper

    def __call__(self, photo: Photo, steps: Steps) -> tuple[NDArray[np.floating], float]:
        return photo.working[..., None], self.alpha


class GraphFeatures:
    """LGA-Net: features and alpha from the graph ``affinity``.

    Parameters
    ----------
    on_device : bool
        Leave the features on the graph's GPU, for a solver that runs there.
    """

    def __init__(self, graph: Graph, multiple: int, *, on_device: bool = False) -> None:
        self._graph = graph
        self._multiple = multiple
        self._on_device = on_device

    def __call__(self, photo: Photo, steps: Steps) -> tuple[NDArray[np.floating] | Strided, float]:
        height, width = photo.working_size
        inputs = {"luma": photo.network_input(self._multiple)}
        if self._on_device:
            outputs = self._graph.run(inputs, on_device=True, cancel=steps.cancel)
            planes = outputs["features"]
            _, channels, rows, columns = planes.shape
            size = planes.dtype.itemsize
            return (
                Strided(
                    planes,
                    (height, width, channels),
                    (columns * size, size, rows * columns * size),
                ),
                _alpha(outputs["log_alpha"].numpy()),
            )
        found = self._graph.run(inputs, cancel=steps.cancel)
        features = found["features"][0, :, :height, :width].transpose(1, 2, 0)
        return features, _alpha(found["log_alpha"])


def host_features(features: NDArray[np.floating] | Strided) -> NDArray[np.floating]:
    """Features (h, w, C) on the host, contiguous."""
    return features.numpy() if isinstance(features, Strided) else np.ascontiguousarray(features)


def _alpha(logarithm: NDArray[np.floating]) -> float:
    return math.exp(float(logarithm[0]))  # as the C library, which has no NumPy
