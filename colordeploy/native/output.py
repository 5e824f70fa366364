"""What composed pictures are given as: which part of them, in which form, in whose memory."""

from __future__ import annotations

import operator
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .checks import finite_number

__all__ = [
    "Output",
    "Pixels",
    "Region",
    "contiguous",
    "output_array",
    "region_of",
    "saturation_of",
    "walkable",
]

Output: TypeAlias = Literal["rgb8", "rgb16", "lab"]
Pixels: TypeAlias = "NDArray[Any]"  # uint8, uint16 or float32, as the output says
Region: TypeAlias = tuple[int, int, int, int]

_TYPES: dict[str, type[np.generic]] = {"rgb8": np.uint8, "rgb16": np.uint16, "lab": np.float32}
_MAXIMUM_SATURATION = 2.0


def region_of(region: Any, shape: tuple[int, ...]) -> Region:
    """(y0, x0, y1, x1) within a picture of the shape (H, W); None is all of it.

    Raises
    ------
    InputError
        For parts that are empty or reach beyond the picture.
    """
    height, width = shape[:2]
    if region is None:
        return 0, 0, height, width
    try:
        y0, x0, y1, x1 = (operator.index(end) for end in region)
    except (TypeError, ValueError):
        raise InputError(
            f"region must be four whole numbers (y0, x0, y1, x1), not {region!r}"
        ) from None
    if not (0 <= y0 < y1 <= height and 0 <= x0 < x1 <= width):
        raise InputError(
            f"region {(y0, x0, y1, x1)} must hold a pixel and lie within (0, 0, {height}, {width}),"
            " ends exclusive"
        )
    return y0, x0, y1, x1


def saturation_of(saturation: Any) -> float:
    """Check a factor on the chroma, 0 to 2."""
    factor = finite_number("saturation", saturation, positive=False)
    if factor > _MAXIMUM_SATURATION:
        raise InputError(
            f"saturation must lie between 0 and {_MAXIMUM_SATURATION:g}, not {factor:g}"
        )
    return factor


def output_array(out: Any, output: Output, height: int, width: int) -> Pixels:
    """Memory for an output of that size: the caller's, checked, or new.

    Raises
    ------
    InputError
        For other outputs, and arrays of another shape or type or that cannot be written.
    """
    if output not in _TYPES:
        raise InputError(f"output must be one of {', '.join(_TYPES)}, not {output!r}")
    dtype, shape = np.dtype(_TYPES[output]), (height, width, 3)
    if out is None:
        fresh: Pixels = np.empty(shape, dtype)
        return fresh
    if not isinstance(out, np.ndarray) or out.dtype != dtype or out.shape != shape:
        given = f"{out.shape} of {out.dtype}" if isinstance(out, np.ndarray) else type(out).__name__
        raise InputError(f"out must be an array {shape} of {dtype} for {output!r}, not {given}")
    if not out.flags.writeable or not out.flags.aligned:
        raise InputError("out must be writeable, and aligned for its type")
    return out


def contiguous(array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Memory that the core can run through: values side by side, aligned."""
    return np.require(array, dtype, ["C", "A"])


def walkable(array: NDArray[Any]) -> NDArray[Any]:
    """Memory that the core can walk through: values at whole multiples of their size."""
    size = array.itemsize
    whole = array.flags.aligned and all(stride % size == 0 for stride in array.strides)
    return array if whole else array.copy()
