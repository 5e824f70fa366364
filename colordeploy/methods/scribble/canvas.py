"""What a photo prepared for strokes is, whether they are propagated or given to a network."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...cancellation import CancelToken
from ...native import Propagator
from ...pictures.base import BaseLike
from ...pictures.strokes import StrokesLike
from ..canvas import CanvasKeywords
from ..photo_canvas import PhotoCanvas

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["ScribbleCanvas"]


class ScribbleCanvas(PhotoCanvas):
    """One picture, prepared: strokes in, colours out, as often as the user edits.

    Made by `ScribbleModel.prepare`. Safe to use from several threads.
    """

    @abstractmethod
    def render(
        self,
        strokes: StrokesLike,
        *,
        base: BaseLike | None = None,
        reach: float = 0.5,
        **keywords: Unpack[CanvasKeywords],
    ) -> NDArray[Any]:
        """Colour the picture.

        Parameters
        ----------
        strokes : (H, W, 4) uint8 RGBA, PIL image, path of such a PNG, or list of Stroke
            A pixel is marked where its alpha is at least half of the largest alpha of its own
            stroke; only the chroma of a stroke's colour counts.
        base : coloured picture of this size, or (H, W, 2) CIE a and b, optional
            What the strokes mend: an automatic result, an earlier one, a coloured photo. It stays
            as it is, its luma everywhere and its chroma but for where strokes say otherwise; with a
            base there may be no stroke at all.
        reach : float in [0, 1]
            How far from a stroke the base changes: 0 the stroke alone, 0.5 within an object of
            about a quarter of the picture's short side around it, 1 as far as the picture.
        **keywords
            See `CanvasKeywords`: region, size, output, saturation, out, cancel, progress.

        Returns
        -------
        (H, W, 3) uint8 sRGB, or what `keywords` ask for
            The picture's own lightness with the strokes' chroma, or the base's own with the mended
            one; the caller's own memory.

        Raises
        ------
        InputError
            For strokes of another size, or without a mark where there must be one, for a base of
            another size, and for keywords out of range.
        Cancelled
            When the token was cancelled.
        """

    def draft(self, *, cancel: CancelToken | None = None) -> ScribbleCanvas | None:
        """Prepare a coarser canvas of the same picture, for strokes that are still being drawn.

        It renders as this one does, two to three times as fast: colours are spread over blocks of
        2x2 working pixels, by this canvas's own affinities. They are close to the exact ones
        (`docs/scribble.md` says how close); once the hand rests, render on this canvas.

        Parameters
        ----------
        cancel : CancelToken, optional

        Returns
        -------
        ScribbleCanvas or None
            To be closed apart from this one. None where there is no coarser one: the model is an
            imported network, global points have an odd distance, or the picture is a pixel wide.

        Raises
        ------
        InputError
            When this canvas was closed.
        Cancelled
            When the token was cancelled.
        """
        return None

    @property
    @abstractmethod
    def propagator(self) -> Propagator:
        """The system that spreads strokes, or their difference from a base, for a closer look."""

    @abstractmethod
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

    @abstractmethod
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

    @abstractmethod
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
