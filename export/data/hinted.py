"""Batches for automatic colour with anchors: two views of each photo, their true colours, hints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from colordeploy.pictures.color import lab_of

from .batches import CropSize, PhotoBatches, planes, tone
from .distortions import Frame, degraded, lightness
from .photos import Folders, Photo

CELL, STRIDE = 16, 4  # pixels: of a hint, of the truth


# Half of the large crops are the whole picture; `batch` counts photos.
PAIR_SIZES = (CropSize(192, 160, 300, 9, 0.6), CropSize(256, 200, 330, 5, 0.4))


@dataclass(frozen=True)
class PairBatch:
    """P photos in two views each, the first views before the second ones.

    Attributes
    ----------
    light : (2P, 1, S, S)
        In [0, 1].
    ab : (2P, 2, S / 4, S / 4)
        The truth, ab units.
    mask : (2P, 1, S / 16, S / 16)
        1 where a hint is given.
    colors : (2P, 2, S / 16, S / 16)
        The truth of those cells.
    map : (P, 6)
        Where a place of the first view lies in the second: (a x + b, c y + d); the side, and 1
        where the second is mirrored (before that the place counts from the right).
    """

    light: Tensor
    ab: Tensor
    mask: Tensor
    colors: Tensor
    map: Tensor


class PairBatches(PhotoBatches[PairBatch]):
    """The first view is a photo as it is or a little damaged, the second one moved by up to 12
    pixels, resized, every other time mirrored, and damaged.

    Half of the photos get hints: 1 to 24 cells at random in each view.
    """

    def __init__(
        self,
        folders: Folders,
        seed: int,
        first_step: int,
        steps: int,
        sizes: tuple[CropSize, ...] = PAIR_SIZES,
    ) -> None:
        super().__init__(folders, seed, first_step, steps, sizes)

    def sample(
        self, item: Photo, size: CropSize, rng: np.random.Generator
    ) -> tuple[NDArray[np.generic], ...]:
        picture, side = item.picture(), size.side
        if rng.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        short = min(picture.size)
        # At the size where the short side has so many pixels; the crop is never larger.
        seen = max(side, int(rng.integers(size.short_min, size.short_max + 1)))
        step = short / seen
        first = _frame(picture, step, side, rng)
        near = min(short / side, step * float(np.exp(rng.uniform(-0.15, 0.15))))
        second = _frame(picture, near, side, rng, first, mirrored=bool(rng.random() < 0.5))
        hinted = bool(rng.random() < 0.5)
        gamma_seed = int(rng.integers(2**31))
        parts = []
        for frame, damaged in ((first, rng.random() < 0.4), (second, True)):
            cut = frame.cut(picture, rng)
            light = degraded(cut, rng) if damaged else lightness(cut)
            small = np.asarray(cut.resize((side // STRIDE,) * 2, Image.Resampling.BOX), np.float32)
            ab = lab_of(small / 255)[..., 1:]
            light = tone(light, np.random.default_rng(gamma_seed))
            parts.append((light, ab, _hints(side // CELL, hinted, rng)))
        ratio = first.step / second.step
        places = np.array([
            ratio, (first.left - second.left) / second.step,
            ratio, (first.top - second.top) / second.step, side, second.mirrored,
        ], np.float32)  # fmt: skip
        light, ab, mask = (np.stack(part) for part in zip(*parts, strict=True))
        return light, ab, mask, places

    def assemble(self, *arrays: NDArray[np.generic]) -> PairBatch:
        light, ab, mask, places = arrays

        def joined(x: NDArray[np.generic]) -> NDArray[np.generic]:  # first views, then second
            return np.concatenate([x[:, 0], x[:, 1]])

        truth = planes(joined(ab))
        masks = torch.from_numpy(joined(mask))[:, None]
        cells = torch.nn.functional.avg_pool2d(truth, CELL // STRIDE)
        return PairBatch(
            torch.from_numpy(joined(light))[:, None], truth, masks, cells * masks,
            torch.from_numpy(places),
        )  # fmt: skip


def _frame(
    picture: Image.Image, step: float, side: int, rng: np.random.Generator,
    near: Frame | None = None, *, mirrored: bool = False,
) -> Frame:  # fmt: skip
    """A frame anywhere, or about the same middle as another one."""
    corner = []
    for axis, extent in enumerate(picture.size):
        room = max(0.0, extent - step * side)
        if near is None:
            corner.append(float(rng.uniform(0, room)))
            continue
        start = (near.left, near.top)[axis] + (near.step - step) * side / 2
        corner.append(min(max(0.0, start + float(rng.uniform(-12, 12)) * step), room))
    return Frame(corner[0], corner[1], step, side, mirrored)


def _hints(cells: int, given: bool, rng: np.random.Generator) -> NDArray[np.float32]:
    mask = np.zeros(cells * cells, np.float32)
    count = min(int(np.exp(rng.uniform(0, np.log(25)))), len(mask))
    places = rng.choice(cells * cells, count, replace=False)
    if given:
        mask[places] = 1.0
    return mask.reshape(cells, cells)
