"""Batches for automatic colorization: gray and true ab of photo crops; how common colours are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree
from torch import Tensor

from colordeploy.pictures.color import AB_BINS, lab_of

from .batches import CropSize, PhotoBatches, crop, planes, tone
from .photos import Photo

# Sides are multiples of the superpixels' cell. About the same number of pixels a batch.
MIXED_SIZES = (
    CropSize(128, 128, 256, 16, 0.30),
    CropSize(192, 192, 256, 7, 0.30),
    CropSize(256, 256, 288, 4, 0.40),
)
SMALL_SIZES = (CropSize(128, 128, 160, 16, 0.6), CropSize(128, 160, 256, 16, 0.4))


@dataclass(frozen=True)
class LabBatch:
    gray: Tensor  # (B, 1, S, S), (L - 50) / 50
    ab: Tensor  # (B, 2, S, S), the truth in ab units


class LabBatches(PhotoBatches[LabBatch]):
    """Crops as lightness and chroma of CIE Lab."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        first_step: int,
        steps: int,
        sizes: tuple[CropSize, ...] = MIXED_SIZES,
    ) -> None:
        super().__init__(folder, seed, first_step, steps, sizes)

    def sample(
        self, item: Photo, size: CropSize, rng: np.random.Generator
    ) -> tuple[NDArray[np.generic], ...]:
        lab = lab_of(crop(item.picture(), size, rng))
        light = np.clip(lab[..., 0] / 100, 0, 1)
        return 2 * tone(light, rng) - 1, lab[..., 1:]

    def assemble(self, *arrays: NDArray[np.generic]) -> LabBatch:
        gray, ab = arrays
        return LabBatch(torch.from_numpy(gray)[:, None], planes(ab))


def soft_bins(sigma: float) -> NDArray[np.float32]:
    """(313, 313): each colour bin as a distribution over itself and the four nearest (Zhang et al.
    2016), Gaussian in the distance; sigma in ab units, 0 gives the bin alone.
    """
    if sigma == 0:
        return np.eye(len(AB_BINS), dtype=np.float32)
    distance, nearest = cKDTree(AB_BINS).query(AB_BINS, 5)
    weight = np.exp(-0.5 * np.square(distance / sigma))
    soft = np.zeros((len(AB_BINS), len(AB_BINS)), np.float32)
    np.put_along_axis(soft, nearest, weight / weight.sum(axis=1, keepdims=True), axis=1)
    return soft


def bin_shares(batches: LabBatches, pictures: int = 600) -> NDArray[np.float64]:
    """(313,): how common each colour bin is in the training photos, seen at 16x16 pixels."""
    photos = batches.items[:: max(1, len(batches.items) // pictures)]
    tree = cKDTree(AB_BINS)
    count = np.zeros(len(AB_BINS))
    for photo in photos:
        small = photo.picture().resize((16, 16), Image.Resampling.BOX)
        ab = lab_of(np.asarray(small, np.float32) / 255)[..., 1:].reshape(-1, 2)
        count += np.bincount(tree.query(ab)[1], minlength=len(AB_BINS))
    return count / count.sum()


def rebalancing(shares: NDArray[np.float64], strength: float) -> NDArray[np.float32]:
    """(313,): weights of the bins' losses, so that rare colours count (Zhang et al. 2016, Eq. 4).

    Parameters
    ----------
    shares : (313,)
        From `bin_shares`; smoothed here as there.
    strength : float in [0, 1)
        0 weighs all alike; at 1 every bin would count as much as any other. There, 0.5.
    """
    smooth = soft_bins(5.0).T @ shares
    weights = 1.0 / (strength * smooth + (1 - strength) / len(shares))
    result: NDArray[np.float32] = (weights / (shares @ weights)).astype(np.float32)
    return result
