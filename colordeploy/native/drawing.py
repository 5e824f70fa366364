"""Drawings apart and together again: lines, mean colours of regions, the finished picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from . import _core
from .cancelling import Cancel, stoppable
from .checks import any_array, thread_count
from .color import resample
from .output import (
    Output,
    Pixels,
    Region,
    contiguous,
    output_array,
    region_of,
    saturation_of,
    walkable,
)
from .regions import nearest_labels

__all__ = [
    "Lines",
    "Shading",
    "compose_drawing",
    "reduce_drawing",
    "region_means",
    "separate_lines",
]


@dataclass(frozen=True, eq=False)
class Lines:
    """The lines of a drawing, to be laid over colours.

    Attributes
    ----------
    opacity : (H, W) uint8
        Ink of that opacity over white is the drawing.
    ink : (H, W, 3) uint8 or None
        Its colour; None is black.
    """

    opacity: NDArray[np.uint8]
    ink: NDArray[np.uint8] | None = None

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return self.opacity.nbytes + (0 if self.ink is None else self.ink.nbytes)


@dataclass(frozen=True, eq=False)
class Shading:
    """What varies within regions: colours less those of their regions.

    Attributes
    ----------
    values : (h, w, 3) float32
        The colours, at most of the picture's size; of any strides.
    ground : (h, w) int
        The region of each; where it is 0 nothing varies.
    reference : (count, 3) float32, optional
        The regions' colours that they vary about; by default the palette's.
    limits : (count,) float32, optional
        How far they may vary in each region; by default there is no limit.
    """

    values: NDArray[np.float32]
    ground: NDArray[np.int32]
    reference: NDArray[np.float32] | None = None
    limits: NDArray[np.float32] | None = None


def separate_lines(values: ArrayLike, *, threads: int | None = None) -> Lines:
    """Take the ink off white paper: the least opacity with which some ink gives the drawing.

    Parameters
    ----------
    values : (H, W) or (H, W, 3) uint8, or float in [0, 1]
        Values outside count as 0 or 1.
    threads : int, optional
        By default as many as there are processors, eight at most.

    Raises
    ------
    InputError
        For other shapes and types.
    """
    array = any_array("values", values)
    if array.ndim != 2 and (array.ndim != 3 or array.shape[2] != 3):
        raise InputError(f"values must be (H, W) or (H, W, 3), not {array.shape}")
    if array.dtype.kind != "f" and array.dtype != np.uint8:
        raise InputError(f"values must be uint8, or float in [0, 1], not {array.dtype}")
    kind = None if array.dtype == np.uint8 else np.float32
    return Lines(*_core.separate_lines(contiguous(array, kind), thread_count(threads)))


def region_means(
    values: ArrayLike, labels: ArrayLike, wanted: ArrayLike, *, threads: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Mean colours of regions.

    Parameters
    ----------
    values : (h, w, 3) real
        Colours, enlarged bilinearly to the labels' size. float32 of any strides is not copied.
    labels : (H, W) int
        Regions of the pixels, 0 to ``len(wanted) - 1``.
    wanted : (count,) bool
        Which regions to look at.
    threads : int, optional
        By default as many as there are processors, eight at most; the result is the same for all.

    Returns
    -------
    means : (count, 3) float32
        Zeros for regions that have no pixel or are not wanted.
    pixels : (count,) int64
        Of each wanted region.

    Raises
    ------
    InputError
        For other shapes and types, and labels out of range.
    """
    marks, chosen = _labels("labels", labels), any_array("wanted", wanted)
    if chosen.ndim != 1 or chosen.dtype != np.bool_:
        raise InputError(f"wanted must be (count,) bool, not {chosen.shape} of {chosen.dtype}")
    colors = _colors(values, marks.shape)
    try:
        return _core.region_means(colors, marks, chosen.astype(np.uint8), thread_count(threads))
    except IndexError:
        raise _out_of_range(len(chosen), marks) from None


def compose_drawing(
    palette: ArrayLike,
    labels: ArrayLike,
    *,
    shading: Shading | None = None,
    lines: Lines | None = None,
    region: Region | None = None,
    output: Output = "rgb8",
    saturation: float = 1.0,
    out: Any = None,
    threads: int | None = None,
    cancel: Cancel = None,
) -> Pixels:
    """Picture of a coloured drawing.

    Each pixel has its region's colour and, enlarged bilinearly, the shading; that is rounded to
    eight bits (for "rgb8"), and lines are laid over it by their opacity.

    Parameters
    ----------
    palette : (count, 3) real in [0, 1]
        Colours of the regions; values outside count as 0 or 1.
    labels : (H, W) int
        Regions of the pixels, 0 to ``count - 1``.
    shading : Shading, optional
        By default regions are flat.
    lines : Lines, optional
        By default none.
    region : (y0, x0, y1, x1), optional
        The part to make, ends exclusive; by default all. It is bit for bit the same part of the
        whole, and costs what the part costs.
    output : {"rgb8", "rgb16", "lab"}
        sRGB in uint8 or uint16, or CIE L, a and b in float32.
    saturation : float
        Factor on the chroma of the colours below the lines, 0 to 2, at the same luma; exactly 1
        leaves it as it is.
    out : array, optional
        Where to: the part's size times 3, of the output's type, any strides (also negative, or
        three channels of RGBA). By default new memory.
    threads : int, optional
        By default as many as this process may use, eight at most; the result is the same for all.
    cancel : CancelToken or CancelFlag, optional
        Looked at every few rows.

    Returns
    -------
    (y1 - y0, x1 - x0, 3) uint8, uint16 or float32
        `out`, where it was given.

    Raises
    ------
    InputError
        For other shapes, types and ranges, and labels out of range.
    Cancelled
        When `cancel` was set before all is done; `out` is then half-written.
    """
    colors, marks = any_array("palette", palette), _labels("labels", labels)
    if colors.ndim != 2 or colors.shape[1] != 3 or colors.dtype.kind not in "fiu":
        raise InputError(
            f"palette must be (count, 3) real numbers, not {colors.shape} of {colors.dtype}"
        )
    values = ground = reference = limits = None
    if shading is not None:
        values = _colors(shading.values, marks.shape)
        ground = _labels("ground", shading.ground)
        if ground.shape != values.shape[:2]:
            raise InputError(
                f"ground must be of the values' size {values.shape[:2]}, not {ground.shape}"
            )
        reference = _of_regions("reference", shading.reference, 2)
        limits = _of_regions("limits", shading.limits, 1)
        if reference is not None and limits is not None and len(reference) != len(limits):
            raise InputError(
                f"reference and limits must be of as many regions, not {len(reference)} and "
                f"{len(limits)}"
            )
    opacity = ink = None
    if lines is not None:
        opacity = _plane("opacity", lines.opacity, marks.shape)
        ink = None if lines.ink is None else _plane("ink", lines.ink, (*marks.shape, 3))
    part = region_of(region, marks.shape)
    pixels = output_array(out, output, part[2] - part[0], part[3] - part[1])
    try:
        with stoppable(cancel) as flag:
            _core.compose_drawing(
                contiguous(colors, np.float32), marks, values, ground, reference, limits,
                opacity, ink, part, saturation_of(saturation), pixels, thread_count(threads), flag,
            )  # fmt: skip
    except IndexError:
        wrong = [marks] if ground is None else [marks, ground]
        known = [len(rows) for rows in (colors, reference, limits) if rows is not None]
        raise _out_of_range(min(known), *wrong) from None
    return pixels


def reduce_drawing(
    labels: ArrayLike,
    shape: tuple[int, int],
    *,
    shading: Shading | None = None,
    lines: Lines | None = None,
    threads: int | None = None,
    cancel: Cancel = None,
) -> tuple[NDArray[np.int32], Shading | None, Lines | None]:
    """Make what `compose_drawing` takes smaller, for a preview of the whole.

    Lines are resampled as pictures are, regions are looked up at the middle of each pixel (where
    they meet there is a line). Labels and lines depend on the drawing alone and can be kept.

    Parameters
    ----------
    labels : (H, W) int
    shape : (h, w)
        At most (H, W).
    shading : Shading, optional
        Only one that is larger than `shape` is made smaller.
    lines : Lines, optional
    threads : int, optional
        By default as many as this process may use, eight at most.
    cancel : CancelToken or CancelFlag, optional

    Returns
    -------
    labels : (h, w) int32
    shading : Shading or None
    lines : Lines or None

    Raises
    ------
    InputError
        For other shapes and types.
    Cancelled
        When `cancel` was set before all is done.
    """
    marks = _labels("labels", labels)
    if not (1 <= shape[0] <= marks.shape[0] and 1 <= shape[1] <= marks.shape[1]):
        raise InputError(f"the new size must be at most {marks.shape}, not {shape}")
    if shading is not None:
        values = _colors(shading.values, marks.shape)
        size = min(values.shape[0], shape[0]), min(values.shape[1], shape[1])
        if size != values.shape[:2]:
            planes = [
                resample(values[..., c], size, threads=threads, cancel=cancel) for c in range(3)
            ]
            ground = nearest_labels(_labels("ground", shading.ground), size)
            shading = replace(shading, values=np.stack(planes, axis=-1), ground=ground)
    small = None
    if lines is not None:
        opacity = _plane("opacity", lines.opacity, marks.shape)
        ink = None if lines.ink is None else _plane("ink", lines.ink, (*marks.shape, 3))
        with stoppable(cancel) as flag:
            small = Lines(*_core.resample_lines(opacity, ink, *shape, thread_count(threads), flag))
    return nearest_labels(marks, shape), shading, small


def _labels(name: str, labels: ArrayLike) -> NDArray[np.int32]:
    marks = any_array(name, labels)
    if marks.ndim != 2 or marks.size == 0 or marks.dtype.kind not in "iu":
        raise InputError(f"{name} must be (H, W) whole numbers, not {marks.shape} of {marks.dtype}")
    if marks.dtype != np.int32 and int(marks.max()) >= 2**31:
        raise InputError(f"{name} must be below 2**31, not {marks.max()}")
    return walkable(marks.astype(np.int32, copy=False))


def _colors(values: ArrayLike, most: tuple[int, ...]) -> NDArray[np.float32]:
    array = any_array("values", values)
    if array.ndim != 3 or array.shape[2] != 3 or array.size == 0 or array.dtype.kind not in "fiu":
        raise InputError(
            f"values must be (h, w, 3) real numbers, not {array.shape} of {array.dtype}"
        )
    if array.shape[0] > most[0] or array.shape[1] > most[1]:
        raise InputError(
            f"values must be no larger than the labels' {most}, not {array.shape[:2]}; resize them"
        )
    return walkable(array.astype(np.float32, copy=False))


def _of_regions(
    name: str, values: NDArray[np.float32] | None, dimensions: int
) -> NDArray[np.float32] | None:
    """Numbers of each region: (count,) or (count, 3)."""
    if values is None:
        return None
    array = any_array(name, values)
    wanted = "(count, 3)" if dimensions == 2 else "(count,)"
    if array.ndim != dimensions or array.shape[1:] != (3,)[: dimensions - 1]:
        raise InputError(f"{name} must be {wanted} real numbers, not {array.shape}")
    return contiguous(array, np.float32)


def _plane(name: str, plane: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if plane.shape != shape or plane.dtype != np.uint8:
        raise InputError(f"{name} must be {shape} uint8, not {plane.shape} of {plane.dtype}")
    return walkable(plane)


def _out_of_range(count: int, *labels: NDArray[np.int32]) -> InputError:
    low, high = min(int(m.min()) for m in labels), max(int(m.max()) for m in labels)
    return InputError(f"labels must lie between 0 and {count - 1}; these reach {low} to {high}")
