"""Picture quality of uint8 RGB pictures: MSE, PSNR, SSIM, MS-SSIM, and how colourful they are."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d

# Wang, Simoncelli, Bovik 2003.
_MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_TAPS = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
_WINDOW = _TAPS / _TAPS.sum()


def mse(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Mean squared error of RGB in [0, 1]."""
    return float(np.square((a.astype(np.float64) - b) / 255.0).mean())


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio in dB, at most 100 (equal pictures)."""
    return -10.0 * math.log10(max(mse(a, b), 1e-10))


def _valid(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    for axis in (0, 1):
        plane = convolve1d(plane, _WINDOW, axis=axis)
    return plane[5:-5, 5:-5]


def _ssim_terms(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Mean SSIM and mean contrast-structure term of two planes in [0, 1]."""
    c1, c2 = 0.01**2, 0.03**2
    mean_a, mean_b = _valid(a), _valid(b)
    variance_a = _valid(a * a) - mean_a**2
    variance_b = _valid(b * b) - mean_b**2
    covariance = _valid(a * b) - mean_a * mean_b
    structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return float((luminance * structure).mean()), float(structure.mean())


def ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """SSIM, the mean over R, G and B."""
    return sum(_ssim_terms(a[..., c] / 255.0, b[..., c] / 255.0)[0] for c in range(3)) / 3


def colorfulness(picture: NDArray[np.uint8]) -> float:
    """Hasler and Suesstrunk 2003: 0 is gray, 33 moderately, 45 averagely, 59 quite colourful."""
    r, g, b = np.moveaxis(picture.astype(np.float64), -1, 0)
    opponents = np.stack([r - g, 0.5 * (r + g) - b])
    deviation = np.hypot(*opponents.std(axis=(1, 2)))
    return float(deviation + 0.3 * np.hypot(*opponents.mean(axis=(1, 2))))


def one_tint(ab: NDArray[np.floating]) -> float:
    """How much of the chroma (H, W, 2) is one tint over everything: the length of its mean over its
    root mean square, from 0 to 1.
    """
    mean = np.hypot(*ab.mean(axis=(0, 1)))
    return float(mean / max(math.sqrt(float(np.square(ab).sum(axis=2).mean())), 1e-9))


def _halve(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = plane.shape[0] // 2 * 2, plane.shape[1] // 2 * 2
    even = plane[:height, :width]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def ms_ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Multi-scale SSIM, the mean over R, G and B; 5 scales, short side at least 176."""
    if min(a.shape[:2]) < 11 * 16:
        raise ValueError("MS-SSIM with 5 scales needs a short side of at least 176 pixels")
    total = 0.0
    for channel in range(3):
        x, y = a[..., channel] / 255.0, b[..., channel] / 255.0
        value = 1.0
        for scale, weight in enumerate(_MS_SSIM_WEIGHTS):
            ssim, structure = _ssim_terms(x, y)
            last = scale == len(_MS_SSIM_WEIGHTS) - 1
            value *= max(ssim if last else structure, 0.0) ** weight
            x, y = _halve(x), _halve(y)
        total += value
    return total / 3
