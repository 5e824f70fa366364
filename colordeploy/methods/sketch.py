"""Colour for line art: RASC (Liu et al., TIP 2023)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..bundle import Bundle
from ..device_array import Array
from ..drawing import Drawing, patch_labels
from ..errors import BundleError, InputError
from ..native import Lines, Shading, compose_drawing, region_max, region_means
from ..pictures.decoding import ImageLike
from ..pictures.geometry import WorkingSize, pad_to_multiple, working_shape
from ..runtime.graph import Graph, Target
from ..trace import span
from .model import Model, Outputs, load_graphs

__all__ = ["LineArtCanvas", "LineArtModel", "rasc_model"]


class LineArtCanvas:
    """One drawing, analyzed: a style in, colours out, as often as wanted.

    Made by `LineArtModel.prepare`. Safe to use from several threads.
    """

    def __init__(
        self,
        drawing: Drawing,
        decoder: Graph,
        fixed: dict[str, Array],
        style: NDArray[np.float32],
        threads: int | None = None,
    ) -> None:
        self._threads = threads
        self._drawing = drawing
        self._decoder = decoder
        self._fixed = fixed
        self._style = style

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the drawing in pixels."""
        return self._drawing.size

    @property
    def working_size(self) -> tuple[int, int]:
        """Height and width at which the networks see the drawing."""
        return self._drawing.working_luma.shape[0], self._drawing.working_luma.shape[1]

    @property
    def regions(self) -> NDArray[np.int32]:
        """(H, W) int32: 0 on lines, 1 to K elsewhere; read-only."""
        return self._drawing.regions.labels

    @property
    def style(self) -> NDArray[np.float32]:
        """The style code predicted from the drawing, (n,) float32 of unit mean square."""
        return self._style.copy()

    def random_style(self, seed: int) -> NDArray[np.float32]:
        """The style code that ``render(style=seed)`` uses, (n,) float32; for interpolation."""
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
            raise InputError(f"a style's seed must be a whole number of at least 0, not {seed!r}")
        drawn = np.random.default_rng(int(seed)).standard_normal(len(self._style))
        return drawn.astype(np.float32)

    def render(
        self, style: int | ArrayLike | None = None, *, flat: bool = False
    ) -> NDArray[np.uint8]:
        """Colour the drawing.

        Parameters
        ----------
        style : int or (n,) real, optional
            A seed, or a style code such as a mixture of two; by default the predicted `style`.
            Only a code's direction counts, not its length.
        flat : bool
            One colour for each region, without shading.

        Returns
        -------
        (H, W, 3) uint8 sRGB
            The drawing's own lines over the colours; the caller's own memory.

        Raises
        ------
        InputError
            For seeds below 0 and style codes of another shape, not finite, or all zero.
        """
        return self._composed(style, flat, self._drawing.lines)

    def preview(self, style: int | ArrayLike | None = None) -> NDArray[np.uint8]:
        """The network's own picture at the working size, (h, w, 3) uint8; `style` as in `render`.

        Quick to show while somebody chooses a style; lines and colours are the network's.
        """
        return _bytes(self._decode(self._code(style)))

    def layers(
        self, style: int | ArrayLike | None = None, *, flat: bool = False
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The lines and the colours apart, to go on painting with.

        Parameters
        ----------
        style, flat :
            As in `render`.

        Returns
        -------
        lines : (H, W, 4) uint8 sRGB and opacity
        colors : (H, W, 4) uint8
            Opaque, below the lines too: the one laid over the other is what `render` gives.
        """
        colors = np.full((*self.size, 4), 255, np.uint8)
        colors[..., :3] = self._composed(style, flat, None)
        lines = np.zeros((*self.size, 4), np.uint8)
        if self._drawing.lines.ink is not None:
            lines[..., :3] = self._drawing.lines.ink
        lines[..., 3] = self._drawing.lines.opacity
        return lines, colors

    def _composed(
        self, style: int | ArrayLike | None, flat: bool, lines: Lines | None
    ) -> NDArray[np.uint8]:
        """Each region's own colour, shading on top, and lines over them."""
        decoded, regions = self._decode(self._code(style)), self._drawing.regions
        with span("upsampling"):
            shading = None if flat else Shading(decoded, regions.working_ground)
            return compose_drawing(
                self._palette(decoded), regions.covered,
                shading=shading, lines=lines, threads=self._threads,
            )  # fmt: skip

    def _palette(self, decoded: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean colour of each region (count, 3); black for label 0, which stands for lines."""
        regions = self._drawing.regions
        palette = np.zeros((regions.count, 3), np.float32)
        missing = np.arange(regions.count) > 0
        # Lines should have no say; but narrow regions are all beside lines at the working size,
        # and the smallest are not there at all: those are looked up at full size.
        for labels in (regions.working_ground, regions.working, regions.covered):
            means, pixels = region_means(decoded, labels, missing, threads=self._threads)
            palette += means  # zeros but for what was missing
            missing &= pixels == 0
            if not missing.any():
                break
        return palette

    def _code(self, style: int | ArrayLike | None) -> NDArray[np.float32]:
        if style is None:
            return self._style
        if isinstance(style, (int, np.integer)) and not isinstance(style, bool):
            return self.random_style(int(style))
        code = np.asarray(style)
        if code.shape != self._style.shape or code.dtype.kind not in "fiu":
            raise InputError(
                f"style must be a seed or {len(self._style)} numbers, not {style!r:.60}"
            )
        code = code.astype(np.float32)
        if not np.isfinite(code).all() or not code.any():
            raise InputError("a style code must be finite and not all zero")
        return code

    def _decode(self, code: NDArray[np.float32]) -> NDArray[np.float32]:
        """(h, w, 3) in about [0, 1] at the working size."""
        rgb = self._decoder.run({**self._fixed, "style": code[None]})["rgb"][0]
        height, width = self.working_size
        values: NDArray[np.float32] = np.moveaxis(rgb[:, :height, :width], 0, -1)
        return values * np.float32(0.5) + np.float32(0.5)


class LineArtModel(Model):
    """RASC: ``prepare`` a drawing once, ``render`` it in any style.

    Use `colordeploy.load` to get one.
    """

    def __init__(
        self,
        name: str,
        graphs: Mapping[str, Graph],
        *,
        levels: int,
        multiple: int,
        working_size: int,
        patches: int,
        labels_encoded: bool,
        threads: int | None = None,
    ) -> None:
        super().__init__(name, "rasc", graphs, threads)
        self._levels, self._multiple = levels, multiple
        self._working_size, self._patches = working_size, patches
        self._labels_encoded = labels_encoded

    def prepare(self, image: ImageLike, *, size: WorkingSize = None) -> LineArtCanvas:
        """Find a drawing's regions and run what does not depend on the style.

        Parameters
        ----------
        image : path, PIL image, or (H, W) or (H, W, 3) array
            Dark lines on light ground, see `colordeploy.pictures.decoding.read_picture`. Mostly
            dark ones are taken for the opposite and inverted, with a warning.
        size : int, "native" or None
            Short side at which the networks see the drawing (the result is at its own size in any
            case); None is the model's default, "native" the drawing's own size.

        Raises
        ------
        InputError
            For pictures that cannot be read, and for those without lines or without ground.
        """
        graphs = self._open_graphs()
        with span("preprocessing"):
            drawing = Drawing(
                image,
                lambda shape: working_shape(shape, size, self._working_size),
                threads=self.threads,
            )
        line = pad_to_multiple(2 * drawing.working_luma - 1, self._multiple)
        encode: dict[str, Array] = {"line": line[None, None]}
        if self._labels_encoded:
            encode["labels"] = self._labels(drawing, line.shape)[None]
        found = Outputs(graphs["encode"], encode)
        labels = self._labels(drawing, line.shape)  # found beside the graph, unless it needs them
        style = found.host("style")[0]
        features = [f"features{i}" for i in range(self._levels)]
        fixed = found.given(*features)
        if "correlate" in graphs:
            count = int(labels.max()) + 1
            present = np.bincount(labels.ravel(), minlength=count) > 0
            aggregated = {
                f"regions{i}": region_max(found.host(name)[0], _shrunk(labels, 2**i), count)[None]
                for i, name in enumerate(features)
            }
            patterns = Outputs(
                graphs["correlate"], {"present": present[None].astype(np.float32), **aggregated}
            )
            fixed |= patterns.given(*(f"patterns{i}" for i in range(self._levels)))
            fixed["labels"] = labels[None]
        return LineArtCanvas(drawing, graphs["decode"], fixed, style, self.threads)

    def _labels(self, drawing: Drawing, shape: tuple[int, ...]) -> NDArray[np.int32]:
        """Regions at the working size, or patches in their place, padded to a shape."""
        labels = drawing.regions.working
        if self._patches:
            labels = patch_labels(labels.shape[0], labels.shape[1], self._patches)
        missing = [(0, n - have) for n, have in zip(shape, labels.shape, strict=True)]
        return np.pad(labels, missing, mode="edge")

    def __call__(
        self, image: ImageLike, style: int | ArrayLike | None = None, *, flat: bool = False
    ) -> NDArray[np.uint8]:
        """Prepare and render at once; (H, W, 3) uint8."""
        return self.prepare(image).render(style, flat=flat)


def rasc_model(bundle: Bundle, target: Target) -> LineArtModel:
    """RASC from a bundle; BundleError when the bundle does not describe one."""
    entries = bundle.manifest.graphs
    if not {"encode", "decode"} <= entries.keys() <= {"encode", "correlate", "decode"}:
        raise BundleError(
            f"{bundle.path}: a rasc bundle has the graphs encode, correlate and decode; this one "
            f"has {', '.join(sorted(entries))}"
        )
    levels = bundle.whole_parameter("levels", least=1)
    features = {f"features{i}" for i in range(levels)}
    labels_encoded = "labels" in {t.name for t in entries["encode"].inputs}
    wanted = {
        "encode": ({"line", "labels"} if labels_encoded else {"line"}, {*features, "style"}),
        "decode": ({"style", *features}, {"rgb"}),
    }
    if "correlate" in entries:
        patterns = {f"patterns{i}" for i in range(levels)}
        wanted["correlate"] = ({"present", *(f"regions{i}" for i in range(levels))}, patterns)
        wanted["decode"] = ({"style", "labels", *features, *patterns}, {"rgb"})
    return LineArtModel(
        bundle.manifest.name,
        load_graphs(bundle, target, wanted),
        levels=levels,
        multiple=bundle.whole_parameter("multiple", least=1),
        working_size=bundle.whole_parameter("working_size", least=1),
        patches=bundle.whole_parameter("patches", least=0),
        labels_encoded=labels_encoded,
        threads=target.threads,
    )


def _shrunk(labels: NDArray[np.int32], factor: int) -> NDArray[np.int32]:
    """The label right below the middle of each cell, as in training."""
    return labels[factor // 2 :: factor, factor // 2 :: factor]


def _bytes(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    result: NDArray[np.uint8] = (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
    return result
