"""A drawing, analyzed: a style in, colours out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...cancellation import CancelToken
from ...errors import InputError
from ...native import (
    Lines,
    RegionDivider,
    Shading,
    compose_drawing,
    reduce_drawing,
)
from ...native.random import normal_numbers
from ...pictures.openraster import Document, DocumentLayer
from ...pictures.rendering import Rendering
from ...pictures.strokes import StrokesLike, dabs_of, read_strokes
from ...trace import span
from ..canvas import Canvas, CanvasKeywords, Kept
from ..steps import Steps
from .drawing import Drawing
from .hints import RegionHints, region_hints
from .painter import Painted, Painter

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .model import LineArtModel

__all__ = ["LineArtCanvas"]


_HINTED = 2 / 255  # how far shading may go from a hint's colour
Style = int | ArrayLike | Literal["hints"] | None


class _Colors(NamedTuple):
    """Colours of a drawing in one style with hints.

    Attributes
    ----------
    labels : (H, W) int32
        Regions under the lines, too; with hints, those that several hints divide.
    palette : (count, 3) float32
        The colour of each.
    shading : Shading or None
    """

    labels: NDArray[np.int32]
    palette: NDArray[np.float32]
    shading: Shading | None


class LineArtCanvas(Canvas[_Colors]):
    """One drawing, analyzed: a style in, colours out, as often as wanted.

    Made by `LineArtModel.prepare`. Safe to use from several threads.
    """

    _model: LineArtModel
    _drawing: Drawing | None
    _painter: Painter | None

    def __init__(self, model: LineArtModel, drawing: Drawing, painter: Painter) -> None:
        working = drawing.working_luma.shape
        self._begin(model, drawing.size, (working[0], working[1]), painter.style)
        self._drawing, self._painter = drawing, painter

    def _begin(
        self,
        model: LineArtModel,
        size: tuple[int, int],
        working: tuple[int, int],
        style: NDArray[np.float32],
    ) -> None:
        super().__init__(model, size, working)
        self._drawing, self._painter = None, None
        self._style = style
        self._styles: Kept[Painted] = Kept()
        self._divider: RegionDivider | None = None

    @property
    def drawing(self) -> Drawing:
        """The drawing: its lines and its regions."""
        drawing = self._drawing  # read once: another thread may close the canvas
        if drawing is None:
            raise self._closed_error()
        return drawing

    @property
    def _seen(self) -> Painter:
        painter = self._painter  # read once, as the drawing
        if painter is None:
            raise self._closed_error()
        return painter

    @property
    def device(self) -> str:
        """Where the graph that colours runs: "cpu" or "cuda:N"."""
        return self._seen.device

    @property
    def regions(self) -> NDArray[np.int32]:
        """(H, W) int32: 0 on lines, 1 to K elsewhere; read-only."""
        return self.drawing.regions.labels

    @property
    def style(self) -> NDArray[np.float32]:
        """The style code predicted from the drawing, (n,) float32 of unit mean square."""
        return self._style.copy()

    def random_style(self, seed: int) -> NDArray[np.float32]:
        """The style code that ``render(style=seed)`` uses, (n,) float32; for interpolation."""
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
            raise InputError(f"a style's seed must be a whole number of at least 0, not {seed!r}")
        return normal_numbers(int(seed), len(self._style))

    def render(
        self,
        style: Style = None,
        hints: StrokesLike | None = None,
        *,
        flat: bool = False,
        **keywords: Unpack[CanvasKeywords],
    ) -> NDArray[Any]:
        """Colour the drawing.

        Parameters
        ----------
        style : int, (n,) real, or "hints", optional
            A seed, or a style code such as a mixture of two; by default the predicted `style`.
            Only a code's direction counts, not its length. "hints": white without a hint.
        hints : (H, W, 4) uint8 RGBA, PIL image, path of such a PNG, or list of Stroke, optional
            Dabs of colour. A region with one has exactly its colour, or, where it is shaded, one
            within two levels; several colours in a region divide it along its lines and the gaps
            between them. Dabs that slip over a line a little do not count there.
        flat : bool
            One colour for each region, without shading.
        **keywords
            See `CanvasKeywords`: region, size, output, saturation, out, cancel, progress.

        Returns
        -------
        (H, W, 3) uint8 sRGB, or what `keywords` ask for
            The drawing's own lines over the colours; the caller's own memory.

        Raises
        ------
        InputError
            For seeds below 0, style codes of another shape, not finite, or all zero, hints of
            another size or without a mark, and keywords out of range.
        Cancelled
            When the token was cancelled.
        """
        return self._drawn(style, hints, flat, self.drawing.lines, keywords)

    def preview(self, style: int | ArrayLike | None = None) -> NDArray[np.uint8]:
        """A small picture at the working size, (h, w, 3) uint8; `style` as in `render`.

        Quick to show while somebody chooses a style; a network's own picture, if it makes one.
        """
        self._require_open()
        with self._working(Steps()):
            painted = self._styled(self._code(style), None, Steps())
            decoded = painted.decoded
            if decoded is None:
                drawing = self.drawing
                ground = painted.palette[drawing.regions.working_covered]
                decoded = ground * drawing.working_luma[..., None]
        result: NDArray[np.uint8] = (np.clip(decoded, 0, 1) * 255 + 0.5).astype(np.uint8)
        return result

    def layers(
        self, style: Style = None, hints: StrokesLike | None = None, *, flat: bool = False
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The lines and the colours apart, to go on painting with.

        Parameters
        ----------
        style, hints, flat :
            As in `render`.

        Returns
        -------
        lines : (H, W, 4) uint8 sRGB and opacity
        colors : (H, W, 4) uint8
            Opaque, below the lines too: the one laid over the other is what `render` gives.
        """
        drawing = self.drawing
        colors = np.full((*self.size, 4), 255, np.uint8)
        self._drawn(style, hints, flat, None, {"out": colors[..., :3]})
        lines = np.zeros((*self.size, 4), np.uint8)
        if drawing.lines.ink is not None:
            lines[..., :3] = drawing.lines.ink
        lines[..., 3] = drawing.lines.opacity
        return lines, colors

    def document(
        self, style: Style = None, hints: StrokesLike | None = None, *, flat: bool = False
    ) -> Document:
        """Everything as layers of one file: ``canvas.document().save("page.ora")``.

        Parameters
        ----------
        style, hints, flat :
            As in `render`.

        Returns
        -------
        Document
            From below: "flat", a colour for each region; "shading", opaque where the picture is
            shaded (left out where nothing is, and when flat); "hints", hidden (with hints only);
            "lines". Laid over each other they are what `render` gives.
        """
        hints = None if hints is None else read_strokes(hints, self.size)  # it is looked at thrice
        lines, shaded = self.layers(style, hints, flat=flat)
        stack = [DocumentLayer("flat", shaded)]
        if not flat:
            colors = self.layers(style, hints, flat=True)[1]
            over = (shaded != colors).any(axis=2, keepdims=True)
            if over.any():
                stack = [DocumentLayer("flat", colors), DocumentLayer("shading", shaded * over)]
        if hints is not None:
            stack.append(DocumentLayer("hints", hints, visible=False))
        stack.append(DocumentLayer("lines", lines))
        return Document(stack, self.render(style, hints, flat=flat))

    def _drawn(
        self,
        style: Style,
        hints: StrokesLike | None,
        flat: bool,
        lines: Lines | None,
        keywords: CanvasKeywords,
    ) -> NDArray[Any]:
        """Each region's own colour, shading on top unless it is flat, and lines over them."""
        code = None if isinstance(style, str) and style == "hints" else self._code(style)
        self._require_open()
        hinted = None if hints is None else self._hinted(hints, keywords.get("cancel"))
        key = (
            None if code is None else code.tobytes(), None if hinted is None else hinted.key
        )  # fmt: skip

        def compose(
            colors: _Colors, rendering: Rendering, cancel: CancelToken | None
        ) -> NDArray[Any]:
            shading = None if flat else colors.shading
            return self._composed(colors, shading, lines, rendering, cancel)

        return self._rendered(
            key, lambda steps: self._colored(code, hinted, steps), keywords, compose
        )

    def _hinted(self, hints: StrokesLike, cancel: CancelToken | None) -> RegionHints:
        regions = self.drawing.regions
        with span("strokes"):
            dabs = dabs_of(hints, self.size, threads=self._model.threads, cancel=cancel)
            return region_hints(dabs, regions.labels, regions.covered, regions.areas)

    def _colored(
        self, code: NDArray[np.float32] | None, hints: RegionHints | None, steps: Steps
    ) -> _Colors:
        regions = self.drawing.regions
        labels, shading, limits = regions.covered, None, None
        palette = np.ones((regions.count, 3), np.float32)
        if hints is not None:
            limits = np.where(hints.flags(regions.count), np.float32(_HINTED), np.float32(1))
        if code is not None:
            palette, decoded = self._styled(code, hints, steps)
            if decoded is not None:
                shading = Shading(decoded, regions.working_ground, palette, limits)
        if hints is not None:
            palette = hints.palette(palette)
            if hints.divided:
                with span("propagation"):
                    labels = self._division().divide(hints.owners, cancel=steps.cancel)
        return _Colors(labels, palette, shading)

    def _division(self) -> RegionDivider:
        """What divides regions, made when first needed."""
        if self._divider is None:
            regions = self.drawing.regions
            self._divider = RegionDivider(
                regions.labels, regions.covered, threads=self._model.threads
            )
        return self._divider

    def _composed(
        self,
        colors: _Colors,
        shading: Shading | None,
        lines: Lines | None,
        rendering: Rendering,
        cancel: CancelToken | None,
    ) -> NDArray[Any]:
        labels, threads = colors.labels, self._model.threads
        with span("upsampling"):
            if rendering.shape != self.size:
                labels, shading, lines = reduce_drawing(
                    labels,
                    rendering.shape,
                    shading=shading,
                    lines=lines,
                    threads=threads,
                    cancel=cancel,
                )
            return compose_drawing(
                colors.palette,
                labels,
                shading=shading,
                lines=lines,
                region=rendering.region,
                output=rendering.output,
                saturation=rendering.saturation,
                out=rendering.pixels,
                threads=threads,
                cancel=cancel,
            )

    def _styled(
        self, code: NDArray[np.float32], hints: RegionHints | None, steps: Steps
    ) -> Painted:
        """The network's colours in a style, kept; with hints, where they change something of it."""
        painter = self._seen
        heeded = hints if painter.heeds_hints else None
        key = (code.tobytes(), None if heeded is None else heeded.key)
        return self._styles.get(key, lambda: painter.paint(code, heeded, steps))

    def _code(self, style: int | ArrayLike | None) -> NDArray[np.float32]:
        if style is None:
            return self._style
        if isinstance(style, (int, np.integer)) and not isinstance(style, bool):
            return self.random_style(int(style))
        code = np.asarray(style)
        if code.shape != self._style.shape or code.dtype.kind not in "fiu":
            raise InputError(
                f"style must be a seed, {len(self._style)} numbers or 'hints', not {style!r:.60}"
            )
        code = code.astype(np.float32)
        if not np.isfinite(code).all() or not code.any():
            raise InputError("a style code must be finite and not all zero")
        return code

    def _held(self) -> int:
        parts = [part for style in self._styles.values() for part in style if part is not None]
        divider = self._divider
        held = self.drawing.nbytes + self._seen.nbytes + sum(part.nbytes for part in parts)
        return held + (0 if divider is None else divider.nbytes)

    def _layer_bytes(self, layer: _Colors) -> int:
        own = layer.labels is not self.drawing.regions.covered
        return (layer.labels.nbytes if own else 0) + layer.palette.nbytes

    def _free(self) -> None:
        self._styles.clear()
        self._divider = None
        self._drawing, self._painter = None, None
