"""Hints for a network: the colours of strokes at the working size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...cancellation import CancelToken
from ...pictures.color import lab_of
from ...pictures.strokes import StrokesLike, dabs_of

__all__ = ["Hints", "hints_of"]


@dataclass(frozen=True, eq=False)
class Hints:
    """Colours that a network is told.

    Attributes
    ----------
    ab : (h, w, 2) float32
        CIE a and b; 0 where there is no hint.
    marked : (h, w) bool
        Where there is one.
    """

    ab: NDArray[np.float32]
    marked: NDArray[np.bool_]

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> Hints:
        """Not a single hint in a picture (h, w)."""
        height, width = shape
        return cls(np.zeros((height, width, 2), np.float32), np.zeros((height, width), bool))

    @property
    def key(self) -> bytes:
        """Equal for equal hints."""
        return self.marked.tobytes() + self.ab[self.marked].tobytes()

    def padded(self, pad: Sequence[tuple[int, int]]) -> Hints:
        """The same with unmarked pixels at the edges, as `numpy.pad` takes them."""
        return Hints(np.pad(self.ab, (*pad, (0, 0))), np.pad(self.marked, pad))

    def in_cells(self, side: int) -> Hints:
        """Hints that fill cells of a grid with the mean of the colours in each.

        Parameters
        ----------
        side : int
            Of the cells, in pixels; the height and width are whole multiples of it.
        """
        if side == 1:
            return self
        rows, columns = self.marked.shape[0] // side, self.marked.shape[1] // side
        marks = self.marked.reshape(rows, side, columns, side).sum(axis=(1, 3))
        total = self.ab.reshape(rows, side, columns, side, 2).sum(axis=(1, 3))
        mean = total / np.maximum(marks, 1)[..., None].astype(np.float32)
        ab = mean.repeat(side, axis=0).repeat(side, axis=1)
        return Hints(ab, (marks > 0).repeat(side, axis=0).repeat(side, axis=1))


def hints_of(
    strokes: StrokesLike,
    size: tuple[int, int],
    shape: tuple[int, int],
    threads: int | None = None,
    cancel: CancelToken | None = None,
) -> Hints:
    """Strokes as hints at the working size, as thin as they are; there may be none.

    Parameters
    ----------
    strokes : (H, W, 4) uint8 RGBA, PIL image, path, or iterable of Stroke
    size : (H, W)
        Of the picture they belong to.
    shape : (h, w)
        Working size, not larger than that.

    Raises
    ------
    InputError
        For strokes of another size, and a picture without transparency.
    Cancelled
        When `cancel` was set before all is done.
    """
    dabs = dabs_of(strokes, size, required=False, threads=threads, cancel=cancel)
    if not len(dabs.pixels):
        return Hints.none(shape)
    y, x = np.divmod(dabs.pixels, size[1])
    place = (y * shape[0] // size[0]) * shape[1] + x * shape[1] // size[1]
    ab = lab_of(dabs.rgb.astype(np.float32) / np.float32(255))[:, 1:]
    count = np.bincount(place, minlength=shape[0] * shape[1])
    total = [np.bincount(place, ab[:, c], minlength=len(count)) for c in range(2)]
    mean = np.stack(total, axis=-1) / np.maximum(count, 1)[:, None]
    return Hints(mean.reshape(*shape, 2).astype(np.float32), count.reshape(shape) > 0)
