"""Regions of line art by the trapped-ball method (Zhang et al. 2009; RASC's region maps)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from . import _core
from .checks import any_array, finite_number, whole_number
from .limits import within_memory
from .output import contiguous, walkable

__all__ = [
    "MAXIMUM_REGIONS",
    "cover_lines",
    "find_regions",
    "inside_labels",
    "merge_tones",
    "nearest_labels",
    "open_screens",
    "region_map",
    "region_max",
]

MAXIMUM_REGIONS: int = _core.MAXIMUM_REGIONS

_LARGEST_RADIUS = 31


def region_map(
    line: ArrayLike,
    *,
    radii: Sequence[int] = (3, 2, 1),
    threshold: float = 0.8,
    smallest: int = 8,
) -> NDArray[np.int32]:
    """Cut line art into regions, across gaps in the lines.

    Balls of decreasing radius move between the lines; all that one ball can reach is one region.
    What is left grows from the nearest region, four-connected, so that nothing crosses a line;
    pieces that no ball fits into and no region touches are regions of their own.

    Parameters
    ----------
    line : (H, W) bool, uint8, or float in [0, 1]
        A drawing, dark lines on light ground; or a mask that is true on lines.
    radii : sequence of int
        Radii of the balls in pixels, decreasing, 0 to 31: areas joined by a gap of up to twice the
        largest radius get labels of their own.
    threshold : float
        Values below are lines, in [0, 1]; for masks it has no meaning.
    smallest : int
        Regions of fewer pixels join the touching region with the longest common border.

    Returns
    -------
    (H, W) int32
        0 on lines; 1 to K elsewhere, numbered by their first pixels in reading order. The same
        drawing always gives the same labels.

    Raises
    ------
    InputError
        For other shapes and types, NaN, and numbers out of range.
    """
    array = any_array("line", line)
    if array.ndim != 2 or array.size == 0:
        raise InputError(f"line must be a (H, W) array with a pixel at least, not {array.shape}")
    if array.size >= 2**31:
        raise InputError(f"{array.shape[0]}x{array.shape[1]} pixels are more than 2**31")
    limit = finite_number("threshold", threshold, positive=False)
    if limit > 1:
        raise InputError(f"threshold must be in [0, 1], not {threshold}")
    balls = _radii(radii)
    least = whole_number("smallest", smallest)
    if least < 0:
        raise InputError(f"smallest must be at least 0, not {smallest}")
    marks = np.ascontiguousarray(_lines(array, limit), dtype=np.uint8)
    height, width = array.shape
    return within_memory(
        f"looking for regions in {height}x{width} pixels",
        lambda: _core.trapped_ball(marks, balls, least),
    )


def find_regions(
    line: NDArray[np.bool_], scale: float, *, radii: Sequence[int] | None = None
) -> tuple[NDArray[np.int32], int, int]:
    """Regions of a drawing, by rules for its size, and not too many.

    Screens are opened (`open_screens`), regions looked for (`region_map`), and many thin ones made
    one (`merge_tones`). Beyond `MAXIMUM_REGIONS` small ones join others; specks go to the lines.

    Parameters
    ----------
    line : (H, W) bool
        True on lines.
    scale : float
        Pixels of the drawing for one of the size that it is seen at.
    radii : sequence of int, optional
        Of the balls, see `region_map`; by default 3, 2 and 1 times the scale.

    Returns
    -------
    labels : (H, W) int32
        0 on lines; 1 to the number of regions elsewhere.
    count : int
        Of regions.
    before : int
        How many there were before they were too many; 0 where they were not.

    Raises
    ------
    InputError
        For radii out of range.
    SolverError
        When memory runs out.
    """
    marks = contiguous(line, np.uint8)
    balls = [] if radii is None else _radii(radii)
    return within_memory(
        f"looking for regions in {line.shape[0]}x{line.shape[1]} pixels",
        lambda: _core.find_regions(marks, scale, balls),
    )


def nearest_labels(labels: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.int32]:
    """A map of labels at another size (h, w): those at the middles of its cells."""
    return _core.nearest_labels(walkable(labels), *shape)


def inside_labels(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Labels of pixels that have no line (0) among their eight neighbours; 0 elsewhere."""
    return _core.inside_labels(walkable(labels))


def open_screens(line: ArrayLike, *, dot: int = 5) -> NDArray[np.bool_]:
    """Take the dots of screentones out of a drawing's lines: they bound no region.

    Where at least 32 dots cover an area in whatever pattern, each with five or more about it, they
    are laid over its colour. Dotted lines, in which a dot has four about it, few dots, and rings,
    which enclose a region, stay.

    Parameters
    ----------
    line : (H, W) bool
        True on lines.
    dot : int
        Pixels: a dot is nowhere wider or higher, and no further from the next than three times
        that; at least 1.

    Returns
    -------
    (H, W) bool
        The lines that are left.

    Raises
    ------
    InputError
        For other shapes, types and numbers.
    """
    marks = any_array("line", line)
    if marks.ndim != 2 or marks.size == 0 or marks.dtype != np.bool_:
        raise InputError(f"line must be (H, W) bool, not empty, not {marks.shape} of {marks.dtype}")
    most = whole_number("dot", dot)
    if most < 1:
        raise InputError(f"dot must be at least 1 pixel, not {dot}")
    opened = _core.open_screens(contiguous(marks, np.uint8), min(most, max(marks.shape)))
    return opened.view(np.bool_)


def merge_tones(
    labels: ArrayLike, *, thin: int = 9, bridge: int = 9, pieces: int = 16
) -> NDArray[np.int32]:
    """Make one region of each hatched or screened area.

    Its many pieces lie side by side across thin lines; where at least `pieces` do, all of them
    thin, they become one region. Shapes that are wider, and few small ones, stay what they are.

    Parameters
    ----------
    labels : (H, W) int
        From `region_map`; 0 on lines.
    thin : int
        Pixels: pieces with a pixel at least so far from their edge are no texture.
    bridge : int
        Pixels: lines up to so wide lie within a texture.
    pieces : int
        At least 2.

    Returns
    -------
    (H, W) int32
        0 on lines; 1 to K elsewhere, numbered by their first pixels in reading order.

    Raises
    ------
    InputError
        For other shapes, types and numbers.
    """
    marks = any_array("labels", labels)
    if marks.ndim != 2 or marks.size == 0 or marks.dtype.kind not in "iu":
        raise InputError(
            f"labels must be (H, W) whole numbers, not empty, not {marks.shape} of {marks.dtype}"
        )
    if marks.min() < 0 or marks.max() > marks.size:
        raise InputError(
            f"labels must lie between 0 and the number of pixels, not {marks.min()} to "
            f"{marks.max()}"
        )
    depth, width, few = (
        whole_number(name, value)
        for name, value in (("thin", thin), ("bridge", bridge), ("pieces", pieces))
    )
    if depth < 0 or width < 0 or few < 2:
        raise InputError(
            f"thin and bridge must be at least 0 and pieces at least 2, not {thin}, {bridge}, "
            f"{pieces}"
        )
    return _core.merge_tones(contiguous(marks, np.int32), depth, width, few)


def region_max(features: ArrayLike, labels: ArrayLike, count: int) -> NDArray[np.float32]:
    """Largest value of each channel within each region (RASC Eq. 2).

    Parameters
    ----------
    features : (C, H, W) real
        None negative: a value below 0 counts as 0.
    labels : (H, W) int
        Regions of the pixels, 0 to ``count - 1``.
    count : int
        Of regions.

    Returns
    -------
    (count, C) float32
        Zeros for regions that have no pixel.

    Raises
    ------
    InputError
        For other shapes and types, and labels out of range.
    """
    values, marks = any_array("features", features), any_array("labels", labels)
    number = whole_number("count", count)
    if values.ndim != 3 or marks.ndim != 2 or values.shape[1:] != marks.shape:
        raise InputError(
            f"features must be (C, H, W) and labels (H, W), not {values.shape} and {marks.shape}"
        )
    if values.dtype.kind not in "fiub" or marks.dtype.kind not in "iu":
        raise InputError(
            f"features must be real and labels whole numbers, not {values.dtype} and {marks.dtype}"
        )
    if number < 1 or (marks.size and (marks.min() < 0 or marks.max() >= number)):
        raise InputError(f"labels must lie between 0 and count - 1 = {number - 1}")
    try:
        return _core.aggregate_max(
            contiguous(values, np.float32), contiguous(marks, np.int32), number
        )
    except IndexError:  # another thread wrote to them meanwhile
        raise InputError(f"labels must lie between 0 and count - 1 = {number - 1}") from None


def cover_lines(labels: ArrayLike) -> NDArray[np.int32]:
    """Give every line pixel the label of a near region, so that colours reach under the lines.

    Parameters
    ----------
    labels : (H, W) int
        From `region_map`; 0 on lines.

    Returns
    -------
    (H, W) int32
        No 0, unless there is nothing but lines.

    Raises
    ------
    InputError
        For other shapes and types.
    """
    marks = any_array("labels", labels)
    if marks.ndim != 2 or marks.dtype.kind not in "iu":
        raise InputError(f"labels must be (H, W) whole numbers, not {marks.shape} of {marks.dtype}")
    return _core.cover_lines(contiguous(marks, np.int32))


def _lines(array: NDArray[Any], threshold: float) -> NDArray[np.bool_]:
    if array.dtype == np.bool_:
        return array
    if array.dtype == np.uint8:
        return np.asarray(array < np.ceil(threshold * 255))
    if array.dtype.kind == "f":
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise InputError("a float drawing must lie in [0, 1], without NaN")
        return np.asarray(array < threshold)
    raise InputError(f"line must be bool, uint8 or float, not {array.dtype}")


def _radii(radii: Sequence[int]) -> list[int]:
    balls = [whole_number("a radius", radius) for radius in radii]
    if not balls or balls != sorted(set(balls), reverse=True):
        raise InputError(f"radii must be decreasing whole numbers, at least one; not {radii!r}")
    if balls[0] > _LARGEST_RADIUS or balls[-1] < 0:
        raise InputError(f"radii must lie between 0 and {_LARGEST_RADIUS}, not {radii!r}")
    return balls
