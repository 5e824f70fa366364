"""Sizes of pictures: resizing, the size at which a method works, padding."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..native import working as core

__all__ = ["WorkingSize", "pad_to_multiple", "resize", "working_shape"]

WorkingSize: TypeAlias = "int | Literal['native'] | None"


def resize(
    values: NDArray[Any], shape: tuple[int, int], threads: int | None = None
) -> NDArray[np.float32]:
    """Resize a plane, or a stack of planes in the last axis, antialiased (bicubic).

    Parameters
    ----------
    values : (H, W) or (H, W, C) float, or uint8, 255 of which is 1
        Never held as floats as a whole.
    shape : (h, w)
    threads : int, optional
        By default as many as this process may use, eight at most; the result is the same.
    """
    if values.ndim == 2:
        return core.resize(values, shape, threads=threads)
    planes = np.moveaxis(values, -1, 0)
    return np.stack([core.resize(plane, shape, threads=threads) for plane in planes], axis=-1)


def working_shape(
    shape: tuple[int, int], size: WorkingSize, default: int, *, enlarged: bool = False
) -> tuple[int, int]:
    """Return the size at which a method works on a picture, aspect ratio kept.

    Parameters
    ----------
    shape : (H, W)
    size : int, "native" or None
        Short side in pixels, at most the picture's own; "native" is the picture's own size, None
        the default, which keeps long strips down to the area of an 8:1 picture.
    default : int
        Short side for None.
    enlarged : bool
        The default also brings pictures of at least a quarter of it up to it: networks of photos
        know things at one size, and a picture's size should not change its colours. Smaller ones
        (icons) keep their own.
    """
    if size == "native":
        return shape
    short = default if size is None else size
    if isinstance(short, bool) or not isinstance(short, (int, np.integer)) or short < 1:
        raise InputError(f"size must be a short side of at least 1 pixel or 'native', not {size!r}")
    bounded = size is None
    return core.working_size(shape, int(short), bounded=bounded, enlarged=enlarged and bounded)


def pad_to_multiple(plane: NDArray[np.float32], multiple: int) -> NDArray[np.float32]:
    """Repeat the last row and column until both sides are whole multiples."""
    height, width = plane.shape
    return np.pad(plane, ((0, -height % multiple), (0, -width % multiple)), mode="edge")
