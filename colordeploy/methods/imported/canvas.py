"""A picture coloured by an imported network alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...native.checks import whole_number
from ...pictures.decoding import ImageLike
from ...pictures.photo import Photo
from ..automatic import Anchor, AutomaticCanvas
from ..canvas import CanvasKeywords
from ..steps import Steps

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .model import ImportedModel

__all__ = ["ImportedCanvas"]


class ImportedCanvas(AutomaticCanvas):
    """One picture with the chroma that the network gave it; it has no anchors.

    Made by `ImportedModel.prepare`. Safe to use from several threads.
    """

    _model: ImportedModel

    def __init__(self, model: ImportedModel, photo: Photo, steps: Steps) -> None:
        super().__init__(model, photo)
        steps(0.1, "network")
        (graph,) = model.open_graphs().values()
        self._chroma: NDArray[np.float32] | None = model.network.chroma(
            graph, photo, None, steps.cancel
        )
        self._where = graph.device

    @property
    def device(self) -> str:
        """Where the network ran: "cpu" or "cuda:N"."""
        return self._where

    @property
    def chroma(self) -> NDArray[np.float32]:
        """What the network says at the working size, (h, w, 2): CIE a and b, or U and V."""
        chroma = self._chroma  # read once: another thread may close the canvas
        if chroma is None:
            raise self._closed_error()
        return chroma

    @property
    def anchors(self) -> list[Anchor]:
        """None: the network has none."""
        return []

    def diverse_anchors(self, sample: int) -> list[Anchor]:
        """Return none; InputError for another sample than 0."""
        if whole_number("sample", sample) != 0:
            raise InputError(f"{self._model.name} has one result: sample must be 0, not {sample}")
        return []

    def anchor_at(self, y: float, x: float) -> Anchor:
        """InputError: the network has none."""
        raise self._without_anchors()

    def anchors_from(self, picture: ImageLike, *, relocate: bool = False) -> list[Anchor]:
        """InputError: the network has none."""
        raise self._without_anchors()

    def render(
        self,
        anchors: Sequence[Anchor] | None = None,
        sample: int = 0,
        **keywords: Unpack[CanvasKeywords],
    ) -> NDArray[Any]:
        """Colour the picture.

        Parameters
        ----------
        anchors : None, or an empty sequence
            The network takes none.
        sample : 0
            It has one result.
        **keywords
            See `CanvasKeywords`: region, size, output, saturation, out, cancel, progress.

        Returns
        -------
        (H, W, 3) uint8 sRGB, or what `keywords` ask for
            The picture's own lightness with the network's chroma; the caller's own memory.

        Raises
        ------
        InputError
            For any anchor, another sample, and keywords out of range.
        Cancelled
            When the token was cancelled.
        """
        if anchors is not None and list(anchors):
            raise self._without_anchors()
        self.diverse_anchors(sample)
        chroma = self.chroma
        return self._colored((), lambda steps: chroma, keywords)

    def _without_anchors(self) -> InputError:
        return InputError(
            f"{self._model.name} colours by itself and takes no anchors or strokes; to mend its "
            "result give it to a scribble model as the base"
        )

    def _held_besides(self) -> int:
        return self.chroma.nbytes

    def _free_besides(self) -> None:
        self._chroma = None
