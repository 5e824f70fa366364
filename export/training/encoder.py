"""Calming an encoder: distilling the published network's average over small distortions.

The target is the frozen published network on the clean photograph, seen through a frame moved by
up to 4 pixels, resized by up to 8 % and every other time mirrored, blurred by half a pixel and
with noise of one grey level of its own; the student sees the photograph distorted. The mean
squared error of one such pass each has its minimum at the mean of all passes (randomized
smoothing, Cohen et al. 2019), for the price of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn import functional

from ..data.batches import CropSize, PhotoBatches
from ..data.distortions import Frame, degraded, lightness
from ..data.photos import Folders, Photo
from ..models.encoders.calm import CalmEncoder, calm_start
from ..models.encoders.efficientnet_lite import STRIDES, Version, pretrained, scaled
from . import checkpoint
from .loop import Losses, Schedule, optimize

# What place in a cell the published network's features tell of, found by comparing those of a
# picture and of its mirror image. Its padding alone would put them near 1, the cell's end.
_MIDDLES = {4: 0.7, 8: 0.45, 16: 0.55, 32: 0.55}
_DEEP = 16  # from this stride on features tell what is there, not which way an edge runs


@dataclass(frozen=True)
class EncoderTraining(Schedule):
    """How to calm an encoder.

    Attributes
    ----------
    side, batch : int
        Of the crops.
    """

    steps: int = 3_000
    learning_rate: float = 1e-3
    average: float = 0.995
    bfloat16: bool = True
    side: int = 192
    batch: int = 8


@dataclass(frozen=True)
class Views:
    """One photograph as the student and as the published network see it.

    Attributes
    ----------
    seen, clean : (B, 1, S, S)
        Lightness in [0, 1].
    map : (B, 6)
        Pixel (x, y) of `seen` lies at (a x + b, c y + d) of `clean`: a, b, c, d; then the side,
        and 1 where `clean` is mirrored (before that map counts from the right).
    """

    seen: Tensor
    clean: Tensor
    map: Tensor


class ViewBatches(PhotoBatches[Views]):
    """Pairs of views."""

    def __init__(
        self, folders: Folders, seed: int, first_step: int, steps: int, side: int, batch: int
    ) -> None:
        size = CropSize(side, side, side, batch, 1.0)
        super().__init__(folders, seed, first_step, steps, (size,))

    def sample(
        self, item: Photo, size: CropSize, rng: np.random.Generator
    ) -> tuple[NDArray[np.generic], ...]:
        picture, side = item.picture(), size.side
        if rng.random() < 0.5:
            picture = picture.transpose(0)  # type: ignore[arg-type]  # left to right
        short = min(picture.size)
        step = min(short / side, float(np.exp(rng.uniform(np.log(0.75), np.log(1.33)))))
        room = [max(0.0, extent - step * side) for extent in picture.size]
        left, top = (float(rng.uniform(0, r)) for r in room)
        seen = Frame(left, top, step, side).cut(picture, rng)
        other = min(short / side, step * float(np.exp(rng.uniform(-0.08, 0.08))))
        corner = []
        for start, extent in zip((left, top), picture.size, strict=True):
            middle = start + (step - other) * side / 2 + float(rng.uniform(-4, 4)) * step
            corner.append(min(max(0.0, middle), extent - other * side))
        mirrored = bool(rng.random() < 0.5)
        clean = lightness(Frame(corner[0], corner[1], other, side, mirrored).cut(picture, rng))
        clean = gaussian_filter(clean, 0.5)
        clean += rng.normal(0, 1 / 255, clean.shape).astype(np.float32)
        ratio = step / other
        return (
            degraded(seen, rng), clean,
            np.array([
                ratio, (left - corner[0]) / other, ratio, (top - corner[1]) / other, side, mirrored
            ], np.float32),
        )  # fmt: skip

    def assemble(self, *arrays: NDArray[np.generic]) -> Views:
        seen, clean, places = (torch.from_numpy(array) for array in arrays)
        return Views(seen[:, None], clean[:, None], places)


def aligned(feature: Tensor, stride: int, views: Views) -> tuple[Tensor, Tensor]:
    """The published network's features at the places of the student's cells, and where they are
    inside of the picture.

    Cell i of the published network tells of the place ``stride * (i + middle)``, see `_MIDDLES`,
    one of the student of ``stride * (i + 0.5)``.
    """
    size = feature.shape[3]
    cells = (torch.arange(size) + 0.5) * stride
    a, b, c, d, side, mirrored = views.map.T
    x = a[:, None] * cells + b[:, None]
    y = c[:, None] * cells + d[:, None]
    x = torch.where(mirrored[:, None] > 0, side[:, None] - x, x)

    def grid(places: Tensor) -> Tensor:
        index = places / stride - _MIDDLES[stride]
        return (2 * index + 1) / size - 1

    u, v = grid(x), grid(y)
    at = torch.stack([u[:, None].expand(-1, size, -1), v[:, :, None].expand(-1, -1, size)], 3)
    inside = ((at.abs() <= 1).all(dim=3))[:, None].float()
    moved = functional.grid_sample(feature, at, padding_mode="border", align_corners=False)
    return moved, inside


class CalmingLoss:
    """Mean squared error in units of each channel's deviation, mean over the four strides.

    Mirrored views count from stride 16 on only: what finer features tell of an edge depends on
    which way it runs.
    """

    def __init__(self, student: CalmEncoder, training: EncoderTraining, deviations: list[Tensor]):
        self._student, self._training = student, training
        self._teacher = pretrained(student.version).to(memory_format=torch.channels_last)
        self._deviations = deviations

    def __call__(self, views: Views) -> Losses:
        half = torch.autocast("cpu", torch.bfloat16, enabled=self._training.bfloat16)
        with torch.no_grad(), half:
            targets = self._teacher.features(scaled(views.clean.expand(-1, 3, -1, -1)))
        with half:
            found = self._student(views.seen)
        straight = 1 - views.map[:, 5]
        loss = torch.zeros(())
        numbers = {}
        for stride, own, target, deviation in zip(
            STRIDES, found, targets, self._deviations, strict=True
        ):
            moved, inside = aligned(target.float(), stride, views)
            weight = inside if stride >= _DEEP else inside * straight[:, None, None, None]
            error = ((own.float() - moved) / deviation).square().mean(dim=1, keepdim=True)
            part = (error * weight).sum() / weight.sum().clamp(min=1.0)
            loss = loss + part / len(STRIDES)
            numbers[f"stride_{stride}"] = float(part.detach())
        return loss, numbers


@torch.no_grad()
def deviations(batches: ViewBatches, version: Version, count: int = 8) -> list[Tensor]:
    """(1, C, 1, 1) each: how far the published network's features spread over pictures."""
    teacher = pretrained(version)
    found = []
    for step in range(count):
        views = batches.batch(10**6 + step)
        found.append(teacher.features(scaled(views.clean.expand(-1, 3, -1, -1))))
    return [
        torch.cat(list(part)).std(dim=(0, 2, 3), keepdim=True) for part in zip(*found, strict=True)
    ]


def train_encoder(data: Folders, out: Path, version: Version, training: EncoderTraining) -> None:
    """Calm an encoder, or go on with the checkpoint `out`; see `optimize`."""
    torch.manual_seed(training.seed)
    torch.set_num_threads(training.threads)
    net = calm_start(version).to(memory_format=torch.channels_last).requires_grad_(True)

    def batches(step: int) -> ViewBatches:
        return ViewBatches(data, training.seed, step, training.steps, training.side, training.batch)

    losses = CalmingLoss(net, training, deviations(batches(0), version))
    optimize("encoder", net, {"version": version}, training, batches, losses, out)


def load_encoder(path: Path) -> CalmEncoder:
    """The averaged encoder of a checkpoint, in evaluation mode, no gradients."""
    state = checkpoint.load(path)
    if state.get("method") != "encoder":
        raise ValueError(f"{path} is no checkpoint of an encoder")
    net = CalmEncoder(state["config"]["version"])
    net.load_state_dict(state["average"])
    return net.eval().requires_grad_(False)
