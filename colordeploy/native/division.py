"""Regions of line art in several colours: dividing them by propagation on the drawing."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from . import _core
from .affinities import DIRECTIONS, Affinities
from .cancelling import Cancel
from .checks import any_array, thread_count
from .output import contiguous
from .propagation import Propagator

__all__ = ["Owners", "RegionDivider"]

_SHORT_SIDE = 160  # cells: where a region is divided needs no more, what is beside lines grows
_ALPHA = 1e-2  # weight of the Laplacian: marks are all but hard constraints
_PHI = 1e-9  # ties what nothing else ties, and lets next to nothing through a line


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
    (``(M + alpha L + phi L_adj) x = M y``), with weight 1 between neighbouring cells of one region
    and 0 where a line or another region has a part: the shares change where the lines nearly meet,
    and in the middle where nothing is drawn. Each pixel goes to the largest share.

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
        self._system: tuple[NDArray[np.int32], Propagator] | None = None
        self._lock = Lock()

    @property
    def nbytes(self) -> int:
        """Bytes held besides the labels."""
        system = self._system
        return 0 if system is None else system[0].nbytes + system[1].nbytes

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
        several = np.maximum(counts - 1, 0)
        first = (self._count + np.cumsum(several) - several).astype(np.int32)
        kept = counts[regions] > 1
        pixels, owners = pixels[kept], owners[kept]
        cells, propagator = self._prepared(cancel)
        shares = self._shares(cells, propagator, pixels, owners, int(counts.max()), cancel)
        return _core.divide(
            self._labels, self._covered, cells, shares, counts, first, pixels, owners,
            thread_count(self._threads),
        )  # fmt: skip

    def _prepared(self, cancel: Cancel) -> tuple[NDArray[np.int32], Propagator]:
        """The cells and the system of the drawing, which no mark changes."""
        with self._lock:
            if self._system is None:
                height, width = self._labels.shape
                scale = min(1.0, _SHORT_SIDE / min(height, width))
                cells = _core.free_cells(
                    self._labels, max(1, round(height * scale)), max(1, round(width * scale))
                )
                affinities = Affinities(_weights(cells), np.zeros(0), 0)
                self._system = cells, Propagator(
                    affinities, alpha=_ALPHA, phi=_PHI, threads=self._threads, cancel=cancel,
                    precision="single",
                )  # fmt: skip
            return self._system

    def _shares(
        self,
        cells: NDArray[np.int32],
        propagator: Propagator,
        pixels: NDArray[np.int64],
        owners: NDArray[np.int32],
        most: int,
        cancel: Cancel,
    ) -> NDArray[np.float32]:
        """(rows, columns, most) float32: each owner's share of the cells."""
        (height, width), (rows, columns) = self._labels.shape, cells.shape
        y, x = np.divmod(pixels, width)
        places = y * rows // height * columns + x * columns // width
        free = cells.ravel()[places] == self._labels.ravel()[pixels]
        free &= cells.ravel()[places] > 0
        values = np.bincount(
            places[free] * most + owners[free], minlength=rows * columns * most
        ).reshape(rows, columns, most)
        sums = values.sum(axis=2)
        mask = sums > 0
        if not mask.any():
            return np.zeros((rows, columns, most), np.float32)
        # All shares together are 1: the first owner's need not be solved for.
        others = values[..., 1:] / np.maximum(sums, 1)[..., None]
        shares = np.empty((rows, columns, most), np.float32)
        shares[..., 1:] = propagator.solve(mask, others, cancel)
        shares[..., 0] = 1 - shares[..., 1:].sum(axis=2)
        return shares


def _weights(cells: NDArray[np.int32]) -> NDArray[np.float64]:
    """(4, h, w): 1 between neighbouring free cells of a region; diagonally only where both cells
    beside the way are free, too.
    """
    weights = np.zeros((len(DIRECTIONS), *cells.shape))
    free = cells > 0
    height, width = cells.shape
    for plane, (dy, dx) in zip(weights, DIRECTIONS, strict=True):
        here = slice(0, height - dy), slice(max(0, -dx), width - max(0, dx))
        there = slice(dy, height), slice(max(0, dx), width - max(0, -dx))
        tied = free[here] & (cells[here] == cells[there])
        if dy and dx:
            for beside in ((here[0], there[1]), (there[0], here[1])):
                tied &= cells[beside] == cells[here]
        plane[here] = tied
    return weights
