"""Colour formulas: the only place that has any.

Luma and chroma are those of BT.601 on gamma-encoded sRGB values, as in the scribble papers (Levin
et al. 2004, LGA-Net): Y in [0, 1], U in [-0.436, 0.436], V in [-0.615, 0.615].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["CHROMA_TO_RGB", "LUMA", "chroma_of", "compose", "luma_of"]

LUMA: NDArray[np.float64] = np.array([0.299, 0.587, 0.114])
_U_SCALE, _V_SCALE = 0.492, 0.877

# (U, V) @ CHROMA_TO_RGB = (R - Y, G - Y, B - Y)
CHROMA_TO_RGB: NDArray[np.float64] = np.array(
    [
        [0.0, -LUMA[2] / LUMA[1] / _U_SCALE, 1.0 / _U_SCALE],
        [1.0 / _V_SCALE, -LUMA[0] / LUMA[1] / _V_SCALE, 0.0],
    ]
)


def luma_of(rgb: NDArray[np.floating]) -> NDArray[np.float32]:
    """Luma Y of sRGB values.

    Parameters
    ----------
    rgb : (..., 3) float in [0, 1]

    Returns
    -------
    (...) float32 in [0, 1]
    """
    return (rgb @ LUMA.astype(rgb.dtype)).astype(np.float32)


def chroma_of(rgb: NDArray[np.floating]) -> NDArray[np.float32]:
    """Chroma (U, V) of sRGB values.

    Parameters
    ----------
    rgb : (..., 3) float in [0, 1]

    Returns
    -------
    (..., 2) float32
    """
    y = rgb @ LUMA.astype(rgb.dtype)
    return np.stack([_U_SCALE * (rgb[..., 2] - y), _V_SCALE * (rgb[..., 0] - y)], axis=-1).astype(
        np.float32
    )


def compose(luma: NDArray[np.floating], chroma: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Picture of the given luma and chroma.

    Where a colour lies outside sRGB its chroma is scaled down, hue kept, until it fits, so that
    the luma is untouched (clipping channels would change it).

    Parameters
    ----------
    luma : (...) float in [0, 1]
    chroma : (..., 2) float

    Returns
    -------
    (..., 3) uint8 sRGB, whose luma is the given one to within rounding
    """
    y = np.clip(luma, 0.0, 1.0)[..., None].astype(np.float32)
    offset = chroma.astype(np.float32) @ CHROMA_TO_RGB.astype(np.float32)
    # The largest s in [0, 1] with 0 <= y + s * offset <= 1 for every channel.
    room = np.where(offset > 0, 1.0 - y, y)
    magnitude = np.abs(offset)
    fits = magnitude <= room
    ratio = np.divide(room, magnitude, out=np.ones_like(room), where=~fits)
    rgb = y + offset * ratio.min(axis=-1, keepdims=True)
    result: NDArray[np.uint8] = (np.clip(rgb, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    return result
