"""Colour from strokes: LGA-Net (``lga``) and its classical forerunner (``levin``).

``prepare`` computes what depends on the picture alone: luma, working size, affinities, the plan of
the system. ``render`` turns strokes into constraints at the working size, solves for the chroma and
brings it to the picture's own size along its luma edges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ..bundle import Bundle
from ..device_array import Strided
from ..errors import InputError
from ..native import Affinities, Propagator, solves_on_gpu
from ..native.checks import thread_count
from ..pictures.decoding import ImageLike, read_luma
from ..pictures.geometry import WorkingSize, pad_to_multiple, resize, working_shape
from ..pictures.strokes import StrokesLike, constraints, read_strokes
from ..pictures.upsample import colorize_full_size
from ..runtime.graph import Graph, Target
from ..trace import span
from .model import Model, load_graphs

__all__ = ["ScribbleCanvas", "ScribbleModel", "levin_model", "lga_model"]


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

    def __call__(self, luma: NDArray[np.float32]) -> tuple[NDArray[np.floating] | Strided, float]:
        """Features (h, w, C), on the host or on a GPU, and alpha for a luma plane (h, w)."""


class LumaFeatures:
    """Levin et al. 2004: neighbours of like luma get like colours; the luma is the feature.

    Their weights are ``exp(-(Y_r - Y_s)^2 / 2 sigma^2)`` too (their Eq. 2), with the variance taken
    from each window, which makes the system unsymmetric. Of the symmetric forms a fixed sigma made
    the best pictures, better ones than the published form too (``bench/levin.py``).
    """

    alpha: ClassVar[float] = 1e-3  # scribbles are all but hard constraints, as in the paper

    def __call__(self, luma: NDArray[np.float32]) -> tuple[NDArray[np.floating], float]:
        return luma[..., None], self.alpha


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

    def __call__(self, luma: NDArray[np.float32]) -> tuple[NDArray[np.floating] | Strided, float]:
        height, width = luma.shape
        inputs = {"luma": pad_to_multiple(luma, self._multiple)[None, None]}
        if self._on_device:
            outputs = self._graph.run(inputs, on_device=True)
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
        found = self._graph.run(inputs)
        features = found["features"][0, :, :height, :width].transpose(1, 2, 0)
        return features, _alpha(found["log_alpha"])


def _alpha(logarithm: NDArray[np.floating]) -> float:
    return float(np.exp(np.float64(logarithm[0])))


class ScribbleCanvas:
    """One picture, prepared: strokes in, colours out, as often as the user edits.

    Made by `ScribbleModel.prepare`. Safe to use from several threads.
    """

    def __init__(
        self,
        luma: NDArray[np.float32],
        working_luma: NDArray[np.float32],
        features: NDArray[np.floating] | Strided,
        alpha: float,
        parameters: PropagationParameters,
        threads: int | None = None,
    ) -> None:
        self._luma = luma
        self._working_luma = working_luma
        self._given = features
        self._sigma = parameters.sigma
        self._threads = threads
        with span("affinities"):
            if isinstance(features, Strided):
                self._propagator = Propagator(
                    features,
                    sigma=parameters.sigma,
                    alpha=alpha,
                    phi=parameters.phi,
                    global_step=parameters.global_step,
                    device=features.base.device,
                    threads=threads,
                )
                return
            affinities = Affinities.from_features(
                self._features,
                sigma=parameters.sigma,
                global_step=parameters.global_step,
                local=parameters.local_edges,
                threads=threads,
            )
            self._propagator = Propagator(
                affinities, alpha=alpha, phi=parameters.phi, threads=threads
            )

    @cached_property
    def _features(self) -> NDArray[np.floating]:
        """(h, w, C) on the host."""
        given = self._given
        return given.numpy() if isinstance(given, Strided) else np.ascontiguousarray(given)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture in pixels."""
        return self._luma.shape[0], self._luma.shape[1]

    @property
    def working_size(self) -> tuple[int, int]:
        """Height and width at which colours are propagated."""
        return self._propagator.shape

    @property
    def propagator(self) -> Propagator:
        """The system being solved, for a closer look."""
        return self._propagator

    def render(self, strokes: StrokesLike) -> NDArray[np.uint8]:
        """Colour the picture.

        Parameters
        ----------
        strokes : (H, W, 4) uint8 RGBA, PIL image, path of such a PNG, or list of Stroke
            Pixels with alpha > 0 are marked; only the chroma of a stroke's colour counts.

        Returns
        -------
        (H, W, 3) uint8 sRGB
            The picture's own luma with the propagated chroma; the caller's own memory.

        Raises
        ------
        InputError
            For strokes of another size, or without a mark.
        """
        with span("strokes"):
            marks = constraints(read_strokes(strokes, self.size), self.working_size)
        with span("propagation"):
            chroma = self._propagator.solve(marks.mask, marks.chroma)
        return colorize_full_size(self._luma, self._working_luma, chroma, threads=self._threads)

    def affinity(self, y: int, x: int) -> NDArray[np.float32]:
        """Affinity of one pixel with every other (Eq. 1), for display.

        Parameters
        ----------
        y, x : int
            Position in image pixels.

        Returns
        -------
        (H, W) float32 in [0, 1]
            1 at the pixel itself. Computed at the working size and enlarged.
        """
        wy, wx = self._working_position(y, x)
        distance = np.square(self._features - self._features[wy, wx]).sum(axis=-1)
        return self._enlarged(np.exp(distance * (-0.5 / self._sigma**2)))

    def local_affinity(self, dy: int, dx: int) -> NDArray[np.float32]:
        """Affinity of every pixel with its neighbour in one direction (Fig. 6, d and e).

        Parameters
        ----------
        dy, dx : int
            Direction, each -1, 0 or 1 and not both 0: (0, -1) is left, (1, 0) is down.

        Returns
        -------
        (H, W) float32 in [0, 1]
            0 where the neighbour is outside the picture. Computed at the working size.
        """
        if dy not in (-1, 0, 1) or dx not in (-1, 0, 1) or (dy, dx) == (0, 0):
            raise InputError(f"a direction is -1, 0 or 1 each and not (0, 0); got ({dy}, {dx})")
        height, width = self.working_size
        here = (slice(max(-dy, 0), height - max(dy, 0)), slice(max(-dx, 0), width - max(dx, 0)))
        there = (slice(max(dy, 0), height - max(-dy, 0)), slice(max(dx, 0), width - max(-dx, 0)))
        distance = np.square(self._features[here] - self._features[there]).sum(axis=-1)
        plane = np.zeros(self.working_size)
        plane[here] = np.exp(distance * (-0.5 / self._sigma**2))
        return self._enlarged(plane)

    def global_affinity(self, y: int, x: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Affinities of one pixel with the global points (Fig. 6, f).

        Parameters
        ----------
        y, x : int
            Position in image pixels.

        Returns
        -------
        points : (G, 2) float64
            (y, x) of the global points in image pixels; none when the model has none.
        affinities : (G,) float32 in [0, 1]
        """
        wy, wx = self._working_position(y, x)
        step = self._propagator.affinities.global_step
        height, width = self.working_size
        rows = np.arange(step // 2, height, step) if step else np.arange(0)
        columns = np.arange(step // 2, width, step) if step else np.arange(0)
        ys, xs = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
        distance = np.square(self._features[ys, xs] - self._features[wy, wx]).sum(axis=-1)
        scale = np.array(self.size) / np.array(self.working_size)
        points = (np.stack([ys, xs], axis=-1) + 0.5) * scale - 0.5
        return points, np.exp(distance * (-0.5 / self._sigma**2)).astype(np.float32)

    def _working_position(self, y: int, x: int) -> tuple[int, int]:
        height, width = self.size
        if not (0 <= y < height and 0 <= x < width):
            raise InputError(f"({y}, {x}) is outside the picture of {height}x{width} pixels")
        return int(y) * self.working_size[0] // height, int(x) * self.working_size[1] // width

    def _enlarged(self, plane: NDArray[np.floating]) -> NDArray[np.float32]:
        rows = np.arange(self.size[0]) * self.working_size[0] // self.size[0]
        columns = np.arange(self.size[1]) * self.working_size[1] // self.size[1]
        return plane[rows][:, columns].astype(np.float32)


class ScribbleModel(Model):
    """A scribble method: ``prepare`` a picture once, ``render`` strokes on it often.

    Use `colordeploy.load` to get one.
    """

    def __init__(
        self,
        name: str,
        method: str,
        graphs: Mapping[str, Graph],
        source: FeatureSource,
        parameters: PropagationParameters,
        threads: int | None = None,
    ) -> None:
        super().__init__(name, method, graphs, threads)
        self.parameters = parameters
        self._source = source

    def prepare(self, image: ImageLike, *, size: WorkingSize = None) -> ScribbleCanvas:
        """Compute everything that depends on the picture alone.

        Parameters
        ----------
        image : path, PIL image, or (H, W) or (H, W, 3) array
            See `colordeploy.pictures.decoding.read_luma`.
        size : int, "native" or None
            Short side at which colours are propagated (the result is at the picture's own size in
            any case); None is the model's default, "native" the picture's own size.

        Raises
        ------
        InputError
            For pictures that cannot be read or are empty.
        """
        self._open_graphs()
        with span("preprocessing"):
            luma = read_luma(image, thread_count(self.threads))
            shape = working_shape(luma.shape, size, self.parameters.working_size)
            working_luma = np.clip(resize(luma, shape), 0.0, 1.0)
        features, alpha = self._source(working_luma)
        return ScribbleCanvas(luma, working_luma, features, alpha, self.parameters, self.threads)

    def __call__(self, image: ImageLike, strokes: StrokesLike) -> NDArray[np.uint8]:
        """Prepare and render at once; (H, W, 3) uint8."""
        return self.prepare(image).render(strokes)


def levin_model(threads: int | None = None) -> ScribbleModel:
    """Levin et al. 2004: no network."""
    parameters = PropagationParameters(sigma=0.02, global_step=0)
    return ScribbleModel("levin", "levin", {}, LumaFeatures(), parameters, threads)


def lga_model(bundle: Bundle, target: Target) -> ScribbleModel:
    """LGA-Net from a bundle; BundleError when the bundle does not describe one."""
    parameters = PropagationParameters(
        sigma=bundle.number_parameter("sigma", above=0.0),
        phi=bundle.number_parameter("phi", above=-1.0),
        global_step=bundle.whole_parameter("global_step", least=0),
        local_edges=bundle.flag_parameter("local_edges"),
        working_size=bundle.whole_parameter("working_size", least=1),
    )
    multiple = bundle.whole_parameter("multiple", least=1)
    graphs = load_graphs(bundle, target, {"affinity": ({"luma"}, {"features", "log_alpha"})})
    graph = graphs["affinity"]
    on_device = parameters.local_edges and solves_on_gpu(graph.device)
    source = GraphFeatures(graph, multiple, on_device=on_device)
    return ScribbleModel(bundle.manifest.name, "lga", graphs, source, parameters, target.threads)
