"""Training DISCO's decoder on a frozen encoder (`export.models.disco.decoder`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from colordeploy.pictures.color import AB_BINS

from ..data.automatic import LabBatches, bin_shares, rebalancing, soft_bins
from ..data.batches import CropSize
from ..data.hinted import PAIR_SIZES, PairBatch, PairBatches
from ..data.photos import Folders
from ..models.disco.decoder import AnchoredNetwork, DecoderConfig
from ..models.encoders.trunk import STRIDE
from . import checkpoint
from .loop import Losses, Schedule, optimize

_NEAREST = 5  # bins that a colour is a distribution over
_THIN = 2  # of the places at stride 4, every other row and column is looked at


@dataclass(frozen=True)
class DecoderTraining(Schedule):
    """How to train the decoder.

    Attributes
    ----------
    sigma : float
        Spread of a true colour over its nearest bins, in ab units (Zhang et al. 2016).
    rebalance, power : float
        Weights of bins are their smoothed shares, mixed with `rebalance` of all alike, to the
        power of minus `power`.
    guess : float
        Weight of the tokens' own distribution.
    consistency : float
        Weight of the distance between the colours of a photo's two views, per ab unit.
    log_mse : float
        Weight of the logarithm of each picture's squared error in ab, its PSNR as a loss.
    """

    steps: int = 4_000
    learning_rate: float = 1e-3
    bfloat16: bool = True
    sigma: float = 5.0
    rebalance: float = 0.5
    power: float = 0.5
    guess: float = 0.3
    consistency: float = 0.03
    log_mse: float = 0.0


class DecoderLosses:
    """Cross-entropy to the true colours' nearest bins, and consistency between views."""

    def __init__(
        self, net: AnchoredNetwork, training: DecoderTraining, shares: np.ndarray[Any, Any]
    ) -> None:
        self._net, self._training = net, training
        weights = rebalancing(shares, training.rebalance) ** training.power
        soft = soft_bins(training.sigma)
        smoothed = shares @ soft
        self._weights = torch.from_numpy((weights / (smoothed @ weights)).astype(np.float32))
        nearest = np.argsort(-soft, axis=1)[:, :_NEAREST]
        self._nearest = torch.from_numpy(nearest)
        self._shares = torch.from_numpy(np.take_along_axis(soft, nearest, axis=1))
        self._bins = torch.tensor(AB_BINS, dtype=torch.float32)

    def __call__(self, batch: PairBatch) -> Losses:
        net, training = self._net, self._training
        light = batch.light.contiguous(memory_format=torch.channels_last)
        half = torch.autocast("cpu", torch.bfloat16, enabled=training.bfloat16)
        with torch.no_grad(), half:
            features = [feature.float() for feature in net.encoder(light)]
        y, x = (int(v) % _THIN for v in (batch.ab.abs().sum() * 7, batch.ab.abs().sum() * 13))
        with half:
            scene = net.decoder.scene(light, features)
            guess = net.decoder.guess_logits(scene.tokens)
            found = net.decoder.details(scene, batch.mask, batch.colors)
            logits = net.decoder.logits(*(part[:, :, y::_THIN, x::_THIN] for part in found))
        truth = batch.ab[:, :, y::_THIN, x::_THIN]
        loss = self._cross_entropy(logits.float(), truth)
        cells = functional.avg_pool2d(batch.ab, batch.ab.shape[2] // guess.shape[2])
        first = self._cross_entropy(guess.float(), cells)
        mean, _ = net.decoder.answer(logits.float())
        free = (batch.mask.sum(dim=(1, 2, 3)) == 0).float()
        distance = self._inconsistency(mean, batch, y, x)
        error = (mean.detach() - truth).square().sum(dim=1).mean(dim=(1, 2))
        squares = (net.decoder.restrained(logits.float()) - truth).square().mean(dim=(1, 2, 3))
        log_mse = torch.log(squares + 1.0).mean()
        total = loss + training.guess * first + training.consistency * distance
        return total + training.log_mse * log_mse, {
            "bins": float(loss.detach()),
            "guess": float(first.detach()),
            "inconsistency": float(distance.detach()),
            "log_mse": float(log_mse.detach()),
            "error_free": float((error * free).sum() / free.sum().clamp(min=1)) ** 0.5,
            "error_hinted": float((error * (1 - free)).sum() / (1 - free).sum().clamp(min=1))
            ** 0.5,
            "chroma_share": float(
                mean.detach().norm(dim=1).mean() / truth.norm(dim=1).mean().clamp(min=1e-6)
            ),
        }

    def _cross_entropy(self, logits: Tensor, ab: Tensor) -> Tensor:
        flat = ab.permute(0, 2, 3, 1)
        distance = self._bins.square().sum(dim=1) - 2.0 * (flat @ self._bins.T)
        label = distance.argmin(dim=3)
        logs = functional.log_softmax(logits, dim=1).permute(0, 2, 3, 1)
        each = -(logs.gather(3, self._nearest[label]) * self._shares[label]).sum(dim=3)
        weight = self._weights[label]
        return (each * weight).sum() / weight.sum()

    def _inconsistency(self, mean: Tensor, batch: PairBatch, row: int, column: int) -> Tensor:
        """Mean distance in ab units between the views of photos without hints."""
        first, second = mean.chunk(2)
        free = (batch.mask.chunk(2)[0].sum(dim=(1, 2, 3)) == 0).float()
        size, step = first.shape[2], STRIDE * _THIN
        a, b, c, d, side, mirrored = batch.map.T
        steps = torch.arange(size)
        x = a[:, None] * ((steps * _THIN + column + 0.5) * STRIDE) + b[:, None]
        y = c[:, None] * ((steps * _THIN + row + 0.5) * STRIDE) + d[:, None]
        x = torch.where(mirrored[:, None] > 0, side[:, None] - x, x)
        u = (2 * (x / step - (column + 0.5) / _THIN) + 1) / size - 1
        v = (2 * (y / step - (row + 0.5) / _THIN) + 1) / size - 1
        at = torch.stack([u[:, None].expand(-1, size, -1), v[:, :, None].expand(-1, -1, size)], 3)
        inside = (at.abs() <= 1).all(dim=3).float() * free[:, None, None]
        moved = functional.grid_sample(second, at, padding_mode="border", align_corners=False)
        distance = torch.sqrt((first - moved).square().sum(dim=1) + 1e-2)
        return (distance * inside).sum() / inside.sum().clamp(min=1.0)


@torch.no_grad()
def start(net: AnchoredNetwork, batches: PairBatches, shares: np.ndarray[Any, Any]) -> None:
    """Means and deviations of the features; heads that say how common the bins are."""
    found = [net.encoder(batches.batch(10**6 + step).light) for step in range(8)]
    for stride, parts in zip((4, 8, 16, 32), zip(*found, strict=True), strict=True):
        feature = torch.cat([part.transpose(0, 1).flatten(1) for part in parts], dim=1)[
            None, ..., None
        ]
        getattr(net.decoder, f"mean_{stride}").copy_(feature.mean(dim=2, keepdim=True))
        getattr(net.decoder, f"deviation_{stride}").copy_(
            feature.std(dim=2, keepdim=True).clamp(min=1e-3)
        )
    prior = torch.from_numpy(np.log(shares @ soft_bins(5.0) + 1e-4)).float()
    for head in (net.decoder.guess, net.decoder.head):
        head.weight.mul_(0.1)
        head.bias.copy_(prior)  # type: ignore[union-attr]


def train_decoder(
    data: Folders,
    encoder: Mapping[str, Tensor],
    out: Path,
    config: DecoderConfig,
    training: DecoderTraining,
    sizes: tuple[CropSize, ...] = PAIR_SIZES,
    begin: Mapping[str, Tensor] | None = None,
) -> None:
    """Train the decoder on a frozen encoder, or go on with `out`; see `optimize`.

    Parameters
    ----------
    encoder : mapping of str to Tensor
        Its weights.
    begin : mapping of str to Tensor, optional
        Weights that a new run starts from; those that it lacks start anew.
    """
    torch.manual_seed(training.seed)
    torch.set_num_threads(training.threads)
    net = AnchoredNetwork(config).to(memory_format=torch.channels_last)
    net.encoder.load_state_dict(encoder)
    net.encoder.requires_grad_(False)

    def batches(step: int) -> PairBatches:
        return PairBatches(data, training.seed, step, training.steps, sizes)

    shares = bin_shares(LabBatches(data, training.seed, 0, 0), 2_000)
    start(net, batches(0), shares)
    if begin is not None:
        net.load_state_dict({**net.state_dict(), **begin})
    losses = DecoderLosses(net, training, shares)
    optimize("anchored", net, config.to_dict(), training, batches, losses, out)


def load_anchored(path: Path) -> tuple[AnchoredNetwork, dict[str, Any]]:
    """The averaged network of a checkpoint in evaluation mode, and the checkpoint."""
    state = checkpoint.load(path)
    if state.get("method") != "anchored":
        raise ValueError(f"{path} is no checkpoint of DISCO's decoder on an encoder")
    net = AnchoredNetwork(DecoderConfig.from_dict(state["config"]))
    net.load_state_dict(state["average"])
    return net.eval(), state
