"""Seeded batches of crops in mixed sizes, the same again when a run is resumed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import IterableDataset

from .photos import Folders, Photo, PhotoArchive

Sample = tuple[NDArray[np.generic], ...]
Batch = TypeVar("Batch")
Item = TypeVar("Item")


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


def crop(picture: Image.Image, size: CropSize, rng: np.random.Generator) -> NDArray[np.float32]:
    """(side, side, 3) float32 in [0, 1]; every other one mirrored."""
    short = int(rng.integers(size.short_min, size.short_max + 1))
    scale = short / min(picture.size)
    shape = [max(size.side, round(side * scale)) for side in picture.size]
    resized = picture.resize((shape[0], shape[1]), Image.Resampling.BICUBIC)
    x = int(rng.integers(0, shape[0] - size.side + 1))
    y = int(rng.integers(0, shape[1] - size.side + 1))
    cut = resized.crop((x, y, x + size.side, y + size.side))
    rgb = np.asarray(cut, dtype=np.float32) / 255.0
    return rgb[:, ::-1].copy() if rng.random() < 0.5 else rgb


def tone(luma: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Now and then another gamma of a plane in [0, 1]: old prints differ in contrast, their
    colours' places do not.
    """
    if rng.random() < 0.7:
        return luma
    return luma ** float(np.exp(rng.uniform(-0.35, 0.35)))


def planes(array: NDArray[np.float32]) -> Tensor:
    """(B, H, W, C) to (B, C, H, W)."""
    return torch.from_numpy(np.moveaxis(array, -1, 1).copy())


class Batches(IterableDataset[Batch], Generic[Item, Batch]):
    """Batch ``step`` depends on (seed, step) alone, so a resumed run continues the sequence.

    Parameters
    ----------
    items : sequence
        What batches are drawn from.
    summary : str
        What they are, for the manifest.
    seed, first_step, steps : int
    """

    def __init__(
        self, items: Sequence[Item], summary: str, seed: int, first_step: int, steps: int
    ) -> None:
        self.items, self.summary = items, summary
        self._seed, self._first, self._steps = seed, first_step, steps

    @abstractmethod
    def batch(self, step: int) -> Batch:
        """The batch of one step."""

    def __iter__(self) -> Iterator[Batch]:
        for step in range(self._first, self._steps):
            yield self.batch(step)


class SeededBatches(Batches[Item, Batch]):
    """Batches of crops.

    Parameters
    ----------
    items, summary, seed, first_step, steps :
        See `Batches`.
    sizes : tuple of CropSize
    """

    def __init__(
        self,
        items: Sequence[Item],
        summary: str,
        seed: int,
        first_step: int,
        steps: int,
        sizes: tuple[CropSize, ...],
    ) -> None:
        super().__init__(items, summary, seed, first_step, steps)
        self._sizes = sizes

    @abstractmethod
    def sample(self, item: Item, size: CropSize, rng: np.random.Generator) -> Sample:
        """The arrays of one crop."""

    @abstractmethod
    def assemble(self, *arrays: NDArray[np.generic]) -> Batch:
        """A batch of the samples' arrays, stacked."""

    def chosen(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """(count,): which items a batch is made of."""
        return rng.choice(len(self.items), count, replace=False)

    def batch(self, step: int) -> Batch:
        rng = np.random.default_rng((self._seed, step))
        shares = np.array([size.share for size in self._sizes])
        size = self._sizes[int(rng.choice(len(self._sizes), p=shares / shares.sum()))]
        chosen = self.chosen(rng, size.batch)
        samples = [self.sample(self.items[int(i)], size, rng) for i in chosen]
        return self.assemble(*(np.stack(part) for part in zip(*samples, strict=True)))


class PhotoBatches(SeededBatches[Photo, Batch]):
    """Batches of the photo archive's training split."""

    def __init__(
        self, folders: Folders, seed: int, first_step: int, steps: int, sizes: tuple[CropSize, ...]
    ) -> None:
        archive = PhotoArchive(folders, "train")
        super().__init__(archive.photos, archive.summary(), seed, first_step, steps, sizes)
