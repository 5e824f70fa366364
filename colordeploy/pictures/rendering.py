"""Which pixels of a result are wanted, in which form, and where they go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..native.output import Output, Pixels, Region, output_array, region_of, saturation_of

__all__ = ["RenderKeywords", "Rendering", "preview_shape"]


class RenderKeywords(TypedDict, total=False):
    """Keyword arguments of every canvas's ``render``.

    Attributes
    ----------
    region : (y0, x0, y1, x1) or None
        Only that part of the result, in image pixels, end exclusive: the same bits as that part of
        the whole.
    size : int or None
        The whole result at that short side instead of the picture's own, never enlarged.
    output : {"rgb8", "rgb16", "lab"}
        uint8 sRGB, uint16 sRGB, or float32 CIE L, a, b.
    saturation : float in [0, 2]
        Factor of the chroma: 0 is grey, 1 as predicted, 2 vivid.
    out : array
        The caller's memory to write into, of the result's shape and dtype, with any strides.
    """

    region: Region | None
    size: int | None
    output: Output
    saturation: float
    out: NDArray[Any] | None


@dataclass(frozen=True, eq=False)
class Rendering:
    """The keywords of `RenderKeywords`, checked.

    Attributes
    ----------
    shape : (height, width)
        Of the whole result: the picture's own or a preview's.
    region : (y0, x0, y1, x1)
        The wanted part of it.
    output : {"rgb8", "rgb16", "lab"}
    saturation : float
    pixels : array
        Where the result goes: the caller's memory, or new memory.
    """

    shape: tuple[int, int]
    region: Region
    output: Output
    saturation: float
    pixels: Pixels

    @classmethod
    def of(
        cls,
        picture: tuple[int, int],
        region: Region | None = None,
        size: int | None = None,
        output: Output = "rgb8",
        saturation: float = 1.0,
        out: NDArray[Any] | None = None,
    ) -> Rendering:
        """Check what is asked for against a picture's height and width.

        Raises
        ------
        InputError
            For regions outside the picture or empty, a region and a size together, sizes below 1,
            unknown outputs, saturations out of range, and memory of another shape or dtype.
        """
        if region is not None and size is not None:
            raise InputError("give a region or a size, not both: a region is at the picture's size")
        shape = picture if size is None else preview_shape(picture, size)
        part = region_of(region, shape)
        pixels = output_array(out, output, part[2] - part[0], part[3] - part[1])
        return cls(shape, part, output, saturation_of(saturation), pixels)


def preview_shape(picture: tuple[int, int], size: int) -> tuple[int, int]:
    """Height and width of a picture at a short side of `size` pixels, never enlarged.

    Raises
    ------
    InputError
        When the size is no whole number of at least 1.
    """
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise InputError(f"size must be a short side of at least 1 pixel, not {size!r}")
    scale = min(1.0, int(size) / min(picture))
    return max(1, round(picture[0] * scale)), max(1, round(picture[1] * scale))
