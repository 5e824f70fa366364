"""Training DISCO (Secs. 4.4, 5.1): first the superpixels alone, then the rest with them frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from colordeploy.native import kmeans

from ..data.automatic import LabBatch, LabBatches, bin_shares, rebalancing, soft_bins
from ..data.batches import CropSize
from ..data.photos import Folders
from ..models.disco import superpixels
from ..models.disco.network import AB_SCALE, Disco, DiscoConfig
from ..models.disco.superpixels import SPixNet
from . import checkpoint
from .loop import Losses, Schedule, optimize
from .losses import laplacian_pyramid
from .perceptual import rgb_of


@dataclass(frozen=True)
class SuperpixelTraining(Schedule):
    """How to train SPixNet; the defaults are the paper's but for the number of steps.

    Attributes
    ----------
    compactness : float
        alpha of Eq. 3.
    """

    learning_rate: float = 2e-4
    betas: tuple[float, float] = (0.0, 0.9)
    decay: Any = "linear"
    compactness: float = 3e-4


@dataclass(frozen=True)
class ColorTraining(Schedule):
    """How to train the colour modeler and the generator; the defaults are the paper's.

    Attributes
    ----------
    anchors, least_anchors : int
        How many anchors a picture gets in training: drawn between the two, both included.
    generation : float
        lambda, weight of the conditional generation loss.
    pixels : float
        beta of Eq. 5, weight of the pixel-wise part.
    rebalance : float in [0, 1)
        How much more rare colours count in the distribution loss, see `rebalancing`; 0: not.
    soft_sigma : float
        Colour bins as a distribution over their neighbours, see `soft_bins`; 0: one bin alone.
    """

    learning_rate: float = 2e-4
    betas: tuple[float, float] = (0.0, 0.9)
    decay: Any = "linear"
    anchors: int = 8
    least_anchors: int = 8
    generation: float = 1.0
    pixels: float = 5.0
    rebalance: float = 0.0
    soft_sigma: float = 0.0


def aggregation_loss(
    ab: Tensor, association: Tensor, cell: int, compactness: float
) -> tuple[Tensor, dict[str, float]]:
    """Eq. 3: how far the superpixels' means are from the pixels' own colours and positions.

    Parameters
    ----------
    ab : (B, 2, H, W)
        True chroma; compared in the networks' scale, ab / 110.
    association : (B, 9, H, W)
    """
    batch, _, height, width = ab.shape
    rows = torch.arange(height, dtype=ab.dtype).view(1, 1, height, 1)
    columns = torch.arange(width, dtype=ab.dtype).view(1, 1, 1, width)
    place = torch.cat([rows.expand(1, 1, height, width), columns.expand(1, 1, height, width)], 1)
    property_map = torch.cat([ab / AB_SCALE, place.expand(batch, 2, height, width)], dim=1)
    means, _ = superpixels.pool(property_map, association, cell)
    difference = property_map - superpixels.spread(means, association, cell)
    norm = (difference.unflatten(1, (2, 2)).square().sum(dim=2) + 1e-12).sqrt().mean(dim=(0, 2, 3))
    loss = norm[0] + compactness / cell * norm[1]
    return loss, {"color": float(norm[0].detach()), "distance": float(norm[1].detach())}


def train_superpixels(
    data: Folders,
    out: Path,
    config: DiscoConfig,
    training: SuperpixelTraining,
    sizes: tuple[CropSize, ...],
) -> None:
    """Train SPixNet, or go on training, the checkpoint `out`; see `optimize`."""
    torch.manual_seed(training.seed)
    torch.set_num_threads(training.threads)
    net = SPixNet(config.superpixel_width).to(memory_format=torch.channels_last)

    def losses(batch: LabBatch) -> Losses:
        with torch.autocast("cpu", torch.bfloat16, enabled=training.bfloat16):
            association = net(batch.gray).float()
        return aggregation_loss(batch.ab, association, config.cell, training.compactness)

    optimize(
        "superpixels",
        net,
        {"cell": config.cell, "superpixel_width": config.superpixel_width},
        training,
        lambda step: LabBatches(data, training.seed, step, training.steps, sizes),
        losses,
        out,
    )


def anchors_of(truth: Tensor, sizes: Tensor, count: int, seed: int) -> Tensor:
    """Mask (B, 1, h, w) of the largest superpixel of each cluster of true colours (Sec. 4.2).

    Parameters
    ----------
    truth : (B, 2, h, w)
        Mean chroma of each superpixel.
    sizes : (B, 1, h, w)
    """
    batch, _, height, width = truth.shape
    mask = torch.zeros(batch, 1, height * width)
    for i in range(batch):
        points = truth[i].flatten(1).T.contiguous().numpy()
        labels, _ = kmeans(points, min(count, len(points)), seed=seed + i)
        size = sizes[i].flatten().numpy()
        for label in np.unique(labels):
            mask[i, 0, int(np.argmax(np.where(labels == label, size, -1.0)))] = 1.0
    return mask.unflatten(2, (height, width))


class ColorLosses:
    """L = L_dist + lambda L_color (Eqs. 4, 5) of a network.

    Parameters
    ----------
    shares : (313,) array
        Of the colour bins in the training data, see `bin_shares`.
    perceptual : callable, optional
        Difference of two RGB pictures by VGG-19, see `VggLoss`. Without it the
        feature-free replacement: a Laplacian pyramid of the difference in ab / 110, which
        compares at every scale but knows nothing of what is in the picture.
    """

    def __init__(
        self,
        net: Disco,
        training: ColorTraining,
        shares: np.ndarray[Any, np.dtype[np.float64]],
        perceptual: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> None:
        self._net, self._training = net, training
        self._weights = torch.from_numpy(rebalancing(shares, training.rebalance))
        self._soft = torch.from_numpy(soft_bins(training.soft_sigma))
        self._perceptual = perceptual

    def __call__(self, batch: LabBatch) -> Losses:
        net, training = self._net, self._training
        cell = net.config.cell
        gray = batch.gray.contiguous(memory_format=torch.channels_last)
        half = torch.autocast("cpu", torch.bfloat16, enabled=training.bfloat16)
        with torch.no_grad(), half:
            association = net.associate(gray).float()
        with half:
            features = net.repnet(gray).float()
        tokens, _ = superpixels.pool(features, association, cell)
        truth, _ = superpixels.pool(batch.ab, association, cell)
        labels = net.nearest_bins(truth)
        seed = int(batch.ab.abs().sum()) % 2**31  # of the batch alone, so that a run can resume
        count = int(
            np.random.default_rng(seed).integers(training.least_anchors, training.anchors + 1)
        )
        mask = anchors_of(truth, superpixels.sizes(association, cell), count, seed)
        logits = net.color_logits(net.wildpath(tokens))
        guided = net.guide(tokens, mask, truth)
        refined = net.refined_logits(guided)
        distribution = self._cross_entropy(logits, labels, self._weights)
        conditional = self._cross_entropy(refined, labels, None)
        loss = distribution + training.generation * conditional
        numbers = {
            "side": gray.shape[2],
            "distribution": float(distribution.detach()),
            "conditional": float(conditional.detach()),
            "chroma_share": self._chroma(logits) / float(truth.norm(dim=1).mean() + 1e-6),
        }
        if net.config.refinement:
            with half:
                ab = net.refine(gray, association, guided).float()
            if self._perceptual is None:
                pixels = laplacian_pyramid((ab - batch.ab) / AB_SCALE)
            else:
                pixels = self._perceptual(rgb_of(gray, ab), rgb_of(gray, batch.ab))
            loss = loss + training.generation * training.pixels * pixels
            numbers["pixels"] = float(pixels.detach())
            numbers["ab_rmse"] = float((ab.detach() - batch.ab).square().mean().sqrt())
        return loss, numbers

    def _cross_entropy(self, logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
        target = self._soft[labels].permute(0, 3, 1, 2)
        each = -(target * functional.log_softmax(logits, dim=1)).sum(dim=1)
        return (each if weights is None else each * weights[labels]).mean()

    def _chroma(self, logits: Tensor) -> float:
        """Mean chroma of the most probable colours: a vital sign, 0 is a gray picture."""
        return float(self._net.bins[logits.argmax(dim=1)].norm(dim=3).mean())


def train_colors(
    data: Folders,
    out: Path,
    config: DiscoConfig,
    training: ColorTraining,
    sizes: tuple[CropSize, ...],
    *,
    superpixel_weights: Mapping[str, Tensor] | None = None,
    start: Mapping[str, Tensor] | None = None,
    refinement_only: bool = False,
    perceptual: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> None:
    """Train all but SPixNet, or go on training, the checkpoint `out`; see `optimize`.

    Parameters
    ----------
    superpixel_weights : mapping of str to Tensor, optional
        Of SPixNet; without them they have to be in `start`.
    start : mapping of str to Tensor, optional
        Weights of a whole network that a new run starts from.
    refinement_only : bool
        Freeze all but RefineNet (the post-refinement of Table 4).
    """
    torch.manual_seed(training.seed)
    torch.set_num_threads(training.threads)
    net = Disco(config).to(memory_format=torch.channels_last)
    if start is not None:
        net.load_state_dict(start)
    if superpixel_weights is not None:
        net.segnet.load_state_dict(superpixel_weights)
    frozen: list[nn.Module] = [net.segnet]
    if refinement_only:
        frozen = [module for name, module in net.named_children() if name != "enhanceNet"]
    for module in frozen:
        module.requires_grad_(False).eval()
    shares = bin_shares(LabBatches(data, training.seed, 0, 0))
    losses = ColorLosses(net, training, shares, perceptual)
    optimize(
        "disco", net, config.to_dict(), training,
        lambda step: LabBatches(data, training.seed, step, training.steps, sizes),
        losses, out,
    )  # fmt: skip


def load_average(path: Path) -> tuple[Disco, dict[str, Any]]:
    """The averaged network of a checkpoint in evaluation mode, and the checkpoint."""
    state = checkpoint.load(path)
    if state.get("method") != "disco":
        raise ValueError(f"{path} is no DISCO checkpoint")
    net = Disco(DiscoConfig(**state["config"]))
    net.load_state_dict(state["average"])
    return net.eval(), state
