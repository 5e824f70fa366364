"""Between a picture and what networks see of it: sizes, and chroma at the working size."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from .cancelling import Cancel, stoppable
from .checks import thread_count
from .color import sized_plane
from .output import walkable

__all__ = ["chroma_at_working_size", "resize", "working_size"]


def resize(
    plane: ArrayLike,
    shape: tuple[int, int],
    *,
    threads: int | None = None,
    cancel: Cancel = None,
) -> NDArray[np.float32]:
    """Resize a plane for a network: `resample`'s rule in double precision, Pillow's to the bit.

    Parameters
    ----------
    plane : (H, W) real, or uint8, 255 of which is 1
        float32 and uint8 of any strides are not copied.
    shape : (h, w)
        The plane's own gives a copy.
    threads : int, optional
        By default as many as this process may use, eight at most; the result is the same.
    cancel : CancelToken or CancelFlag, optional

    Returns
    -------
    (h, w) float32

    Raises
    ------
    InputError
        For other shapes and types.
    Cancelled
        When `cancel` was set before all is done.
    """
    values, height, width = sized_plane(plane, shape)
    with stoppable(cancel) as flag:
        return _core.resize(values, height, width, thread_count(threads), flag)


def working_size(
    picture: tuple[int, int], short_side: int, *, bounded: bool = False, enlarged: bool = False
) -> tuple[int, int]:
    """Size of a picture (H, W) with that short side.

    Parameters
    ----------
    picture : (H, W)
    short_side : int
        At least 1.
    bounded : bool
        Keep long strips down to the area of an 8:1 picture.
    enlarged : bool
        Bring pictures of at least a quarter of it up to it.
    """
    return _core.working_size(*picture, short_side, bounded, enlarged)


def chroma_at_working_size(
    ab: NDArray[np.float32],
    gray: NDArray[np.float32],
    working_size: tuple[int, int],
    *,
    threads: int | None = None,
) -> NDArray[np.float32]:
    """A network's answer at the working size, (h, w, 2) in ab units.

    Parameters
    ----------
    ab : (2, h'', w'') float32
        In ab units; smaller than the padded working picture, it is enlarged along the edges of the
        lightness.
    gray : (h', w') float32
        What the network saw: (L - 50) / 50, padded.
    working_size : (h, w)
        Without the padding.
    threads : int, optional
        By default as many as this process may use, eight at most; the result is the same.
    """
    pairs = np.moveaxis(walkable(ab), 0, -1)
    return _core.chroma_at_working_size(
        pairs, walkable(gray), *working_size, thread_count(threads), None
    )
