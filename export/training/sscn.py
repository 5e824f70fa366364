"""Training SSCN (Secs. 3.5, 4.1): five losses, references made of the pictures themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from colordeploy.pictures.color import AB_BINS

from ..data.batches import CropSize
from ..data.photos import Folders
from ..data.references import SIZES, ReferenceBatch, ReferenceBatches
from ..models.sscn.network import AB_SCALE, Colored, Sscn, SscnConfig, select
from . import checkpoint
from .loop import Losses, Schedule, optimize
from .losses import total_variation


@dataclass(frozen=True)
class SscnWeights:
    """Weights of Eq. 6; the defaults are the paper's."""

    stage1: float = 100.0
    stage2: float = 100.0
    total_variation: float = 10.0
    classification: float = 0.1
    histogram: float = 1.0


@dataclass(frozen=True)
class SscnTraining(Schedule):
    """How to train; rate and moments are the paper's.

    Attributes
    ----------
    k, r : int
        Places of the reference that the attention sees: the most active ones, and random others.
        Of small crops as much less as they are smaller than 256 pixels.
    dense : bool
        All of them instead.
    delta : float
        Where the smooth L1 loss (Eq. 4) becomes linear, in ab / 110; the paper gives none.
    """

    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)
    k: int = 256
    r: int = 256
    dense: bool = False
    delta: float = 0.1
    weights: SscnWeights = field(default_factory=SscnWeights)
    sizes: tuple[CropSize, ...] = SIZES


class SscnLosses:
    """L_total (Eq. 6) of a batch."""

    def __init__(self, net: Sscn, training: SscnTraining) -> None:
        self._net, self._training = net, training
        self._bins = torch.tensor(AB_BINS, dtype=torch.float32)

    def __call__(self, batch: ReferenceBatch) -> Losses:
        training, net = self._training, self._net
        seed = int(batch.ab.abs().double().sum() * 1000) % 2**31  # of the batch, to resume
        generator = torch.Generator().manual_seed(seed)
        with torch.autocast("cpu", torch.bfloat16, enabled=training.bfloat16):
            reference = net.encode_reference(
                batch.reference.contiguous(memory_format=torch.channels_last)
            )
            selected = reference.features
            if not training.dense:
                share = selected.shape[1] / 4096  # of the places of a 256-pixel reference
                k, r = max(1, round(training.k * share)), max(1, round(training.r * share))
                chosen = select(reference.activation.detach().float(), k, r, generator)
                selected = selected.gather(1, chosen.unsqueeze(2).expand(-1, -1, selected.shape[2]))
            colored = net.colorize(batch.gray, reference.style, selected)
        parts = self._parts(Colored(*(t.float() for t in colored)), batch)
        parts["classification"] = functional.cross_entropy(
            reference.class_logits.float(), batch.category
        )
        weights = asdict(training.weights)
        loss = torch.stack([weights[name] * value for name, value in parts.items()]).sum()
        with torch.no_grad():
            fine = AB_SCALE * (colored.fine.float() - batch.ab).square().mean().sqrt()
            coarse = AB_SCALE * (colored.coarse.float() - batch.ab).square().mean().sqrt()
            right = (reference.class_logits.argmax(dim=1) == batch.category).float().mean()
        numbers = {name: float(value.detach()) for name, value in parts.items()}
        return loss, {
            "side": batch.gray.shape[2],
            **numbers,
            "ab_rmse": float(fine),
            "coarse_ab_rmse": float(coarse),
            "class_accuracy": float(right),
        }

    def _parts(self, colored: Colored, batch: ReferenceBatch) -> dict[str, Tensor]:
        delta = self._training.delta
        small = functional.avg_pool2d(batch.ab * AB_SCALE, 4).permute(0, 2, 3, 1)
        distance = self._bins.square().sum(dim=1) - 2.0 * (small @ self._bins.T)
        return {
            "stage1": functional.huber_loss(colored.coarse, batch.ab, delta=delta),
            "stage2": functional.huber_loss(colored.fine, batch.ab, delta=delta),
            "total_variation": total_variation(colored.fine),
            "histogram": functional.cross_entropy(colored.bins, distance.argmin(dim=3)),
        }


def train(
    data: Folders,
    out: Path,
    config: SscnConfig,
    training: SscnTraining,
    start: Mapping[str, Tensor] | None = None,
) -> None:
    """Train, or go on training, the checkpoint `out`; see `optimize`.

    Parameters
    ----------
    config : SscnConfig
        `classes` is set to the number of categories in the data.
    start : mapping of str to Tensor, optional
        Weights that a new run starts from.
    """
    torch.manual_seed(training.seed)
    torch.set_num_threads(training.threads)
    categories = ReferenceBatches(data, training.seed, 0, 0).categories
    config = replace(config, classes=len(categories))
    net = Sscn(config).to(memory_format=torch.channels_last)
    if start is not None:
        net.load_state_dict(start)
    optimize(
        "sscn", net, config.to_dict(), training,
        lambda step: ReferenceBatches(data, training.seed, step, training.steps, training.sizes),
        SscnLosses(net, training), out,
    )  # fmt: skip


def load_average(path: Path) -> tuple[Sscn, dict[str, Any]]:
    """The averaged network of a checkpoint in evaluation mode, and the checkpoint."""
    state = checkpoint.load(path)
    if state.get("method") != "sscn":
        raise ValueError(f"{path} is no SSCN checkpoint")
    net = Sscn(SscnConfig(**state["config"]))
    net.load_state_dict(state["average"])
    return net.eval(), state
