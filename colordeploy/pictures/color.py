"""Colour formulas: the only place that has any.

Two spaces. The scribble methods use luma and chroma of BT.601 on gamma-encoded sRGB values, as
their papers do (Levin et al. 2004, LGA-Net): Y in [0, 1], U in [-0.436, 0.436], V in [-0.615,
0.615]. The others use CIE Lab under D65: L in [0, 100], a and b within about +-110.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..native import color as core
from ..native.anchors import AB_BINS, nearest_bin
from ..native.color import CHROMA_TO_RGB, LINEAR_RGB_TO_XYZ, LUMA, XYZ_TO_LINEAR_RGB

__all__ = [
    "AB_BINS",
    "CHROMA_TO_RGB",
    "LUMA",
    "SRGB_TO_XYZ_D50",
    "XYZ_TO_LINEAR_RGB",
    "chroma_of",
    "compose",
    "compose_lab",
    "gamma_of",
    "gray_of_lightness",
    "lab_d50_to_srgb",
    "lab_of",
    "lab_to_rgb",
    "lightness_of",
    "lightness_of_gray",
    "luma_of",
    "nearest_bin",
]


def luma_of(rgb: NDArray[np.floating] | NDArray[np.uint8], threads: int = 1) -> NDArray[np.float32]:
    """Luma Y of sRGB values.

    Parameters
    ----------
    rgb : (..., 3) float in [0, 1], or uint8
    threads : int

    Returns
    -------
    (...) float32 in [0, 1]
    """
    return core.luma_of(rgb, threads)


def chroma_of(rgb: NDArray[np.floating]) -> NDArray[np.float32]:
    """Chroma (U, V) of sRGB values.

    Parameters
    ----------
    rgb : (..., 3) float in [0, 1]

    Returns
    -------
    (..., 2) float32
    """
    return core.chroma_of(rgb)


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


_CUBE_FROM = (6.0 / 29.0) ** 3  # below, Lab's cube root is a straight line
_SLOPE = (29.0 / 6.0) ** 2 / 3.0


def _linear(srgb: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0) + 0.055) / 1.055) ** 2.4)


def _gamma(linear: NDArray[np.floating]) -> NDArray[np.floating]:
    above = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, above)


def _root(t: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.where(t > _CUBE_FROM, np.cbrt(t), _SLOPE * t + 4.0 / 29.0)


def lab_of(rgb: NDArray[np.floating]) -> NDArray[np.float32]:
    """CIE Lab (D65) of sRGB values.

    Parameters
    ----------
    rgb : (..., 3) float in [0, 1]

    Returns
    -------
    (..., 3) float32
        L in [0, 100], a and b within about +-110.
    """
    x, y, z = np.moveaxis(_root(_linear(rgb) @ LINEAR_RGB_TO_XYZ.T.astype(rgb.dtype)), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def lightness_of(
    rgb: NDArray[np.float32] | NDArray[np.uint8], threads: int = 1
) -> NDArray[np.float32]:
    """L alone of sRGB values (..., 3), in [0, 1] or uint8, in [0, 100]; see `lab_of`."""
    return core.lightness_of(rgb, threads)


def lightness_of_gray(gray: NDArray[np.floating]) -> NDArray[np.float32]:
    """L of gray sRGB values in [0, 1]."""
    return (116 * _root(_linear(gray)) - 16).astype(np.float32)


def gray_of_lightness(lightness: NDArray[np.floating]) -> NDArray[np.float32]:
    """Gray sRGB values in [0, 1] of L in [0, 100]: the inverse of `lightness_of_gray`."""
    root = (lightness + 16) / 116
    linear = np.where(root > 6.0 / 29.0, root**3, (root - 4.0 / 29.0) / _SLOPE)
    gray: NDArray[np.float32] = np.clip(_gamma(linear), 0.0, 1.0).astype(np.float32)
    return gray


def lab_to_rgb(lab: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return sRGB of CIE Lab (D65), (..., 3) each; outside [0, 1] where sRGB has no such colour."""
    y = (lab[..., 0] + 16) / 116
    roots = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    xyz = np.where(roots > 6.0 / 29.0, roots**3, (roots - 4.0 / 29.0) / _SLOPE)
    return _gamma(xyz @ XYZ_TO_LINEAR_RGB.T.astype(lab.dtype)).astype(np.float32)


def compose_lab(lightness: NDArray[np.floating], ab: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Picture of the given lightness and chroma.

    Where a colour lies outside sRGB its chroma is scaled down, hue kept, until it fits, so that
    the lightness is untouched. Half a level of eight bits outside is forgiven, which fades to
    nothing within eight units of L of black and white: these stay what they are.

    Parameters
    ----------
    lightness : (...) float in [0, 100]
    ab : (..., 2) float

    Returns
    -------
    (..., 3) uint8 sRGB
    """
    light, chroma = np.broadcast_arrays(lightness[..., None], ab)
    rgb = core.compose_lab(light[..., 0].ravel(), chroma.reshape(-1, 2))
    return rgb.reshape(*light.shape[:-1], 3)


# Linear sRGB to CIE XYZ under D50, as ICC profiles have it (IEC 61966-2-1, Bradford-adapted).
SRGB_TO_XYZ_D50: NDArray[np.float64] = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169],
     [0.0139322, 0.0971045, 0.7141733]]
)  # fmt: skip


def gamma_of(linear: NDArray[np.floating]) -> NDArray[np.floating]:
    """Gamma-encoded sRGB of linear values in [0, 1]."""
    return _gamma(linear)


def lab_d50_to_srgb(lab: NDArray[np.floating]) -> NDArray[np.float32]:
    """Gamma-encoded sRGB of CIE Lab under D50, as files hold it; clipped to [0, 1].

    Parameters
    ----------
    lab : (..., 3) float
        L in [0, 100], a and b.
    """
    fy = (lab[..., 0].astype(np.float64) + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], axis=-1)
    relative = np.where(f > 6 / 29, f**3, (f - 4 / 29) / _SLOPE)
    xyz = relative * np.array([0.96422, 1.0, 0.82521])
    return _gamma((xyz @ np.linalg.inv(SRGB_TO_XYZ_D50).T).clip(0, 1)).astype(np.float32)
