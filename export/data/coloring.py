"""Batches for scribble colorization: luma, chroma, and synthetic scribbles, in mixed sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from colordeploy.pictures.color import chroma_of, luma_of
from colordeploy.pictures.strokes import constraints, rasterize

from .batches import CropSize, PhotoBatches, crop, planes, tone
from .photos import Folders, Photo
from .scribbles import main_color_strokes, random_segment_strokes

# About the same number of pixels a batch, from whole small pictures to whole ones at full size,
# which count most: that is where colours have far to go.
MIXED_SIZES = (
    CropSize(128, 128, 160, 8, 0.10),
    CropSize(128, 192, 256, 8, 0.15),
    CropSize(192, 192, 256, 4, 0.25),
    CropSize(256, 256, 256, 2, 0.50),
)

# On a pretrained encoder there is less to learn of small crops.
ENCODED_SIZES = (
    CropSize(128, 128, 200, 6, 0.15),
    CropSize(192, 192, 256, 3, 0.25),
    CropSize(256, 256, 256, 2, 0.60),
)

# Share of crops with strokes in random segments; the others have one stroke for each main colour,
# which are the harder ones.
SEGMENT_SHARE = 0.3


@dataclass(frozen=True)
class ColoringBatch:
    luma: Tensor  # (B, 1, S, S)
    chroma: Tensor  # (B, 2, S, S), the truth
    mask: Tensor  # (B, S, S) bool
    hints: Tensor  # (B, 2, S, S)


def make_sample(
    picture: Image.Image, size: CropSize, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
    """Return luma (S, S), chroma (S, S, 2), mask (S, S) and hints (S, S, 2) of one crop."""
    rgb = crop(picture, size, rng)
    if rng.random() < SEGMENT_SHARE:
        count = int(rng.integers(3, 17))
        strokes = random_segment_strokes(rgb, count, rng, colors=int(rng.integers(5, 11)))
    else:
        strokes = main_color_strokes(rgb, int(rng.integers(3, 9)), rng)
    marks = constraints(rasterize(strokes, rgb.shape[:2]), rgb.shape[:2])
    return tone(luma_of(rgb), rng), chroma_of(rgb), marks.mask, marks.chroma.astype(np.float32)


class ColoringBatches(PhotoBatches[ColoringBatch]):
    """Crops with synthetic strokes."""

    def __init__(
        self,
        folder: Folders,
        seed: int,
        first_step: int,
        steps: int,
        sizes: tuple[CropSize, ...] = MIXED_SIZES,
    ) -> None:
        super().__init__(folder, seed, first_step, steps, sizes)

    def sample(
        self, item: Photo, size: CropSize, rng: np.random.Generator
    ) -> tuple[NDArray[np.generic], ...]:
        return make_sample(item.picture(), size, rng)

    def assemble(self, *arrays: NDArray[np.generic]) -> ColoringBatch:
        luma, chroma, mask, hints = arrays
        return ColoringBatch(
            torch.from_numpy(luma)[:, None], planes(chroma), torch.from_numpy(mask), planes(hints)
        )
