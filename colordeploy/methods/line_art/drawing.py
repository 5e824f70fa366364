"""Line art: its ink and its regions."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ...background import Background
from ...errors import InputError
from ...native import cover_lines, separate_lines, separate_page
from ...native.checks import thread_count
from ...native.page import is_long, pages_of
from ...native.regions import MAXIMUM_REGIONS, find_regions, inside_labels, nearest_labels
from ...pictures.color import luma_of
from ...pictures.decoding import ImageLike, floats, read_samples
from ...pictures.geometry import resize
from ...trace import span

__all__ = ["MAXIMUM_REGIONS", "Drawing", "Regions", "nearest_labels", "pages_in", "patch_labels"]

_logger = logging.getLogger("colordeploy")

_Samples = NDArray[np.uint8] | NDArray[np.float32]
_DARK = 0.5  # a page without anything lighter is dark all over


@dataclass(frozen=True, eq=False)
class Regions:
    """Regions of a drawing; all arrays are read-only.

    Attributes
    ----------
    labels, covered : (H, W) int32
        1 to K, 0 on lines; and with the lines given to near ones.
    count : int
        Of labels: the number of regions and 1.
    working, working_covered, working_ground : (h, w) int32
        At the working size: `labels`, `covered`, and `labels` with 0 beside lines, too, where the
        lines have a say in the colour.
    """

    labels: NDArray[np.int32]
    covered: NDArray[np.int32]
    count: int
    working: NDArray[np.int32]
    working_covered: NDArray[np.int32]
    working_ground: NDArray[np.int32]

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """Pixels of each label, (count,)."""
        return np.bincount(self.labels.ravel(), minlength=self.count)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(array.nbytes for array in self._arrays)

    def freeze(self) -> None:
        """Make all arrays read-only."""
        for array in self._arrays:
            array.flags.writeable = False

    @property
    def _arrays(self) -> tuple[NDArray[np.int32], ...]:
        working = (self.working, self.working_covered, self.working_ground)
        return (self.labels, self.covered, *working)


class Drawing:
    """A drawing: lines on paper of any tone, however the light falls on it.

    Its regions are looked for in a thread of their own from the beginning, unless there is one
    thread only: the network needs none of them at first.

    Parameters
    ----------
    image : path, PIL image, or array
        See `colordeploy.pictures.decoding.read_picture`.
    working_shape : callable
        From the drawing's size to the working size.
    name : str, optional
        What errors call it; by default its path, if it has one.
    radii : sequence of int, optional
        Of the balls in pixels of the drawing, see `colordeploy.native.region_map`; by default 3, 2
        and 1 at the working size, larger in larger pictures.
    threads : int, optional
        By default as many as there are processors, eight at most.

    Attributes
    ----------
    size : (H, W)
    lines : Lines
        What over white is the drawing.
    working_luma : (h, w) float32 in [0, 1]

    Raises
    ------
    InputError
        For pictures that cannot be read, or on which no line stands out from the ground.
    """

    def __init__(
        self,
        image: ImageLike,
        working_shape: Callable[[tuple[int, int]], tuple[int, int]],
        *,
        name: str | None = None,
        radii: Sequence[int] | None = None,
        threads: int | None = None,
    ) -> None:
        if name is None:
            name = os.fspath(image) if isinstance(image, (str, os.PathLike)) else "the picture"
        samples, luma, line = _separated(read_samples(image), name, thread_count(threads))
        self.size = luma.shape[0], luma.shape[1]
        shape = working_shape(self.size)
        self.lines = separate_lines(samples, threads=threads)
        del samples  # large, and not needed any more
        self._search: Callable[[], Regions] | None = partial(_search, line, shape, name, radii)
        if thread_count(threads) > 1:
            self._search = Background(self._search).result
        self._regions: Regions | None = None
        self._lock = Lock()
        self.working_luma = np.clip(resize(luma, shape, threads), np.float32(0), np.float32(1))

    @property
    def regions(self) -> Regions:
        """The regions; waits until they have been found."""
        with self._lock:  # a drawing's own: drawings do not wait for each other
            if self._regions is None:
                assert self._search is not None  # it is dropped when there are regions
                self._regions = self._search()
                self._search = None  # and the picture with it
            return self._regions

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        held = self.working_luma.nbytes + self.lines.opacity.nbytes
        held += 0 if self.lines.ink is None else self.lines.ink.nbytes
        return held if self._regions is None else held + self._regions.nbytes


def pages_in(samples: _Samples, threads: int | None = None) -> list[tuple[int, int]]:
    """Rows of the pages of a strip, see `pages_of`; one page where the drawing is no strip."""
    height, width = samples.shape[:2]
    if not is_long(height, width):
        return [(0, height)]
    page = separate_page(_luma(samples, thread_count(threads)), threads=threads)
    return pages_of(np.asarray(page.lines.any(axis=1)), width)


def _luma(samples: _Samples, threads: int) -> NDArray[np.float32]:
    return floats(samples) if samples.ndim == 2 else luma_of(samples, threads)


def patch_labels(height: int, width: int, side: int) -> NDArray[np.int32]:
    """Fixed patches instead of regions (RASC's Table IV), labels from 1 on."""
    rows, columns = np.arange(height) // side, np.arange(width) // side
    labels: NDArray[np.int32] = (1 + rows[:, None] * (1 + columns[-1]) + columns).astype(np.int32)
    return labels


def _separated(
    samples: _Samples, name: str, threads: int
) -> tuple[_Samples, NDArray[np.float32], NDArray[np.bool_]]:
    """The picture, its luma with dark lines on white, and its lines."""
    luma = _luma(samples, threads)
    page = separate_page(luma, threads=threads)
    if page.blank:
        what = "dark all over" if luma.max() < _DARK else "empty, or noise alone"
        raise InputError(
            f"{name} is {what}: no line stands out from its ground; line art is lines on paper "
            "that is lighter or darker than they are, scan it with more contrast"
        )
    if page.inverted:
        _logger.warning(
            "%s is mostly dark: it is taken for light lines on dark ground and inverted", name
        )
        samples = 255 - samples if samples.dtype == np.uint8 else 1 - samples
    return samples, page.luma, page.lines


def _search(
    line: NDArray[np.bool_], shape: tuple[int, int], name: str, radii: Sequence[int] | None
) -> Regions:
    with span("regions"):
        labels = _find_regions(line, min(line.shape) / min(shape), name, radii)
        working, covered = nearest_labels(labels, shape), cover_lines(labels)
        found = Regions(
            labels, covered, int(labels.max()) + 1, working, nearest_labels(covered, shape),
            inside_labels(working),
        )  # fmt: skip
    found.freeze()
    return found


def _find_regions(
    line: NDArray[np.bool_], scale: float, name: str, radii: Sequence[int] | None
) -> NDArray[np.int32]:
    labels, _, before = find_regions(line, scale, radii=radii)
    if before:
        _logger.warning(
            "%s has %d regions, more like a photo than line art; small ones are merged until at "
            "most %d are left",
            name,
            before,
            MAXIMUM_REGIONS,
        )
    return labels
