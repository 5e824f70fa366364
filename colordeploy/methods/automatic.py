"""Automatic colour with anchors: DISCO (Xia et al., SIGGRAPH Asia 2022)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..anchors import CANDIDATES, Anchor, diverse_order
from ..bundle import Bundle
from ..device_array import Array
from ..errors import InputError
from ..native import kmeans
from ..native.checks import whole_number
from ..pictures.color import AB_BINS, lab_of, nearest_bin
from ..pictures.decoding import ImageLike, read_picture
from ..pictures.geometry import WorkingSize, pad_to_multiple, resize
from ..pictures.upsample import AB_SCALE, colorize_full_size
from ..runtime.graph import Graph, Target
from ..trace import span
from .model import Model, Outputs, load_graphs, read_at_two_sizes

__all__ = ["Anchor", "AutomaticCanvas", "AutomaticModel", "disco_model"]

_FARTHEST = 10.0  # from the nearest bin, in ab units: beyond is no colour of sRGB


class _Analysis:
    """What the first graph found; (C, h, w) maps on the host, fetched when they are looked at."""

    def __init__(self, gray: NDArray[np.float32], outputs: Outputs) -> None:
        self.gray = gray
        self._outputs = outputs

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of superpixels, those of the padding included."""
        rows, columns = self._outputs.shape("tokens")[2:]
        return rows, columns

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._outputs.host(name)[0]
        return found

    def handed_on(self) -> dict[str, Array]:
        """Inputs of the second graph, where the first one left them."""
        return {"gray": self.gray[None], **self._outputs.given("association", "tokens")}


class AutomaticCanvas:
    """One picture, analyzed: anchors in, colours out, as often as the user edits.

    Made by `AutomaticModel.prepare`. Safe to use from several threads.
    """

    def __init__(
        self,
        lightness: NDArray[np.float32],
        working_lightness: NDArray[np.float32],
        analysis: _Analysis,
        generator: Graph,
        cell: int,
        anchors: int,
        seed: int,
        threads: int | None = None,
    ) -> None:
        self._threads = threads
        self._lightness = lightness
        self._working_lightness = working_lightness
        self._analysis = analysis
        self._generator = generator
        self._cell = cell
        rows, columns = analysis.grid
        count = whole_number("anchors", anchors)
        # Superpixels of the picture; those of the padding are none of its places.
        self._rows = min(rows, -(-working_lightness.shape[0] // cell))
        self._columns = min(columns, -(-working_lightness.shape[1] // cell))
        if not 1 <= count <= self._rows * self._columns:
            raise InputError(
                f"anchors must be between 1 and the {self._rows * self._columns} superpixels of "
                f"this picture at its working size, not {count}; use a larger size"
            )
        self._count, self._seed = count, seed
        self._tokens = self._locate(analysis["color_features"][:, : self._rows, : self._columns])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture in pixels."""
        return self._lightness.shape[0], self._lightness.shape[1]

    @property
    def working_size(self) -> tuple[int, int]:
        """Height and width at which the networks see the picture."""
        return self._working_lightness.shape[0], self._working_lightness.shape[1]

    @property
    def anchors(self) -> list[Anchor]:
        """The anchors that were found, each with its most probable colour; best to start from."""
        return self.diverse_anchors(0)

    def diverse_anchors(self, sample: int) -> list[Anchor]:
        """The same places with other probable colours.

        Parameters
        ----------
        sample : int
            0 takes the most probable colour of each place; 1 the one of its ten candidates that is
            farthest from that; 2 and on the one with the largest sum of distances to those before.
        """
        number = whole_number("sample", sample)
        if not 0 <= number < CANDIDATES:
            raise InputError(f"sample must be between 0 and {CANDIDATES - 1}, not {number}")
        return [self._anchor_at(row, column, number) for row, column in self._tokens]

    def anchors_from(self, picture: ImageLike, *, relocate: bool = False) -> list[Anchor]:
        """Anchors with the colours that another picture has there.

        For pictures that belong together: an earlier result, the frame of a film before this one,
        the original in colour.

        Parameters
        ----------
        picture : path, PIL image, or (H, W, 3) array
            Of the canvas's size, in colour.
        relocate : bool
            Also place the anchors by the clusters of that picture's colours, instead of those of
            the learned colour features.

        Raises
        ------
        InputError
            For a picture of another size, or one that cannot be read.
        """
        rgb = read_picture(picture)
        if rgb.shape != (*self.size, 3):
            raise InputError(
                f"the picture to take colours from must be in colour and have the canvas's "
                f"{self.size[0]}x{self.size[1]} pixels, not shape {rgb.shape}"
            )
        ab = lab_of(np.clip(resize(rgb, self.working_size), 0.0, 1.0))[..., 1:]
        means = self._pooled(ab)
        tokens = self._locate(means[:, : self._rows, : self._columns]) if relocate else self._tokens
        return [
            replace(
                self._anchor_at(row, column, 0),
                ab=(float(means[0, row, column]), float(means[1, row, column])),
            )
            for row, column in tokens
        ]

    def render(self, anchors: Sequence[Anchor] | None = None, sample: int = 0) -> NDArray[np.uint8]:
        """Colour the picture.

        Parameters
        ----------
        anchors : sequence of Anchor, optional
            Places and chromas that the caller wants, each rounded to the superpixel and to the
            colour bin it falls into (of several in one superpixel, the last counts); by default
            those that were found.
        sample : int
            Which of the diverse results, see `diverse_anchors`; only without `anchors`.

        Returns
        -------
        (H, W, 3) uint8 sRGB
            The picture's own lightness with new chroma; the caller's own memory.

        Raises
        ------
        InputError
            For anchors outside the picture, colours outside sRGB, or no anchor at all.
        """
        wanted = self.diverse_anchors(sample) if anchors is None else list(anchors)
        if anchors is not None and sample != 0:
            raise InputError("sample chooses colours for the anchors found; leave anchors out")
        mask, colors = self._hints(wanted)
        inputs = {**self._analysis.handed_on(), "mask": mask[None], "colors": colors[None]}
        ab = self._generator.run(inputs)["ab"][0]
        height, width = self.working_size
        chroma = np.moveaxis(ab[:, :height, :width], 0, -1) / AB_SCALE
        return colorize_full_size(
            self._lightness / np.float32(100),
            self._working_lightness / np.float32(100),
            chroma,
            space="lab",
            threads=self._threads,
        )

    def palette(self, anchors: Sequence[Anchor] | None = None) -> NDArray[np.uint8]:
        """Picture of the anchors' colours and their distributions (Fig. 8).

        One row an anchor: its colour, then its candidates, as wide as they are probable.
        """
        shown = self.anchors if anchors is None else list(anchors)
        if not shown:
            raise InputError("there are no anchors to show")
        row, swatch, bar = 32, 48, 320
        picture = np.full((row * len(shown), swatch + 8 + bar, 3), 255, np.uint8)
        for i, anchor in enumerate(shown):
            rows = slice(i * row + 2, (i + 1) * row - 2)
            picture[rows, :swatch] = anchor.color
            total = sum(p for _, p in anchor.candidates)
            begin = 0.0
            for (_, p), color in zip(anchor.candidates, anchor.candidate_colors, strict=True):
                end = begin + bar * p / total
                picture[rows, swatch + 8 + round(begin) : swatch + 8 + round(end)] = color
                begin = end
        return picture

    def _anchor_at(self, row: int, column: int, sample: int) -> Anchor:
        """The anchor of a superpixel, with the colour of a diverse result."""
        probabilities = self._analysis["probabilities"][:, row, column]
        best = np.argsort(-probabilities, kind="stable")[:CANDIDATES]
        candidates = tuple(
            ((float(AB_BINS[i, 0]), float(AB_BINS[i, 1])), float(probabilities[i])) for i in best
        )
        y, x = self._place_of(row, column)
        lightness = float(self._lightness[round(y), round(x)])
        chosen = diverse_order(AB_BINS[best])[sample]
        return Anchor(y, x, candidates[chosen][0], candidates, lightness)

    def _pooled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean of values (h, w, C) at working size in each superpixel, (C, rows, columns)."""
        height, width = self.working_size
        association = self._analysis["association"][:, :height, :width]
        rows, columns = self._analysis.grid
        total = np.zeros((rows + 2, columns + 2, values.shape[2] + 1), np.float32)
        weighted = np.concatenate([values, np.ones_like(values[..., :1])], axis=2)
        edges = np.arange(0, height, self._cell), np.arange(0, width, self._cell)
        for k in range(9):
            part = np.add.reduceat(association[k, :, :, None] * weighted, edges[0], axis=0)
            part = np.add.reduceat(part, edges[1], axis=1)
            dy, dx = divmod(k, 3)
            total[dy : dy + part.shape[0], dx : dx + part.shape[1]] += part
        inner = total[1:-1, 1:-1]
        means = inner[..., :-1] / np.maximum(inner[..., -1:], 1e-8)
        return np.moveaxis(means, -1, 0).astype(np.float32)

    def _locate(self, features: NDArray[np.float32]) -> list[tuple[int, int]]:
        """Superpixels of the anchors in reading order: the largest one of each cluster of the
        features (C, rows, columns) (Sec. 4.2).

        A cluster left empty has none, and clusters never share one.
        """
        points = features.reshape(features.shape[0], -1).T
        with span("k-means"):
            labels, _ = kmeans(points, self._count, seed=self._seed)
        size = self._analysis["sizes"][0, : self._rows, : self._columns].ravel()
        chosen = {
            int(np.argmax(np.where(labels == cluster, size, -1.0)))
            for cluster in range(self._count)
            if (labels == cluster).any()
        }
        return [divmod(token, self._columns) for token in sorted(chosen)]

    def _place_of(self, row: int, column: int) -> tuple[float, float]:
        """Middle of a superpixel's grid cell, in image pixels."""
        place = []
        for index, full, working in zip((row, column), self.size, self.working_size, strict=True):
            begin, end = index * self._cell, min((index + 1) * self._cell, working)
            place.append(min((begin + end) / 2 * full / working, full - 1.0))
        return place[0], place[1]

    def _hints(self, anchors: list[Anchor]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if not anchors:
            raise InputError("there are no anchors: a picture needs at least one")
        rows, columns = self._analysis.grid
        mask = np.zeros((1, rows, columns), np.float32)
        colors = np.zeros((2, rows, columns), np.float32)
        height, width = self.size
        for anchor in anchors:
            place = np.array([anchor.y, anchor.x], np.float64)
            if not np.isfinite(place).all() or not (
                0 <= anchor.y < height and 0 <= anchor.x < width
            ):
                raise InputError(
                    f"the anchor at ({anchor.y}, {anchor.x}) is outside the picture of "
                    f"{height}x{width} pixels"
                )
            ab = np.array(anchor.ab, np.float64)
            if ab.shape != (2,) or not np.isfinite(ab).all():
                raise InputError(f"the chroma of an anchor is two numbers, not {anchor.ab!r}")
            bin_ab = AB_BINS[nearest_bin(ab)]
            if np.hypot(*(bin_ab - ab)) > _FARTHEST:
                raise InputError(
                    f"ab = ({ab[0]:g}, {ab[1]:g}) is no colour of sRGB; the nearest is about "
                    f"({bin_ab[0]}, {bin_ab[1]})"
                )
            token = (place * self.working_size / self.size / self._cell).astype(int)
            mask[0, token[0], token[1]] = 1.0
            colors[:, token[0], token[1]] = bin_ab
        return mask, colors


class AutomaticModel(Model):
    """DISCO: ``prepare`` a picture once, ``render`` it with anchors often.

    Use `colordeploy.load` to get one.
    """

    def __init__(
        self,
        name: str,
        graphs: Mapping[str, Graph],
        *,
        cell: int,
        working_size: int,
        threads: int | None = None,
    ) -> None:
        super().__init__(name, "disco", graphs, threads)
        self._cell = cell
        self._working_size = working_size

    def prepare(
        self, image: ImageLike, *, anchors: int = 8, seed: int = 0, size: WorkingSize = None
    ) -> AutomaticCanvas:
        """Analyze a picture and locate its anchors.

        Parameters
        ----------
        image : path, PIL image, or (H, W) or (H, W, 3) array
            See `colordeploy.pictures.decoding.read_picture`.
        anchors : int
            How many, at most: at least 1, at most the number of superpixels.
        seed : int
            Of the clustering that locates them; the same seed gives the same anchors.
        size : int, "native" or None
            Short side at which the networks see the picture (the result is at its own size in any
            case); None is the model's default, "native" the picture's own size.

        Raises
        ------
        InputError
            For pictures that cannot be read or are empty, and numbers out of range.
        """
        graphs = self._open_graphs()
        lightness, working = read_at_two_sizes(image, size, self._working_size, self.threads)
        gray = pad_to_multiple((working - np.float32(50)) / np.float32(50), self._cell)[None]
        analysis = _Analysis(gray, Outputs(graphs["analyze"], {"gray": gray[None]}))
        return AutomaticCanvas(
            lightness,
            working,
            analysis,
            graphs["generate"],
            self._cell,
            anchors,
            seed,
            self.threads,
        )

    def __call__(
        self, image: ImageLike, anchors: Sequence[Anchor] | None = None, sample: int = 0
    ) -> NDArray[np.uint8]:
        """Prepare and render at once; (H, W, 3) uint8."""
        return self.prepare(image).render(anchors, sample)


def disco_model(bundle: Bundle, target: Target) -> AutomaticModel:
    """DISCO from a bundle; BundleError when the bundle does not describe one."""
    analyzed = {"association", "tokens", "color_features", "probabilities", "sizes"}
    wanted = {
        "analyze": ({"gray"}, analyzed),
        "generate": ({"gray", "association", "tokens", "mask", "colors"}, {"ab"}),
    }
    return AutomaticModel(
        bundle.manifest.name,
        load_graphs(bundle, target, wanted),
        cell=bundle.whole_parameter("cell", least=1),
        working_size=bundle.whole_parameter("working_size", least=1),
        threads=target.threads,
    )
