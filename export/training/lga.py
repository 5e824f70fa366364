"""Training LGA-Net (Sec. 4.1): Adam, losses of Eq. 9, synthetic sparse scribbles, mixed sizes.

A network of another shape may first learn the features of a trained one (distillation): that needs
no solve and no strokes, and its affinities are useful from the first solve on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..data.batches import CropSize
from ..data.coloring import MIXED_SIZES, ColoringBatch, ColoringBatches
from ..data.photos import Folders
from ..models.lga import LGAConfig, LGANet
from . import checkpoint
from .coloring_layer import GraphOptions, laplacian_coloring
from .loop import Losses, Schedule, optimize
from .losses import LossWeights, coloring_loss


@dataclass(frozen=True)
class LGATraining(Schedule):
    """How to train; the defaults are the paper's.

    Regions joined to others by phi alone have very large gradients, hence the clipping.

    Attributes
    ----------
    trunk_rate : float
        Factor on the learning rate of what lies between an encoder and full size, which begins
        with DISCO's weights.
    scalar_rate : float
        Factor on the learning rate of sigma and of CNN_alpha: single numbers that set the scale of
        the whole system, and that Adam moves by one learning rate a step.
    """

    betas: tuple[float, float] = (0.5, 0.999)
    trunk_rate: float = 0.3
    scalar_rate: float = 3.0
    weights: LossWeights = field(default_factory=LossWeights)


def graph_options(config: LGAConfig, threads: int = 1) -> GraphOptions:
    return GraphOptions(config.global_step, config.local_edges, config.phi, threads)


def colorize(
    net: LGANet, batch: ColoringBatch, *, bfloat16: bool = False, threads: int = 1
) -> tuple[Tensor, Tensor, Tensor]:
    """Chroma (B, 2, H, W) of a batch, with the features and alpha it came from."""
    luma = batch.luma
    if not net.config.encoder:
        luma = luma.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        features = net.features(luma).float()
    alpha = net.alpha(batch.luma)
    chroma = laplacian_coloring(
        features, net.sigma, alpha, batch.mask, batch.hints, graph_options(net.config, threads)
    )
    return chroma, features, alpha


def mean_affinities(features: Tensor, sigma: Tensor, global_step: int) -> tuple[float, float]:
    """Mean local (to the right) and global affinity: the vital signs of a training run."""
    with torch.no_grad():
        scale = -0.5 / float(sigma) ** 2
        step = features[:, :, :, 1:] - features[:, :, :, :-1]
        local = torch.exp(scale * step.square().sum(dim=1)).mean()
        if global_step == 0:
            return float(local), 0.0
        first = global_step // 2
        points = features[:, :, first::global_step, first::global_step].flatten(2).transpose(1, 2)
        distance = torch.cdist(points, points).square()
        return float(local), float(torch.exp(scale * distance).mean())


def widened(start: Mapping[str, Tensor], fresh: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Fit the weights of a narrower network into a wider one of the same shape.

    A new output channel keeps its fresh weights; what old channels read from new ones is 0, so that
    they compute what they did (but for normalizations, which see the new channels).

    Raises
    ------
    ValueError
        When a weight is larger than the new network's.
    """
    fitted = {}
    for name, value in start.items():
        if name not in fresh or value.shape == fresh[name].shape:
            fitted[name] = value
            continue
        if any(a > b for a, b in zip(value.shape, fresh[name].shape, strict=True)):
            raise ValueError(
                f"{name} has shape {tuple(value.shape)} in the weights to start from, which does "
                f"not fit into {tuple(fresh[name].shape)}; train a network at least as wide"
            )
        target = fresh[name].clone()
        if target.ndim > 1:
            target[: value.shape[0], value.shape[1] :] = 0
        target[tuple(slice(n) for n in value.shape)] = value
        fitted[name] = target
    return fitted


def on_encoder(given: Mapping[str, Tensor], config: LGAConfig) -> dict[str, Tensor]:
    """The encoder and the trunk of DISCO's weights (`export.bundling.weights`), under the names
    that they have in here; what reads anchors is left out.
    """
    kept = config.trunk[1]
    found = {}
    for name, value in given.items():
        place, _, rest = name.partition(".")
        if place == "encoder":
            found[f"features.bfe.encoder.{rest}"] = value
        elif place == "decoder":
            read = value[:, :kept] if rest == "hinted.first.0.weight" else value
            found[f"features.bfe.trunk.{rest}"] = read
    own = LGANet(config).state_dict().keys()
    return {name: value for name, value in found.items() if name in own}


def _far(difference: Tensor, sigma: Tensor) -> Tensor:
    """log(1 + |f_i - f_j|^2 / 2 sigma^2) of differences (B, C, ...): minus the logarithm of an
    affinity (Eq. 1) while pixels are alike, and slower where none is left.
    """
    return torch.log1p(0.5 * difference.square().sum(dim=1) / sigma**2)


def _relations(features: Tensor, sigma: Tensor, global_step: int) -> tuple[Tensor, ...]:
    """How far apart pixels are: neighbours in four directions, and the pixels that lie between
    global points from each global point.
    """
    last = features.shape[3] - 1
    neighbours = (
        features[:, :, :, 1:] - features[:, :, :, :-1],
        features[:, :, 1:] - features[:, :, :-1],
        features[:, :, 1:, 1:] - features[:, :, :-1, :-1],
        features[:, :, 1:, :last] - features[:, :, :-1, 1:],
    )
    if global_step == 0:
        return (*(_far(difference, sigma) for difference in neighbours), features.new_zeros(()))
    first = global_step // 2
    points = features[:, :, first::global_step, first::global_step].flatten(2)
    between = features[:, :, ::global_step, ::global_step].flatten(2)
    distant = points[:, :, :, None] - between[:, :, None, :]
    return (*(_far(difference, sigma) for difference in neighbours), _far(distant, sigma))


def distillation(net: LGANet, teacher: LGANet, batch: ColoringBatch, *, bfloat16: bool) -> Losses:
    """How far the affinities and alpha of `net` are from the teacher's.

    The features themselves are not compared: rotated ones have the same affinities.
    """
    half = torch.autocast("cpu", torch.bfloat16, enabled=bfloat16)
    with torch.no_grad(), half:
        wanted = teacher.features(batch.luma).float()
    with half:
        found = net.features(batch.luma).float()
    step = net.config.global_step
    *near, distant = (
        (ours - theirs).abs().mean()
        for ours, theirs in zip(
            _relations(found, net.sigma, step),
            _relations(wanted, teacher.sigma.detach(), step),
            strict=True,
        )
    )
    local = torch.stack(near).mean()
    with torch.no_grad():
        alpha = teacher.alpha(batch.luma)
    other = (net.alpha(batch.luma).log() - alpha.log()).abs().mean()
    return local + distant + 0.1 * other, {
        "side": batch.luma.shape[2],
        "local": float(local.detach()),
        "global": float(distant.detach()),
        "sigma": float(net.sigma.detach()),
    }


def train(
    data: Folders,
    out: Path,
    config: LGAConfig,
    training: LGATraining,
    start: Mapping[str, Tensor] | None = None,
    sizes: tuple[CropSize, ...] = MIXED_SIZES,
    teacher: LGANet | None = None,
) -> None:
    """Train, or go on training, the checkpoint `out`; see `optimize`.

    Parameters
    ----------
    start : mapping of str to Tensor, optional
        Weights that a new run starts from; parts that the new configuration lacks are left out,
        and parts that it has wider are widened, see `widened`.
    teacher : LGANet, optional
        Learn its features instead, see `distillation`.
    """
    torch.manual_seed(training.seed)
    torch.set_num_threads(training.threads)
    net = LGANet(config)
    if not config.encoder:  # whose gradients at full size are twice as fast in planes
        net = net.to(memory_format=torch.channels_last)
    if teacher is not None:
        own = net.state_dict()
        alike = teacher.state_dict().items()
        net.load_state_dict(
            {n: v for n, v in alike if n in own and v.shape == own[n].shape}, strict=False
        )
    if start is not None:
        net.load_state_dict(widened(start, net.state_dict()), strict=False)
    trunk = [p for n, p in net.features.named_parameters() if p.requires_grad and ".trunk." in n]
    own = [p for n, p in net.features.named_parameters() if p.requires_grad and ".trunk." not in n]
    groups = [
        {"params": own, "factor": 1.0},
        *([{"params": trunk, "factor": training.trunk_rate}] if trunk else []),
        {"params": [net.log_sigma, *net.alpha.parameters()], "factor": training.scalar_rate},
    ]

    def losses(batch: ColoringBatch) -> Losses:
        if teacher is not None:
            return distillation(net, teacher, batch, bfloat16=training.bfloat16)
        chroma, features, alpha = colorize(
            net, batch, bfloat16=training.bfloat16, threads=training.threads
        )
        loss, parts = coloring_loss(chroma, batch.chroma, training.weights)
        local, distant = mean_affinities(features.detach(), net.sigma, config.global_step)
        return loss, {
            "side": batch.luma.shape[2],
            **parts,
            "psnr": -10 * math.log10(max(parts["mse"], 1e-12)),
            "local_affinity": local,
            "global_affinity": distant,
            "log10_alpha": float(alpha.detach().log10().mean()),
            "sigma": float(net.sigma.detach()),
        }

    optimize(
        "lga", net, config.to_dict(), training,
        lambda step: ColoringBatches(data, training.seed, step, training.steps, sizes),
        losses, out, groups=groups,
    )  # fmt: skip


def load_average(path: Path) -> tuple[LGANet, dict[str, Any]]:
    """The averaged network of a checkpoint in evaluation mode, and the checkpoint."""
    state = checkpoint.load(path)
    if state.get("method") != "lga":
        raise ValueError(f"{path} is no LGA-Net checkpoint")
    net = LGANet(LGAConfig.from_dict(state["config"]))
    net.load_state_dict(state["average"])
    return net.eval(), state
