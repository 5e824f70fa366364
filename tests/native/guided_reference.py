"""Guided upsampling in NumPy and SciPy: what the compiled `GuidedChroma` is compared with.

The guided filter's local linear model (He, Sun and Tang 2013; fast form, He and Sun 2015): at the
working size, chroma is explained in every window as ``a * luma + b`` by regularized least squares.
At full size the chroma is the bicubic one plus ``a`` times the luma detail that the working size
lost; ``a`` is weighted by a power of the coefficient of determination r^2 in its window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import uniform_filter

from colordeploy.native import GuidedChroma
from colordeploy.native.color import AB_SCALE, Space

__all__ = [
    "AB_SCALE",
    "GuidedUpsampling",
    "colorize_full_size",
    "guided_strips",
    "interpolated_strips",
]

STRIP_PIXELS = 1 << 20
# Variances below which a correlation means nothing.
_FLAT_LUMA, _FLAT_CHROMA = 1e-6, 1e-4


@dataclass(frozen=True)
class GuidedUpsampling:
    """Parameters of `GuidedChroma`.

    Attributes
    ----------
    radius : int
        Half the window's side at the working size, in pixels.
    epsilon : float
        Regularization, in squared luma: windows of less variance count as flat.
    power : float
        Power of r^2 that weights a window.
    """

    radius: int = 1
    epsilon: float = 1e-3
    power: float = 8.0


def colorize_full_size(
    light: NDArray[np.float32],
    working_light: NDArray[np.float32],
    chroma: NDArray[np.floating],
    parameters: GuidedUpsampling | None = None,
    *,
    space: Space = "luma",
    threads: int | None = None,
) -> NDArray[np.uint8]:
    """Picture at full size by the compiled core, from full-size lightness and working-size chroma.

    Parameters
    ----------
    light : (H, W) float32 in [0, 1]
        Luma, or a hundredth of CIE L.
    working_light : (h, w) float32
        The same at the working size, h <= H, w <= W.
    chroma : (h, w, 2) float
        Of BT.601, or a and b over `AB_SCALE`.
    space : {"luma", "lab"}
        Which of the two; see `colordeploy.pictures.color.compose` and `compose_lab`.
    threads : int, optional
        By default as many as there are processors, eight at most.

    Returns
    -------
    (H, W, 3) uint8 sRGB
    """
    given = parameters or GuidedUpsampling()
    fitted = GuidedChroma(
        chroma, working_light, space=space, follow=chroma.shape[:2] != light.shape,
        radius=given.radius, epsilon=given.epsilon, power=given.power,
    )  # fmt: skip
    return fitted.compose(light, threads=threads)


def guided_strips(
    luma: NDArray[np.float32],
    working_luma: NDArray[np.float32],
    chroma: NDArray[np.floating],
    parameters: GuidedUpsampling,
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield (rows, full-size chroma of those rows): what `colorize_full_size` makes pixels of."""
    chroma = chroma.astype(np.float32)
    if chroma.shape[:2] == luma.shape:  # no luma detail was lost
        yield slice(0, luma.shape[0]), chroma
        return
    slope = slopes_of(working_luma, chroma, parameters)
    planes = np.concatenate([chroma, slope, working_luma[..., None]], axis=2)
    for rows, strip in interpolated_strips(planes, luma.shape):
        detail = luma[rows] - strip[..., 4]
        yield rows, strip[..., 0:2] + strip[..., 2:4] * detail[..., None]


def interpolated_strips(
    planes: NDArray[np.float32],
    shape: tuple[int, ...],
    method: Image.Resampling = Image.Resampling.BICUBIC,
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield (rows, those rows of the planes (h, w, C) enlarged to (H, W, C))."""
    height, width = shape
    sources = [
        Image.fromarray(np.ascontiguousarray(planes[..., c])) for c in range(planes.shape[2])
    ]
    rows_a_strip = max(1, STRIP_PIXELS // width)
    scale = planes.shape[0] / height
    for begin in range(0, height, rows_a_strip):
        end = min(height, begin + rows_a_strip)
        box = (0.0, begin * scale, float(planes.shape[1]), min(end * scale, planes.shape[0]))
        strip = [
            np.asarray(source.resize((width, end - begin), method, box=box)) for source in sources
        ]
        yield slice(begin, end), np.stack(strip, axis=-1)


def slopes_of(
    luma: NDArray[np.float32], chroma: NDArray[np.float32], parameters: GuidedUpsampling
) -> NDArray[np.float32]:
    """``a`` of the local model chroma = a * luma + b, weighted and averaged: (h, w, 2)."""
    side = 2 * parameters.radius + 1
    guide = luma.astype(np.float64)

    def mean(values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray(uniform_filter(values, side, mode="nearest"))

    mean_guide = mean(guide)
    variance = np.maximum(mean(guide * guide) - mean_guide**2, 0.0)
    slopes = []
    for c in range(chroma.shape[2]):
        plane = chroma[..., c].astype(np.float64)
        covariance = mean(guide * plane) - mean_guide * mean(plane)
        spread = mean(plane * plane) - mean(plane) ** 2
        determination = covariance**2 / (
            (variance + _FLAT_LUMA) * (np.maximum(spread, 0.0) + _FLAT_CHROMA)
        )
        trust = determination**parameters.power
        slopes.append(mean(trust * covariance / (variance + parameters.epsilon)))
    return np.stack(slopes, axis=-1).astype(np.float32)
