"""Batches for colour from an example: a picture, and a reference made of the picture itself.

The reference is cut, turned and bent by thin plate splines (Sec. 4.1), mildly or violently; now and
then it is only a palette of the picture's colours, so that pictures without any meaning work too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import map_coordinates, zoom
from torch import Tensor

from colordeploy.pictures.color import lab_of

from ..models.encoders.trunk import STRIDE
from .batches import CropSize, PhotoBatches, crop, planes, tone
from .photos import Folders, Photo

SIZES = (CropSize(128, 128, 256, 8, 0.5), CropSize(256, 256, 288, 2, 0.5))
MILD, VIOLENT = 0.06, 0.3  # displacement of the splines' control points, in picture sides


@dataclass(frozen=True)
class Warp:
    """How a reference is made of a picture.

    Attributes
    ----------
    window : (float, float, float, float)
        What of the picture is seen: top, left, height, width, in picture sides.
    angle : float
        Turned by so many degrees.
    bend : float
        Standard deviation of the control points' displacement, in picture sides.
    mirrored : bool
    """

    window: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    angle: float = 0.0
    bend: float = 0.0
    mirrored: bool = False


def warped(
    picture: NDArray[np.float32], warp: Warp, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The picture (H, W, C) seen through a warp, of the same size; beyond its border mirrored."""
    height, width = picture.shape[:2]
    coarse = 17
    unit = np.stack(np.meshgrid(*[np.linspace(0, 1, coarse)] * 2, indexing="ij"), axis=-1)
    place = unit.reshape(-1, 2)
    if warp.bend > 0:
        control = np.stack(np.meshgrid(*[np.linspace(0, 1, 4)] * 2, indexing="ij"), axis=-1)
        control = control.reshape(-1, 2)
        moved = control + rng.normal(scale=warp.bend, size=control.shape)
        place = RBFInterpolator(control, moved, kernel="thin_plate_spline")(place)
    turn = np.deg2rad(warp.angle)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    place = (place - 0.5) @ rotation.T + 0.5
    if warp.mirrored:
        place[:, 1] = 1 - place[:, 1]
    top, left, tall, wide = warp.window
    place = place * (tall, wide) + (top, left)
    grid = place.reshape(coarse, coarse, 2) * (height - 1, width - 1)
    full = [
        zoom(grid[..., i], (height / coarse, width / coarse), order=1, grid_mode=False)
        for i in range(2)
    ]
    return np.stack(
        [
            map_coordinates(picture[..., c], full, order=1, mode="mirror")
            for c in range(picture.shape[2])
        ],
        axis=-1,
    ).astype(np.float32)


def random_warp(rng: np.random.Generator) -> Warp:
    """A third each mild and violent, the others only cut or turned."""
    kind = rng.random()
    bend = MILD if kind < 1 / 3 else VIOLENT if kind < 2 / 3 else 0.0
    angle = float(rng.uniform(-180, 180)) if rng.random() < 0.4 else 0.0
    window = (0.0, 0.0, 1.0, 1.0)
    if rng.random() < 0.4:
        side = float(rng.uniform(0.5, 1.0))
        window = (*(float(v) for v in rng.uniform(0, 1 - side, 2)), side, side)
    return Warp(window, angle, bend, bool(rng.random() < 0.5))


def palette(rgb: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Stripes of a few of the picture's own pixels, of the same size."""
    height, width = rgb.shape[:2]
    count = int(rng.integers(3, 9))
    colors = rgb[rng.integers(0, height, count), rng.integers(0, width, count)]
    stripes = colors[np.arange(width) * count // width]
    return np.broadcast_to(stripes, rgb.shape).copy()


@dataclass(frozen=True)
class ReferenceBatch:
    gray: Tensor  # (B, 1, S, S), (L - 50) / 50
    ab: Tensor  # (B, 2, S, S), the truth, ab / 110
    reference: Tensor  # (B, 3, S, S), Lab in the networks' scale
    category: Tensor  # (B,) int64


@dataclass(frozen=True)
class KindredBatch(ReferenceBatch):
    """Photos in pairs of one category: 0 and 1, 2 and 3, ..."""

    view: Tensor  # (B, 1, S, S): `gray` seen through another frame
    move: Tensor  # (B, 3) int64: the frame's y and x in `gray`, whether it is mirrored


def network_scale(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """(L - 50) / 50 and ab / 110 of sRGB in [0, 1]."""
    lab = lab_of(rgb)
    return np.concatenate([lab[..., :1] / 50 - 1, lab[..., 1:] / 110], axis=-1)


class ReferenceBatches(PhotoBatches[ReferenceBatch]):
    """Crops of the training split, each with a reference of its own.

    Parameters
    ----------
    palettes : float
        Share of references that are palettes.
    exposures : bool
        Now and then the picture has another gamma than its reference, see `tone`.
    """

    def __init__(
        self,
        folder: Folders,
        seed: int,
        first_step: int,
        steps: int,
        sizes: tuple[CropSize, ...] = SIZES,
        palettes: float = 0.1,
        *,
        exposures: bool = False,
    ) -> None:
        super().__init__(folder, seed, first_step, steps, sizes)
        names = sorted({category_of(photo) for photo in self.items})
        self.categories = {name: i for i, name in enumerate(names)}
        self._palettes, self._exposures = palettes, exposures

    def sample(
        self, item: Photo, size: CropSize, rng: np.random.Generator
    ) -> tuple[NDArray[np.generic], ...]:
        rgb = crop(item.picture(), size, rng)
        if rng.random() < self._palettes:
            reference = palette(rgb, rng)
        else:
            reference = np.clip(warped(rgb, random_warp(rng), rng), 0, 1)
        lab = network_scale(rgb)
        number = np.array(self.categories[category_of(item)])
        gray = 2 * tone((lab[..., 0] + 1) / 2, rng) - 1 if self._exposures else lab[..., 0]
        return gray, lab[..., 1:], network_scale(reference), number

    def assemble(self, *arrays: NDArray[np.generic]) -> ReferenceBatch:
        gray, ab, reference, category = arrays
        return ReferenceBatch(
            torch.from_numpy(gray)[:, None], planes(ab), planes(reference),
            torch.from_numpy(category.astype(np.int64)),
        )  # fmt: skip


class KindredBatches(ReferenceBatches):
    """Crops in pairs of one category, each seen through a second frame as well: moved by up to
    `MOVED` pixels, a multiple of the results' stride, every other one mirrored.
    """

    MOVED = 32

    def __init__(
        self, folder: Folders, seed: int, first_step: int, steps: int, sizes: tuple[CropSize, ...]
    ) -> None:
        super().__init__(folder, seed, first_step, steps, sizes, exposures=True)
        kinds: dict[int, list[int]] = {}
        for i, photo in enumerate(self.items):
            kinds.setdefault(self.categories[category_of(photo)], []).append(i)
        self._kinds = [np.array(found) for found in kinds.values() if len(found) > 1]
        counts = np.array([len(found) for found in self._kinds])
        self._shares = counts / counts.sum()

    def chosen(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        pairs = min(count // 2, len(self._kinds))
        kinds = rng.choice(len(self._kinds), pairs, replace=False, p=self._shares)
        return np.concatenate([rng.choice(self._kinds[int(k)], 2, replace=False) for k in kinds])

    def sample(
        self, item: Photo, size: CropSize, rng: np.random.Generator
    ) -> tuple[NDArray[np.generic], ...]:
        room, side = self.MOVED, size.side
        wide = crop(item.picture(), replace(size, side=side + room), rng)
        (y, x), (v, u) = rng.integers(0, room // STRIDE + 1, (2, 2)) * STRIDE
        rgb = wide[y : y + side, x : x + side]
        if rng.random() < self._palettes:
            reference = palette(rgb, rng)
        else:
            reference = np.clip(warped(rgb, random_warp(rng), rng), 0, 1)
        light = 2 * tone((network_scale(wide)[..., 0] + 1) / 2, rng) - 1
        view, mirrored = light[v : v + side, u : u + side], rng.random() < 0.5
        number = np.array(self.categories[category_of(item)])
        return (
            light[y : y + side, x : x + side], network_scale(rgb)[..., 1:],
            network_scale(reference), number, view[:, ::-1] if mirrored else view,
            np.array([v - y, u - x, mirrored], np.int64),
        )  # fmt: skip

    def assemble(self, *arrays: NDArray[np.generic]) -> KindredBatch:
        *common, view, move = arrays
        return KindredBatch(
            **vars(super().assemble(*common)),
            view=torch.from_numpy(view)[:, None],
            move=torch.from_numpy(move),
        )


def category_of(photo: Photo) -> str:
    """Name of a photo's category, unique over the sources."""
    return f"{photo.source}/{photo.category}"
