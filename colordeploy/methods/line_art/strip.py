"""Long strips of drawings, page by page."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...native import resample
from ...pictures.rendering import Rendering
from ...pictures.strokes import StrokesLike, read_strokes
from ..canvas import CanvasKeywords
from .canvas import LineArtCanvas, Style

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .model import LineArtModel

__all__ = ["StripCanvas"]

_logger = logging.getLogger("colordeploy")

_HELD = 256 << 20  # bytes of pages that are kept ready, besides the one in work

PreparePage = Callable[[int, int], LineArtCanvas]


class StripCanvas(LineArtCanvas):
    """A strip, analyzed page by page: everything is as on the page alone.

    Made by `LineArtModel.prepare` of a drawing in which pages are found. Of pages beyond a bound of
    memory the drawing alone is kept, and analyzed again when it is needed.
    """

    def __init__(
        self,
        model: LineArtModel,
        size: tuple[int, int],
        pages: list[tuple[int, int]],
        prepare: PreparePage,
        name: str,
    ) -> None:
        self._pages, self._prepare = pages, prepare
        self._ready: OrderedDict[int, LineArtCanvas] = OrderedDict()
        self._page_lock = RLock()
        first = self._page(0)
        columns = first.working_size[1]
        shape = round(size[0] * columns / size[1]), columns
        self._begin(model, size, shape, first.style)
        _logger.info("%s is a strip of %d pages, each is coloured by itself", name, len(pages))

    @property
    def device(self) -> str:
        """Where the graph that colours runs: "cpu" or "cuda:N"."""
        return self._page(0).device

    @property
    def regions(self) -> NDArray[np.int32]:
        """(H, W) int32: 0 on lines, 1 to K elsewhere, page after page; read-only."""
        self._require_open()
        labels = np.empty(self.size, np.int32)
        count = 0
        for number, (top, bottom) in enumerate(self._pages):
            own = self._page(number).regions
            labels[top:bottom] = np.where(own > 0, own + count, 0)
            count += int(own.max())
        labels.flags.writeable = False
        return labels

    def render(
        self,
        style: Style = None,
        hints: StrokesLike | None = None,
        *,
        flat: bool = False,
        **keywords: Unpack[CanvasKeywords],
    ) -> NDArray[Any]:
        """Colour the strip; see `LineArtCanvas.render`. By default each page has its own style."""

        def drawn(page: LineArtCanvas, own: NDArray[np.uint8] | None, **given: Any) -> Any:
            return page.render(style, own, flat=flat, **given)

        return self._page_by_page(hints, keywords, drawn)

    def preview(self, style: int | ArrayLike | None = None) -> NDArray[np.uint8]:
        """The network's own pictures, one below the other, (h, w, 3) of the working size."""
        self._require_open()
        columns, scale = self.working_size[1], self.working_size[0] / self.size[0]
        small = np.empty((*self.working_size, 3), np.uint8)
        for number, (top, bottom) in enumerate(self._pages):
            first, last = round(top * scale), round(bottom * scale)
            if first < last:
                part = self._page(number).preview(style)
                same = part.shape[:2] == (last - first, columns)
                small[first:last] = part if same else _reduced(part, (last - first, columns))
        return small

    def layers(
        self,
        style: Style = None,
        hints: StrokesLike | None = None,
        *,
        flat: bool = False,
        saturation: float = 1.0,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The lines and the colours apart; see `LineArtCanvas.layers`."""
        self._require_open()
        lines, colors = (np.empty((*self.size, 4), np.uint8) for _ in range(2))
        marks = None if hints is None else read_strokes(hints, self.size)
        for number, (top, bottom) in enumerate(self._pages):
            own = _marks_of(marks, top, bottom)
            lines[top:bottom], colors[top:bottom] = self._page(number).layers(
                style, own, flat=flat, saturation=saturation
            )
        return lines, colors

    def _page_by_page(
        self,
        hints: StrokesLike | None,
        keywords: CanvasKeywords,
        drawn: Callable[..., NDArray[Any]],
    ) -> NDArray[Any]:
        wanted: dict[str, Any] = dict(keywords)
        cancel, progress = wanted.pop("cancel", None), wanted.pop("progress", None)
        self._require_open()
        rendering = Rendering.of(self.size, **wanted)
        marks = None if hints is None else read_strokes(hints, self.size)
        y0, x0, y1, x1 = rendering.region
        scale = rendering.shape[0] / self.size[0]
        given = {
            "output": rendering.output, "saturation": rendering.saturation, "cancel": cancel,
        }  # fmt: skip
        for number, (top, bottom) in enumerate(self._pages):
            if progress is not None:
                progress(number / len(self._pages), f"page {number + 1}")
            own = _marks_of(marks, top, bottom)
            if rendering.shape == self.size:
                first, last = max(top, y0), min(bottom, y1)
                if first < last:
                    region = (first - top, x0, last - top, x1)
                    out = rendering.pixels[first - y0 : last - y0]
                    drawn(self._page(number), own, region=region, out=out, **given)
            else:
                first, last = round(top * scale), round(bottom * scale)
                if first < last:
                    whole = drawn(self._page(number), own, **given)
                    small = _reduced(whole, (last - first, rendering.shape[1]))
                    rendering.pixels[first:last] = small
        if progress is not None:
            progress(1.0, "done")
        return rendering.pixels

    def _page(self, number: int) -> LineArtCanvas:
        """A page, ready; those longest not used are given up when they hold too much."""
        with self._page_lock:
            page = self._ready.pop(number, None)
            if page is None:
                page = self._prepare(*self._pages[number])
            while self._ready and sum(p.nbytes for p in self._ready.values()) > _HELD:
                self._ready.popitem(last=False)  # another thread may be at it: not closed
            self._ready[number] = page
            return page

    def _held(self) -> int:
        with self._page_lock:
            return sum(page.nbytes for page in self._ready.values())

    def _free(self) -> None:
        with self._page_lock:
            for page in self._ready.values():
                page.close()
            self._ready.clear()
        self._prepare = _closed


def _closed(top: int, bottom: int) -> LineArtCanvas:
    raise AssertionError(f"rows {top} to {bottom} of a closed strip")


def _marks_of(marks: NDArray[np.uint8] | None, top: int, bottom: int) -> NDArray[np.uint8] | None:
    """A page's part of a layer of hints; None without a mark."""
    if marks is None or not marks[top:bottom, :, 3].any():
        return None
    return marks[top:bottom]


def _reduced(picture: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    planes = [resample(picture[..., c].astype(np.float32), shape) for c in range(3)]
    small = np.stack(planes, axis=-1)
    if picture.dtype.kind == "u":
        small = np.clip(small + 0.5, 0, np.iinfo(picture.dtype).max)
    return small.astype(picture.dtype)
