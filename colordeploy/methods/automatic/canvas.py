"""What a photo prepared for automatic colour is, by whatever network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...pictures.decoding import ImageLike
from ..canvas import CanvasKeywords
from ..photo_canvas import PhotoCanvas
from .anchors import Anchor

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["AutomaticCanvas"]


class AutomaticCanvas(PhotoCanvas):
    """One photo, prepared for automatic colour.

    Made by `AutomaticModel.prepare`. Safe to use from several threads.
    """

    @property
    @abstractmethod
    def anchors(self) -> list[Anchor]:
        """The anchors that were found; none where the model is not `anchored`."""

    @abstractmethod
    def diverse_anchors(self, sample: int) -> list[Anchor]:
        """The same places with other probable colours.

        Parameters
        ----------
        sample : int
            0 for the most probable ones.

        Raises
        ------
        InputError
            For samples that there are not.
        """

    @abstractmethod
    def anchor_at(self, y: float, x: float) -> Anchor:
        """An anchor for a place, with its colour and candidates as the model sees them.

        Parameters
        ----------
        y, x : float
            Position in image pixels.

        Raises
        ------
        InputError
            For a position outside the picture, and models without anchors.
        """

    @abstractmethod
    def anchors_from(self, picture: ImageLike, *, relocate: bool = False) -> list[Anchor]:
        """Anchors with the colours that another picture has there.

        Parameters
        ----------
        picture : path, PIL image, or (H, W, 3) array
            Of the canvas's size, in colour.
        relocate : bool
            Also place the anchors by the clusters of that picture's colours.

        Raises
        ------
        InputError
            For a picture of another size, one that cannot be read, and models without anchors.
        """

    @abstractmethod
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
            Places and chromas that the caller wants; None for the model's own.
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
            For anchors that cannot be heeded, and keywords out of range.
        Cancelled
            When the token was cancelled.
        """

    def palette(self, anchors: Sequence[Anchor] | None = None) -> NDArray[np.uint8]:
        """Picture of the anchors' colours and their distributions (DISCO, Fig. 8).

        One row an anchor: its colour, then its candidates, as wide as they are probable.

        Raises
        ------
        InputError
            When there are no anchors.
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
