"""Regions of line art in several colours: dividing them by propagation on the drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from . import _core
from .cancelling import Cancel, stoppable
from .checks import any_array, thread_count
from .limits import within_memory
from .output import contiguous

__all__ = ["Owners", "RegionDivider"]


@dataclass(frozen=True, eq=False)
class Owners:
    """Marks in regions, and which of its region's owners each belongs to.

    Attributes
    ----------
    counts : (count,) int32
        How many owners each region has; fewer than two leave it whole.
    pixels : (n,) int64
        Marked pixels, ``y * W + x``.
    owners : (n,) int32
        Of each marked pixel: an owner of its region, 0 to ``counts - 1``.
    """

    counts: NDArray[np.int32]
    pixels: NDArray[np.int64]
    owners: NDArray[np.int32]


class RegionDivider:
    """Divides regions of one drawing between marks of several owners, as often as wanted.

    The indicator of each owner's marks is propagated over cells of the drawing as a colour is
    (``(M + alpha L + phi L_adj) x = M y``). Weights between neighbouring cells of one region fall
    with the width of the place, and are 0 where a line or another region has a part: the shares
    change where the lines nearly meet, and in the middle where nothing is drawn. All cells at the
    page's edge are tied as in a wide place. A mark beside a line also marks the cells between it
    and the middle of its place, unless another owner's mark lies deeper in the same wide room.
    Each pixel goes to the largest share.

    Parameters
    ----------
    labels : (H, W) int
        Regions, 0 on lines.
    covered : (H, W) int
        The same with lines given to regions, see `cover_lines`.
    threads : int, optional
        By default as many as there are processors, eight at most; the result is the same.

    Raises
    ------
    InputError
        For other shapes and types.
    """

    def __init__(
        self,
        labels: NDArray[np.int32],
        covered: NDArray[np.int32],
        *,
        threads: int | None = None,
    ) -> None:
        marks, under = (
            any_array(name, array) for name, array in (("labels", labels), ("covered", covered))
        )
        for name, array in (("labels", marks), ("covered", under)):
            if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "iu":
                raise InputError(
                    f"{name} must be (H, W) whole numbers, not {array.shape} of {array.dtype}"
                )
        if marks.shape != under.shape or marks.min() < 0 or under.min() < 0:
            raise InputError(
                f"labels and covered must be of one size and not negative, not {marks.shape} and "
                f"{under.shape}"
            )
        self._labels = contiguous(marks, np.int32)
        self._covered = contiguous(under, np.int32)
        self._count = int(max(self._labels.max(), self._covered.max())) + 1
        self._threads = threads
        self._divider = _core.RegionDivider(self._labels, self._covered, self._count)

    @property
    def nbytes(self) -> int:
        """Bytes held besides the labels."""
        return self._divider.nbytes

    def divide(self, marks: Owners, *, cancel: Cancel = None) -> NDArray[np.int32]:
        """Labels of the divided drawing.

        Parameters
        ----------
        marks : Owners
        cancel : CancelToken or CancelFlag, optional

        Returns
        -------
        (H, W) int32
            As `covered`, but in each region with several owners the first keeps the label; the
            second and further ones have labels from ``len(counts)`` on, region by region.

        Raises
        ------
        InputError
            For arrays of other shapes, and numbers out of range.
        Cancelled
            When `cancel` was set before all is done.
        """
        counts = contiguous(any_array("counts", marks.counts), np.int32)
        pixels = contiguous(any_array("pixels", marks.pixels), np.int64)
        owners = contiguous(any_array("owners", marks.owners), np.int32)
        if counts.shape != (self._count,) or pixels.ndim != 1 or owners.shape != pixels.shape:
            raise InputError(
                f"counts must be ({self._count},), pixels and owners (n,) each; not "
                f"{counts.shape}, {pixels.shape} and {owners.shape}"
            )
        if len(pixels) and (pixels.min() < 0 or pixels.max() >= self._covered.size):
            raise InputError(f"marks must lie within {self._covered.size} pixels")
        regions = self._covered.ravel()[pixels]
        if len(pixels) and (owners.min() < 0 or (owners >= np.maximum(counts[regions], 1)).any()):
            raise InputError("an owner must be below its region's count")
        threads = thread_count(self._threads)
        with stoppable(cancel) as flag:
            return within_memory(
                f"dividing regions of {self._labels.shape[0]}x{self._labels.shape[1]} pixels",
                lambda: self._divider.divide(counts, pixels, owners, threads, flag),
            )
