"""Batches for scribble colorization: luma, chroma, and made-up scribbles, in mixed sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import IterableDataset

from colordeploy.color import chroma_of, luma_of
from colordeploy.strokes import constraints, rasterize

from .photos import PhotoArchive
from .scribbles import main_color_strokes, random_segment_strokes


@dataclass(frozen=True)
class CropSize:
    """Square crops of `side` pixels out of pictures whose short side was resized to a number
    drawn from [`short_min`, `short_max`]; `batch` of them at a time, drawn with `share`.
    """

    side: int
    short_min: int
    short_max: int
    batch: int
    share: float


# About the same number of pixels a batch, from whole small pictures to whole ones at full size,
# which count most: that is where colours have far to go.
MIXED_SIZES = (
    CropSize(128, 128, 160, 8, 0.10),
    CropSize(128, 192, 256, 8, 0.15),
    CropSize(192, 192, 256, 4, 0.25),
    CropSize(256, 256, 256, 2, 0.50),
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


def _crop(picture: Image.Image, size: CropSize, rng: np.random.Generator) -> NDArray[np.float32]:
    short = int(rng.integers(size.short_min, size.short_max + 1))
    scale = short / min(picture.size)
    shape = [max(size.side, round(side * scale)) for side in picture.size]
    resized = picture.resize((shape[0], shape[1]), Image.Resampling.BICUBIC)
    x = int(rng.integers(0, shape[0] - size.side + 1))
    y = int(rng.integers(0, shape[1] - size.side + 1))
    crop = resized.crop((x, y, x + size.side, y + size.side))
    rgb = np.asarray(crop, dtype=np.float32) / 255.0
    return rgb[:, ::-1].copy() if rng.random() < 0.5 else rgb


def _tone(luma: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Now and then another gamma: old prints differ in contrast, their colours' places do not."""
    if rng.random() < 0.7:
        return luma
    return luma ** float(np.exp(rng.uniform(-0.35, 0.35)))


def make_sample(
    picture: Image.Image, size: CropSize, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
    """Return luma (S, S), chroma (S, S, 2), mask (S, S) and hints (S, S, 2) of one crop."""
    rgb = _crop(picture, size, rng)
    if rng.random() < SEGMENT_SHARE:
        count = int(rng.integers(3, 17))
        strokes = random_segment_strokes(rgb, count, rng, colors=int(rng.integers(5, 11)))
    else:
        strokes = main_color_strokes(rgb, int(rng.integers(3, 9)), rng)
    marks = constraints(rasterize(strokes, rgb.shape[:2]), rgb.shape[:2])
    return _tone(luma_of(rgb), rng), chroma_of(rgb), marks.mask, marks.chroma.astype(np.float32)


class ColoringBatches(IterableDataset[ColoringBatch]):
    """Batch ``step`` depends on (seed, step) alone, so a resumed run continues the sequence."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        first_step: int,
        steps: int,
        sizes: tuple[CropSize, ...] = MIXED_SIZES,
    ) -> None:
        archive = PhotoArchive(folder, "train")
        self.summary = archive.summary()
        self._photos = archive.photos
        self._seed, self._first, self._steps, self._sizes = seed, first_step, steps, sizes

    def __iter__(self) -> Iterator[ColoringBatch]:
        for step in range(self._first, self._steps):
            yield self.batch(step)

    def batch(self, step: int) -> ColoringBatch:
        rng = np.random.default_rng((self._seed, step))
        shares = np.array([size.share for size in self._sizes])
        size = self._sizes[int(rng.choice(len(self._sizes), p=shares / shares.sum()))]
        chosen = rng.choice(len(self._photos), size.batch, replace=False)
        samples = [make_sample(self._photos[int(i)].picture(), size, rng) for i in chosen]
        luma, chroma, mask, hints = (np.stack(part) for part in zip(*samples, strict=True))

        def planes(array: NDArray[np.float32]) -> Tensor:
            return torch.from_numpy(np.moveaxis(array, -1, 1).copy())

        return ColoringBatch(
            torch.from_numpy(luma)[:, None], planes(chroma), torch.from_numpy(mask), planes(hints)
        )
