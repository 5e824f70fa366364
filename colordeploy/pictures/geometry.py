"""Sizes of pictures: resizing, the size at which a method works, padding."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InputError

__all__ = ["WorkingSize", "pad_to_multiple", "resize", "working_shape"]

_PIXELS = 1 << 23  # above, a plane is resized a part at a time
_LONGEST = 8  # aspect ratio up to which the default working size is the short side

WorkingSize: TypeAlias = "int | Literal['native'] | None"


def resize(values: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Resize a plane, or a stack of planes in the last axis, antialiased (bicubic).

    Parameters
    ----------
    values : (H, W) or (H, W, C) float, or uint8, 255 of which is 1
        Never held as floats as a whole.
    shape : (h, w)
    """
    if values.shape[:2] == tuple(shape):
        return _floats(values).astype(np.float32)  # a copy in any case
    if values.ndim == 3:
        return np.stack([resize(values[..., c], shape) for c in range(values.shape[2])], axis=-1)
    height, width = values.shape
    result = np.empty(shape, np.float32)
    scale, rows = height / shape[0], shape[0]
    if height * width > _PIXELS:  # a part at a time: Pillow works on a copy
        rows = max(1, int(_PIXELS / (scale * width)))
    for begin in range(0, shape[0], rows):
        end = min(begin + rows, shape[0])
        reach = 2 * max(1.0, scale) + 1  # of the bicubic kernel
        top = max(0, math.floor(begin * scale - reach))
        bottom = min(height, math.ceil(end * scale + reach))
        part = Image.fromarray(np.ascontiguousarray(_floats(values[top:bottom])))
        box = (0, begin * scale - top, width, min(end * scale, height) - top)
        size = (shape[1], end - begin)
        result[begin:end] = np.asarray(part.resize(size, Image.Resampling.BICUBIC, box=box))
    return result


def _floats(values: NDArray[Any]) -> NDArray[np.float32]:
    floats = np.asarray(values, np.float32)
    return floats / np.float32(255) if values.dtype == np.uint8 else floats


def working_shape(shape: tuple[int, int], size: WorkingSize, default: int) -> tuple[int, int]:
    """Return the size at which a method works on a picture, aspect ratio kept.

    Parameters
    ----------
    shape : (H, W)
    size : int, "native" or None
        Short side in pixels; "native" is the picture's own size, None the default. A picture is
        never enlarged. The default keeps long strips down to the area of an 8:1 picture.
    default : int
        Short side for None.
    """
    if size == "native":
        return shape
    short = default if size is None else size
    if isinstance(short, bool) or not isinstance(short, (int, np.integer)) or short < 1:
        raise InputError(f"size must be a short side of at least 1 pixel or 'native', not {size!r}")
    scale = min(1.0, int(short) / min(shape))
    if size is None:
        scale = min(scale, short * math.sqrt(_LONGEST / (shape[0] * shape[1])))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def pad_to_multiple(plane: NDArray[np.float32], multiple: int) -> NDArray[np.float32]:
    """Repeat the last row and column until both sides are whole multiples."""
    height, width = plane.shape
    return np.pad(plane, ((0, -height % multiple), (0, -width % multiple)), mode="edge")
