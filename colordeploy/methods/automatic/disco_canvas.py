"""A picture analyzed by DISCO: its anchors, and results for anchors."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...abandoning import abandonable
from ...errors import InputError
from ...native.anchors import AB_BINS, anchor_hints, middle_of, most_probable
from ...native.checks import whole_number
from ...native.color import lab_of
from ...pictures.decoding import ImageLike, read_samples
from ...pictures.geometry import resize
from ...pictures.photo import Photo
from ...trace import span
from ..canvas import CanvasKeywords, checked_position
from ..steps import Steps
from .analysis import Analysis
from .anchors import CANDIDATES, Anchor, diverse_order
from .canvas import AutomaticCanvas

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .disco_model import DiscoModel

__all__ = ["DiscoCanvas"]

_logger = logging.getLogger("colordeploy")


class DiscoCanvas(AutomaticCanvas):
    """One picture, analyzed: anchors in, colours out, as often as the user edits.

    Made by `DiscoModel.prepare`. Safe to use from several threads.
    """

    _model: DiscoModel

    def __init__(
        self, model: DiscoModel, photo: Photo, anchors: int, seed: int, steps: Steps
    ) -> None:
        super().__init__(model, photo)
        count = whole_number("anchors", anchors)
        if count < 1:
            raise InputError(f"anchors must be at least 1, not {count}")
        steps(0.1, "analysis")
        gray = photo.network_input(model.multiple)
        graph = model.open_graphs()["analyze"]
        analysis = Analysis(
            graph, gray, photo.working_size, model.cell, model.interface, steps.cancel
        )
        self._analysis: Analysis | None = analysis
        available = analysis.rows * analysis.columns
        if count > available:
            _logger.info(
                "%d anchors were asked for, and this picture has %d places at its working size: it "
                "gets %d anchors",
                count,
                available,
                available,
            )
        self._count, self._seed = min(count, available), seed
        steps(0.9, "anchors")
        self._tokens = abandonable(
            lambda: analysis.locate(analysis.features(), self._count, seed), steps.cancel
        )

    @property
    def analysis(self) -> Analysis:
        """What the first graph says of the picture."""
        analysis = self._analysis  # read once: another thread may close the canvas
        if analysis is None:
            raise self._closed_error()
        return analysis

    @property
    def device(self) -> str:
        """Where the graph that colours runs: "cpu" or "cuda:N"."""
        return self._model.open_graphs()["generate"].device

    @property
    def anchors(self) -> list[Anchor]:
        """The anchors that were found, each with its most probable colour; best to start from."""
        return self.diverse_anchors(0)

    def diverse_anchors(self, sample: int) -> list[Anchor]:
        """The same places with other probable colours.

        Parameters
        ----------
        sample : int
            0 takes the most probable colour of each place, or where the network has an answer of
            its own without anchors, the mean of the place's probable colours; 1 the one of its ten
            candidates that is farthest from the most probable one; 2 and on the one with the
            largest sum of distances to those before.
        """
        number = whole_number("sample", sample)
        if not 0 <= number < CANDIDATES:
            raise InputError(f"sample must be between 0 and {CANDIDATES - 1}, not {number}")
        return [self._anchor_at(row, column, number) for row, column in self._tokens]

    def anchor_at(self, y: float, x: float) -> Anchor:
        """An anchor for a place, with its colour and candidates as the model sees them.

        Parameters
        ----------
        y, x : float
            Position in image pixels; where the anchor will be. Its colours are those of the place
            that the position falls into.

        Raises
        ------
        InputError
            For a position outside the picture.
        """
        row, column = self._token_of(y, x)
        return replace(self._anchor_at(row, column, 0), y=float(y), x=float(x))

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
        rgb = read_samples(picture)
        if rgb.shape != (*self.size, 3):
            raise InputError(
                f"the picture to take colours from must be in colour and have the canvas's "
                f"{self.size[0]}x{self.size[1]} pixels, not shape {rgb.shape}"
            )
        ab = lab_of(np.clip(resize(rgb, self.working_size, self._model.threads), 0.0, 1.0))[..., 1:]
        means = self.analysis.pooled(ab)
        tokens = self._tokens
        if relocate:
            tokens = self.analysis.locate(means, self._count, self._seed)
        return [
            replace(
                self._anchor_at(row, column, 0),
                ab=(float(means[0, row, column]), float(means[1, row, column])),
            )
            for row, column in tokens
        ]

    def render(
        self,
        anchors: Sequence[Anchor] | None = None,
        sample: int = 0,
        **keywords: Unpack[CanvasKeywords],
    ) -> NDArray[Any]:
        """Colour the picture.

        Parameters
        ----------
        anchors : sequence of Anchor, optional
            Places and chromas that the caller wants, each rounded to the place it falls into (of
            several in one, the last counts), and by DISCO's own network to the nearest colour bin;
            by default those that were found, or with a network that has an answer of its own
            without anchors, that answer.
        sample : int
            Which of the diverse results, see `diverse_anchors`; only without `anchors`.
        **keywords
            See `CanvasKeywords`: region, size, output, saturation, out, cancel, progress.

        Returns
        -------
        (H, W, 3) uint8 sRGB, or what `keywords` ask for
            The picture's own lightness with new chroma; the caller's own memory.

        Raises
        ------
        InputError
            For anchors outside the picture, colours outside sRGB, no anchor at all, and keywords
            out of range.
        Cancelled
            When the token was cancelled.
        """
        self._require_open()
        if anchors is not None and sample != 0:
            raise InputError("sample chooses colours for the anchors found; leave anchors out")
        own = anchors is None and sample == 0 and not self._model.interface.needs_anchors
        wanted = [] if own else self.diverse_anchors(sample) if anchors is None else list(anchors)
        if not wanted and not own:
            raise InputError("there are no anchors: a picture needs at least one")
        mask, colors = self._hints(wanted)
        analysis = self.analysis

        def chroma(steps: Steps) -> NDArray[Any]:
            inputs = {**analysis.generator_inputs(), "mask": mask[None], "colors": colors[None]}
            generator = self._model.open_graphs()["generate"]
            answer = generator.run(inputs, cancel=steps.cancel)["ab"][0]
            with span("residues"):
                answer = analysis.heeded(answer, mask, colors)
            return analysis.at_working_size(answer)

        return self._colored((mask.tobytes(), colors.tobytes()), chroma, keywords)

    def _anchor_at(self, row: int, column: int, sample: int) -> Anchor:
        """The anchor of a place, with the colour of a diverse result."""
        probabilities = self.analysis.probabilities(row, column)
        best = most_probable(probabilities)
        candidates = tuple(
            ((float(AB_BINS[i, 0]), float(AB_BINS[i, 1])), float(probabilities[i])) for i in best
        )
        y, x = middle_of(self.size, self.working_size, self._model.cell, row, column)
        lightness = 100 * float(self.photo.lightness[round(y), round(x)])
        if sample == 0 and not self._model.interface.needs_anchors:
            return Anchor(y, x, self.analysis.expected(row, column), candidates, lightness)
        chosen = diverse_order(AB_BINS[best])[sample]
        return Anchor(y, x, candidates[chosen][0], candidates, lightness)

    def _token_of(self, y: float, x: float) -> tuple[int, int]:
        """Row and column of the place that a position in image pixels falls into."""
        mask, _ = self._hints([Anchor(y, x, (0.0, 0.0))])
        _, row, column = np.argwhere(mask)[0]
        return int(row), int(column)

    def _hints(self, anchors: list[Anchor]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        told = []
        for anchor in anchors:
            y, x = checked_position(self.size, anchor.y, anchor.x, "the anchor")
            if len(anchor.ab) != 2:
                raise InputError(f"the chroma of an anchor is two numbers, not {anchor.ab!r}")
            told.append((y, x, *anchor.ab))
        return anchor_hints(
            told, self.size, self.working_size, self._model.cell, self.analysis.grid
        )

    def _held_besides(self) -> int:
        return self.analysis.nbytes

    def _free_besides(self) -> None:
        self._analysis = None
