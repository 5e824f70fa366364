"""A picture prepared to be coloured by any reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ...native.working import chroma_at_working_size
from ...pictures.decoding import ImageLike
from ...pictures.photo import Photo
from ...trace import span
from ..canvas import CanvasKeywords, checked_position
from ..photo_canvas import PhotoCanvas
from ..steps import Steps
from .reference import Reference, Selection

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .model import ExemplarModel

__all__ = ["ExemplarCanvas", "Match"]


@dataclass(frozen=True)
class Match:
    """Where a place of the picture looked.

    Attributes
    ----------
    y, x : float
        In the picture's pixels.
    reference_y, reference_x : float
        The place that weighed most, in pixels of `Reference.picture`.
    weight : float
        Its share of the attention, 0 to 1.
    """

    y: float
    x: float
    reference_y: float
    reference_x: float
    weight: float


class ExemplarCanvas(PhotoCanvas):
    """One picture, ready to be coloured by any reference.

    Made by `ExemplarModel.prepare`. Safe to use from several threads.
    """

    _model: ExemplarModel

    def __init__(self, model: ExemplarModel, photo: Photo) -> None:
        super().__init__(model, photo)
        self._gray = photo.network_input(model.multiple)

    @property
    def device(self) -> str:
        """Where the graph that colours runs: "cpu" or "cuda:N"."""
        return self._model.open_graphs()["colorize"].device

    def render(
        self,
        reference: Reference | ImageLike,
        *,
        k: int | None = None,
        r: int | None = None,
        seed: int = 0,
        coarse: bool = False,
        **keywords: Unpack[CanvasKeywords],
    ) -> NDArray[Any]:
        """Colour the picture like a reference.

        Parameters
        ----------
        reference : Reference or image
            Encode it once with `ExemplarModel.encode_reference` to colour many pictures; an image
            is encoded anew in every call.
        k, r : int, optional
            How many patches of the reference the picture may look at: the most active ones, and
            random others; by default the model's, or as many as there are.
        seed : int
            Of the random ones; the same seed chooses the same patches.
        coarse : bool
            Only the first stage's result: the reference's global tone, no matches.
        **keywords
            See `CanvasKeywords`: region, size, output, saturation, out, cancel, progress.

        Returns
        -------
        (H, W, 3) uint8 sRGB, or what `keywords` ask for
            The picture's own lightness with new chroma; the caller's own memory.

        Raises
        ------
        InputError
            For references without colour, too small or of another model, k + r out of range, and
            keywords out of range.
        Cancelled
            When the token was cancelled.
        """
        self._require_open()
        encoded = self._model.encoded(reference, keywords.get("cancel"))
        selection = Selection(k, r, seed)

        def chroma(steps: Steps) -> NDArray[Any]:
            outputs, _ = self._run(encoded, selection, steps)
            ab = outputs["coarse" if coarse else "ab"][0]
            return chroma_at_working_size(ab, self._gray[0, 0], self.working_size)

        # The reference itself is part of the key, so that its identity is not given to another.
        return self._colored((encoded, selection, coarse), chroma, keywords)

    def matches(
        self,
        reference: Reference | ImageLike,
        points: Sequence[tuple[float, float]] | None = None,
        *,
        k: int | None = None,
        r: int | None = None,
        seed: int = 0,
    ) -> list[Match]:
        """Where points (y, x) of the picture looked; by default a grid of three by three."""
        encoded = self._model.encoded(reference)
        found, chosen = self._run(encoded, Selection(k, r, seed), Steps())
        height, width = self.size
        if points is None:
            steps = (1 / 6, 1 / 2, 5 / 6)
            points = [(y * height, x * width) for y in steps for x in steps]
        queries, keys = found["queries"][0], found["keys"][0]
        patch = encoded.patch
        across = self._gray.shape[3] // patch
        result = []
        for y, x in points:
            checked_position(self.size, y, x)
            row = int(y * self.working_size[0] / height) // patch
            column = int(x * self.working_size[1] / width) // patch
            scores = keys @ queries[row * across + column] / np.sqrt(keys.shape[1])
            weights = np.exp(scores - scores.max())
            best = int(weights.argmax())
            at, left = divmod(int(chosen[best]), encoded.columns)
            share = float(weights[best] / weights.sum())
            bottom, right = encoded.picture.shape[0] - 0.5, encoded.picture.shape[1] - 0.5
            middle = min((at + 0.5) * patch, bottom), min((left + 0.5) * patch, right)
            result.append(Match(y, x, *middle, share))
        return result

    def match_picture(
        self,
        reference: Reference | ImageLike,
        *,
        k: int | None = None,
        r: int | None = None,
        seed: int = 0,
    ) -> NDArray[np.uint8]:
        """The coloured picture beside the reference, whose selected places are bright, and lines
        from a few points to where they looked; (h, w, 3) uint8.
        """
        encoded = self._model.encoded(reference)
        shown = Image.fromarray(self.render(encoded, k=k, r=r, seed=seed))
        height, width = self.working_size
        shown = shown.resize((width, height), Image.Resampling.BICUBIC)
        chosen = self._model.select(encoded, Selection(k, r, seed))
        seen = np.zeros(encoded.rows * encoded.columns, bool)
        seen[chosen] = True
        mask = (
            seen.reshape(encoded.rows, encoded.columns)
            .repeat(encoded.patch, 0)
            .repeat(encoded.patch, 1)
        )
        mask = mask[: encoded.picture.shape[0], : encoded.picture.shape[1]]
        dimmed = np.where(mask[..., None], encoded.picture, encoded.picture // 3)
        gap = 8
        side = max(height, dimmed.shape[0])
        sheet = Image.new("RGB", (width + gap + dimmed.shape[1], side), "white")
        sheet.paste(shown, (0, 0))
        sheet.paste(Image.fromarray(dimmed), (width + gap, 0))
        draw = ImageDraw.Draw(sheet)
        scale = height / self.size[0], width / self.size[1]
        for match in self.matches(encoded, k=k, r=r, seed=seed):
            start = (match.x * scale[1], match.y * scale[0])
            end = (width + gap + match.reference_x, match.reference_y)
            draw.line((*start, *end), fill="yellow", width=1)
            for x, y in (start, end):
                draw.ellipse((x - 3, y - 3, x + 3, y + 3), outline="red", width=1)
        return np.asarray(sheet)

    def _run(
        self, reference: Reference, selection: Selection, steps: Steps
    ) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.int64]]:
        with span("selection"):
            chosen = self._model.select(reference, selection)
        inputs = {
            "gray": self._gray,
            "style": reference.style[None],
            "selected": reference.features[chosen][None],
        }
        graph = self._model.open_graphs()["colorize"]
        return graph.run(inputs, cancel=steps.cancel), chosen

    def _held_besides(self) -> int:
        return self._gray.nbytes

    def _free_besides(self) -> None:
        self._gray = np.empty((1, 1, 0, 0), np.float32)
