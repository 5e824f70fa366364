"""Luma, lightness and composed pictures: chroma of a working size on full-size lightness."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from . import _core
from .cancelling import Cancel, stoppable
from .checks import any_array, finite_number, thread_count, whole_number
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

__all__ = [
    "AB_SCALE",
    "CHROMA_SCALES",
    "CHROMA_TO_RGB",
    "LINEAR_RGB_TO_XYZ",
    "LUMA",
    "XYZ_TO_LINEAR_RGB",
    "GuidedChroma",
    "Space",
    "chroma_of",
    "compose_lab",
    "lab_of",
    "lightness_of",
    "lightness_of_gray",
    "lightness_plane",
    "luma_of",
    "luma_plane",
    "resample",
    "sized_plane",
]

Space: TypeAlias = Literal["luma", "lab"]

LUMA: NDArray[np.float64] = _core.LUMA
CHROMA_SCALES: tuple[float, float] = _core.CHROMA_SCALES
CHROMA_TO_RGB: NDArray[np.float64] = _core.CHROMA_TO_RGB
LINEAR_RGB_TO_XYZ: NDArray[np.float64] = _core.LINEAR_RGB_TO_XYZ
XYZ_TO_LINEAR_RGB: NDArray[np.float64] = _core.XYZ_TO_LINEAR_RGB
AB_SCALE: float = _core.AB_SCALE


class GuidedChroma:
    """Chroma at a working size, fitted to the lightness there: ready to compose any part of it.

    Fitted once for each guidance; it never changes, holds 20 bytes for each working pixel, and may
    be used by several threads. At full size a pixel's chroma is the bicubic one plus the slope of
    its window times the lightness detail that the working size lost (the guided filter of He, Sun
    and Tang 2013, its slope weighted by a power of the window's r^2). A colour outside of sRGB
    keeps lightness and hue and loses chroma until it fits; white and black have no chroma.

    Parameters
    ----------
    chroma : (h, w, 2) real
        U and V of BT.601, or CIE a and b over `AB_SCALE`. What is not finite counts as 0.
    working_lightness : (h, w) real
        Luma, or a hundredth of CIE L, at the working size.
    space : {"luma", "lab"}
        Which of the two: what is kept is BT.601 luma or CIE L.
    radius : int
        Half a window's side, in working pixels.
    epsilon : float
        Regularization, in squared lightness: windows of less variance count as flat.
    power : float
        Power of r^2 that weights a window.
    follow : bool
        False enlarges the chroma without a look at the lightness, for pictures composed at the
        working size itself: there is no detail to follow.

    Attributes
    ----------
    shape : (h, w)
    nbytes : int

    Raises
    ------
    InputError
        For other shapes and types.
    """

    def __init__(
        self,
        chroma: ArrayLike,
        working_lightness: ArrayLike,
        *,
        space: Space = "luma",
        radius: int = 1,
        epsilon: float = 1e-3,
        power: float = 8.0,
        follow: bool = True,
    ) -> None:
        pairs, light = _real("chroma", chroma), _plane("working_lightness", working_lightness)
        if pairs.ndim != 3 or pairs.shape[2] != 2 or pairs.shape[:2] != light.shape:
            raise InputError(
                f"chroma must be ({light.shape[0]}, {light.shape[1]}, 2) for a working lightness "
                f"of {light.shape}, not {pairs.shape}"
            )
        if space not in ("luma", "lab"):
            raise InputError(f"space must be 'luma' or 'lab', not {space!r}")
        slopes = None
        if follow:
            side = whole_number("radius", radius)
            if not 0 <= side <= max(light.shape):
                raise InputError(f"radius must be 0 to {max(light.shape)} here, not {side}")
            slopes = (
                float(side), finite_number("epsilon", epsilon, positive=True),
                finite_number("power", power, positive=False),
            )  # fmt: skip
        self.shape: tuple[int, int] = light.shape[0], light.shape[1]
        self._fitted = _core.GuidedChroma(pairs, light, space == "lab", slopes)

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return self._fitted.nbytes

    @property
    def slopes(self) -> NDArray[np.float32]:
        """Chroma a unit of lightness in each window, (h, w, 2) float32."""
        return np.moveaxis(self._fitted.slopes, 0, -1)

    def compose(
        self,
        lightness: ArrayLike,
        *,
        region: Region | None = None,
        output: Output = "rgb8",
        saturation: float = 1.0,
        out: Any = None,
        threads: int | None = None,
        base: ArrayLike | None = None,
        cancel: Cancel = None,
    ) -> Pixels:
        """Make pixels of the picture that has this lightness.

        Parameters
        ----------
        lightness : (H, W) real in [0, 1]
            Luma, or a hundredth of CIE L, at the size of the picture; others are clipped. float32
            of any strides is not copied. For a preview give it resampled, see `resample`.
        region : (y0, x0, y1, x1), optional
            The part to make, ends exclusive; by default all. It is bit for bit the same part of
            the whole, and costs what the part costs.
        output : {"rgb8", "rgb16", "lab"}
            sRGB in uint8 or uint16, or CIE L, a and b in float32.
        saturation : float
            Factor on the chroma, 0 to 2; exactly 1 leaves it as it is.
        out : array, optional
            Where to: the part's size times 3, of the output's type, any strides (also negative, or
            three channels of RGBA). By default new memory.
        threads : int, optional
            By default as many as this process may use, eight at most; the result is the same.
        base : (H, W, 2) real, optional
            Chroma that this one is a difference to, in the same units: both are added up before
            the saturation. float32 of any strides is not copied.
        cancel : CancelToken or CancelFlag, optional
            Looked at every few rows.

        Returns
        -------
        (y1 - y0, x1 - x0, 3) uint8, uint16 or float32
            `out`, where it was given.

        Raises
        ------
        InputError
            For other shapes, types and ranges.
        Cancelled
            When `cancel` was set before all is done; `out` is then half-written.
        """
        light = _plane("lightness", lightness)
        part = region_of(region, light.shape)
        pixels = output_array(out, output, part[2] - part[0], part[3] - part[1])
        factor, workers = saturation_of(saturation), thread_count(threads)
        under = None if base is None else _real("base", base)
        if under is not None and under.shape != (*light.shape, 2):
            raise InputError(
                f"base must be ({light.shape[0]}, {light.shape[1]}, 2) like the lightness, not "
                f"{under.shape}"
            )
        with stoppable(cancel) as flag:
            self._fitted.compose(light, part, factor, pixels, workers, under, flag)
        return pixels


def resample(
    plane: ArrayLike,
    shape: tuple[int, int],
    *,
    threads: int | None = None,
    cancel: Cancel = None,
) -> NDArray[Any]:
    """Resize a plane: bicubic, antialiased when it shrinks, as Pillow does it.

    Parameters
    ----------
    plane : (H, W) uint8, or real
        float32 and uint8 of any strides are not copied.
    shape : (h, w)
    threads : int, optional
        By default as many as this process may use, eight at most; the result is the same.
    cancel : CancelToken or CancelFlag, optional

    Returns
    -------
    (h, w) uint8 for uint8, else float32

    Raises
    ------
    InputError
        For other shapes and types.
    Cancelled
        When `cancel` was set before all is done.
    """
    values, height, width = sized_plane(plane, shape)
    with stoppable(cancel) as flag:
        return _core.resample(values, height, width, thread_count(threads), flag)


def luma_plane(samples: NDArray[Any], threads: int = 1) -> NDArray[np.float32]:
    """Luma of a picture (H, W) or (H, W, 3), uint8 or float32 in [0, 1], of any strides."""
    return _core.luma_plane(_interleaved(samples), thread_count(threads))


def lightness_plane(samples: NDArray[Any], threads: int = 1) -> NDArray[np.float32]:
    """CIE L, 0 to 100, of a picture (H, W) or (H, W, 3), uint8 or float32, of any strides."""
    return _core.lightness_plane(_interleaved(samples), thread_count(threads))


def luma_of(rgb: NDArray[Any], threads: int = 1) -> NDArray[np.float32]:
    """Luma (BT.601) of sRGB (..., 3), uint8 or in [0, 1]: (...) float32 in [0, 1]."""
    return _core.luma_of(_triples(rgb), thread_count(threads)).reshape(rgb.shape[:-1])


def chroma_of(rgb: NDArray[np.floating], threads: int = 1) -> NDArray[np.float32]:
    """Chroma (BT.601) of sRGB (..., 3) in [0, 1]: (..., 2) float32, U and V."""
    triples = _triples(rgb.astype(np.float32, copy=False))
    return _core.chroma_of(triples, thread_count(threads)).reshape(*rgb.shape[:-1], 2)


def lightness_of(
    rgb: NDArray[np.uint8] | NDArray[np.floating], threads: int = 1
) -> NDArray[np.float32]:
    """CIE L of sRGB (..., 3), uint8 or in [0, 1] (others are clipped): (...) float32, 0 to 100."""
    return _core.lightness_of(_triples(rgb), thread_count(threads)).reshape(rgb.shape[:-1])


def lightness_of_gray(
    gray: NDArray[np.uint8] | NDArray[np.floating], threads: int = 1
) -> NDArray[np.float32]:
    """CIE L of gray sRGB values, uint8 or in [0, 1] (others are clipped), 0 to 100."""
    kind = np.uint8 if gray.dtype == np.uint8 else np.float32
    values = contiguous(gray, kind)
    return _core.lightness_of_gray(values.ravel(), thread_count(threads)).reshape(gray.shape)


def lab_of(rgb: NDArray[np.floating], threads: int = 1) -> NDArray[np.float32]:
    """CIE Lab of sRGB (..., 3) in [0, 1] (others are clipped): (..., 3) float32."""
    lab = _core.lab_of(_triples(rgb.astype(np.float32, copy=False)), thread_count(threads))
    return lab.reshape(rgb.shape)


def compose_lab(lightness: NDArray[np.floating], ab: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return sRGB (n, 3) uint8 of CIE L (n,), clipped to [0, 100], and chroma (n, 2).

    The rule outside of sRGB is that of `GuidedChroma`.
    """
    light, pairs = _real("lightness", lightness), _real("ab", ab)
    if light.ndim != 1 or pairs.shape != (len(light), 2):
        raise InputError(f"ab must be ({len(light)}, 2) for as many L, not {pairs.shape}")
    return _core.compose_lab(contiguous(light, np.float32), contiguous(pairs, np.float32))


def _real(name: str, values: ArrayLike) -> NDArray[np.float32]:
    array = any_array(name, values)
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name} must hold real numbers, not {array.dtype}")
    return walkable(array.astype(np.float32, copy=False))


def sized_plane(plane: ArrayLike, shape: tuple[int, int]) -> tuple[NDArray[Any], int, int]:
    """A plane of bytes or floats, and the size that it shall have."""
    array = any_array("plane", plane)
    values = walkable(array) if array.dtype == np.uint8 else _real("plane", array)
    if values.ndim != 2 or values.size == 0:
        raise InputError(f"plane must be (H, W) and not empty, not {values.shape}")
    height, width = whole_number("height", shape[0]), whole_number("width", shape[1])
    if height < 1 or width < 1:
        raise InputError(f"the new size must be at least 1 x 1, not {height} x {width}")
    return values, height, width


def _plane(name: str, values: ArrayLike) -> NDArray[np.float32]:
    array = _real(name, values)
    if array.ndim != 2 or array.size == 0:
        raise InputError(f"{name} must be (H, W) and not empty, not {array.shape}")
    return array


def _interleaved(samples: NDArray[Any]) -> NDArray[Any]:
    """Memory with the channels of a pixel side by side."""
    array = walkable(samples)
    apart = array.ndim == 3 and array.strides[2] != array.itemsize
    return np.ascontiguousarray(array) if apart else array


def _triples(rgb: NDArray[Any]) -> NDArray[Any]:
    if rgb.shape[-1:] != (3,):
        raise InputError(f"colours must be (..., 3), not {rgb.shape}")
    kind = np.uint8 if rgb.dtype == np.uint8 else np.float32
    return contiguous(rgb, kind).reshape(-1, 3)
