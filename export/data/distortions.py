"""What happens to photographs on their way: JPEG, noise, blur, another size, a shift."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from colordeploy.pictures.color import lab_of

Plane = NDArray[np.float32]
_FILTERS = (Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BILINEAR)


@dataclass(frozen=True)
class Frame:
    """What part of a picture is seen, in its own pixels: `side` pixels of `step` each.

    Attributes
    ----------
    left, top : float
        Corner in the picture.
    step : float
        Pixels of the picture in one of the result; below 1 enlarges.
    side : int
        Of the result.
    mirrored : bool
        The result is turned about its vertical axis.
    """

    left: float
    top: float
    step: float
    side: int
    mirrored: bool = False

    def cut(self, picture: Image.Image, rng: np.random.Generator) -> Image.Image:
        """The part as a picture, resized by one of three filters."""
        end = self.step * self.side
        box = (self.left, self.top, self.left + end, self.top + end)
        kernel = _FILTERS[int(rng.integers(len(_FILTERS)))]
        found = picture.resize((self.side, self.side), kernel, box=box)
        return found.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if self.mirrored else found


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    """The picture after compression."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def lightness(picture: Image.Image) -> Plane:
    """CIE L / 100 of a picture."""
    rgb = np.asarray(picture, np.float32) / 255
    return np.clip(lab_of(rgb)[..., 0] / 100, 0, 1)


def degraded(picture: Image.Image, rng: np.random.Generator) -> Plane:
    """Lightness in [0, 1] of a picture after what people's files go through, each now and then:
    reduced to half or more and enlarged again, JPEG of quality 30 to 96, a blur of up to 0.8
    pixels, noise of up to 3 levels, up to 2 levels more or less, 8 bits.
    """
    if rng.random() < 0.2:
        full, factor = picture.size, float(rng.uniform(0.5, 1.0))
        small = (round(full[0] * factor), round(full[1] * factor))
        picture = picture.resize(small, Image.Resampling.BICUBIC)
        picture = picture.resize(full, Image.Resampling.BICUBIC)
    if rng.random() < 0.6:
        picture = jpeg(picture, int(rng.integers(30, 97)))
    light = lightness(picture)
    if rng.random() < 0.3:
        light = gaussian_filter(light, float(rng.uniform(0.2, 0.8)))
    if rng.random() < 0.5:
        sigma = float(np.exp(rng.uniform(np.log(0.3), np.log(3.0)))) / 255
        light = light + rng.normal(0, sigma, light.shape).astype(np.float32)
    if rng.random() < 0.5:
        light = light + np.float32(rng.uniform(-2, 2) / 255)
    if rng.random() < 0.5:
        light = np.round(light * 255) / np.float32(255)
    return np.clip(light, 0, 1).astype(np.float32)
