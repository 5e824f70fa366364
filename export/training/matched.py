"""Training SSCN on a frozen encoder (`export.models.sscn.matched`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..data.batches import CropSize
from ..data.photos import Folders
from ..data.references import KindredBatch, KindredBatches, ReferenceBatch, ReferenceBatches
from ..models.encoders.trunk import STRIDE
from ..models.sscn.matched import AB_SCALE, HEADS, MatchedConfig, MatchedNetwork, Reference
from . import checkpoint
from .loop import Losses, Schedule, optimize

SIZES = (CropSize(128, 128, 200, 8, 0.25), CropSize(192, 192, 280, 4, 0.75))
_ASKED = 64  # places of a picture that tell its own reference from the others'


@dataclass(frozen=True)
class MatchedTraining(Schedule):
    """How to train it.

    Attributes
    ----------
    decoder_rate : float
        Factor on the learning rate of what begins with DISCO's weights.
    kind : float
        Weight of the first stage's colours against the second one's.
    own : float
        Weight of the cross-entropy between a picture's places and the batch's references, by each
        head: they should be found in the picture's own one.
    log_mse : float
        Weight of each picture's log squared error, which is its PSNR as a loss.
    kindred : bool
        Photos come in pairs of one category.
    kin : float
        Weight of the cross-entropy between a picture's places and the references of the other
        photos, by each head: they should be found in its category's. `kindred` only.
    steady : float
        Weight of the distance between the colours of a photo's two views, per ab unit, with the
        other photo of the pair as the reference. `kindred` only.
    sizes : tuple of CropSize
    """

    learning_rate: float = 1e-3
    warmup: int = 50
    average: float = 0.995
    decoder_rate: float = 0.3
    kind: float = 0.2
    own: float = 0.02
    log_mse: float = 0.1
    kindred: bool = False
    kin: float = 0.04
    steady: float = 0.05
    sizes: tuple[CropSize, ...] = SIZES


class MatchedLosses:
    """Distances of both stages' colours from the truth, and whose reference is whose."""

    def __init__(self, net: MatchedNetwork, training: MatchedTraining) -> None:
        self._net, self._training = net, training

    def __call__(self, batch: ReferenceBatch) -> Losses:
        net, training = self._net, self._training
        reference = net.encode_reference(batch.reference)
        colored = net.colorize(batch.gray, reference.style, reference.features)
        truth = functional.avg_pool2d(batch.ab, STRIDE)
        fine, kind = (
            AB_SCALE * torch.linalg.vector_norm(x - truth, dim=1) for x in colored[:2][::-1]
        )
        squares = AB_SCALE**2 * (colored.fine - truth).square().mean(dim=(1, 2, 3))
        logs = self._found(colored.queries, reference.features)
        own = -torch.stack([log.diagonal(dim1=0, dim2=2).mean() for log in logs]).mean()
        loss = (
            0.1 * fine.mean()
            + training.log_mse * torch.log(squares + 1.0).mean()
            + 0.1 * training.kind * kind.mean()
            + training.own * own
        )
        numbers = {
            "side": batch.gray.shape[2],
            "ab": float(fine.detach().mean()),
            "kind_ab": float(kind.detach().mean()),
            "mean_ab": float(
                AB_SCALE * (truth - reference.style[:, 1:3, None, None]).norm(dim=1).mean()
            ),
            "log_mse": float(torch.log(squares.detach() + 1.0).mean()),
            "own": float(own.detach()),
        }
        if isinstance(batch, KindredBatch):
            kin = torch.stack([kin_entropy(log, batch.category) for log in logs]).mean()
            apart = self._apart(batch, reference)
            loss = loss + training.kin * kin + training.steady * apart
            numbers |= {"kin": float(kin.detach()), "apart": float(apart.detach())}
        return loss, numbers

    def _found(self, queries: Tensor, features: Tensor) -> list[Tensor]:
        """For each head (B, places, B): the logarithm of the share of attention that falls on each
        of the batch's references, if all were looked at.
        """
        weigh = self._net.matcher.weights
        keys = features[:, :, : queries.shape[2]]
        count, places = queries.shape[:2]
        step = max(1, places // _ASKED)
        asked = queries[:, step // 2 :: step] / (weigh(1) * queries.shape[2] ** 0.5)
        found = []
        for head in range(len(HEADS)):
            scores = (asked * weigh(head)) @ keys.flatten(0, 1).T
            logs = torch.log_softmax(scores, dim=2).unflatten(2, (count, -1))
            found.append(logs.logsumexp(dim=3))
        return found

    def _apart(self, batch: KindredBatch, references: Reference) -> Tensor:
        """Mean distance in ab units between the first photos of the pairs and their other views,
        both coloured by the second ones.
        """
        style, features = references.style[1::2], references.features[1::2]
        first, second = (
            self._net.colorize(gray[0::2], style, features).fine
            for gray in (batch.gray, batch.view)
        )
        distances = []
        for a, b, (y, x, mirrored) in zip(first, second, batch.move[0::2].tolist(), strict=True):
            same_a = _overlap(a, y // STRIDE, x // STRIDE)
            same_b = _overlap(b.flip(2) if mirrored else b, -y // STRIDE, -x // STRIDE)
            square = (AB_SCALE * (same_a - same_b)).square().sum(dim=0)
            distances.append(torch.sqrt(square + 1e-2).mean())
        return torch.stack(distances).mean()


def _overlap(picture: Tensor, y: int, x: int) -> Tensor:
    """What of a picture (C, H, W) another one shows whose corner is at (y, x)."""
    height, width = picture.shape[1:]
    rows = slice(max(y, 0), height + min(y, 0))
    return picture[:, rows, max(x, 0) : width + min(x, 0)]


def kin_entropy(logs: Tensor, category: Tensor) -> Tensor:
    """Mean over the photos whose category the batch has once more: minus the logarithm of the
    attention on their category's references, of that which falls on others than their own.
    """
    none = torch.tensor(float("-inf"))
    own = torch.eye(len(category), dtype=torch.bool)[:, None]
    alike = (category[:, None] == category)[:, None]
    others = torch.where(own, none, logs)
    kin = torch.where(alike, others, none)
    several = (alike.sum(dim=2) > 1)[:, 0]
    return (others.logsumexp(dim=2) - kin.logsumexp(dim=2))[several].mean()


@torch.no_grad()
def start(net: MatchedNetwork, batches: ReferenceBatches, count: int = 6) -> None:
    """Principal components of the features, scaled alike."""
    found = [
        net.decoder.normal(net.see(batches.batch(10**6 + step).gray)[1]) for step in range(count)
    ]
    for component, parts in zip(net.matcher.components, zip(*found, strict=True), strict=True):
        points = torch.cat([p.transpose(0, 1).flatten(1) for p in parts], dim=1)
        points = points - points.mean(dim=1, keepdim=True)
        _, vectors = torch.linalg.eigh(points @ points.T / points.shape[1])
        kept = component.weight.shape[0]  # type: ignore[union-attr]
        component.weight.copy_(vectors[:, -kept:].T[:, :, None, None])  # type: ignore[operator, union-attr]


def train_matched(
    data: Folders,
    out: Path,
    config: MatchedConfig,
    training: MatchedTraining,
    begin: Mapping[str, Tensor],
) -> None:
    """Train, or go on training, the checkpoint `out`; see `optimize`.

    Parameters
    ----------
    begin : mapping of str to Tensor
        The encoder's weights, and what else a new run begins with.
    """
    torch.manual_seed(training.seed)
    torch.set_num_threads(training.threads)
    net = MatchedNetwork(config)
    net.load_state_dict({**net.state_dict(), **begin})

    def batches(step: int) -> ReferenceBatches:
        drawn = (data, training.seed, step, training.steps, training.sizes)
        return (
            KindredBatches(*drawn) if training.kindred else ReferenceBatches(*drawn, exposures=True)
        )

    if not any(name.startswith("matcher.") for name in begin):
        start(net, batches(0))
    known = [p for p in net.decoder.parameters()] + list(net.head.parameters())
    fresh = [
        *net.matcher.parameters(),
        *net.choice.parameters(),
        *net.change.parameters(),
        net.sure,
    ]
    groups = [
        {"params": fresh, "factor": 1.0},
        {"params": known, "factor": training.decoder_rate},
    ]
    losses = MatchedLosses(net, training)
    optimize("matched", net, config.to_dict(), training, batches, losses, out, groups=groups)


def load_matched(path: Path) -> tuple[MatchedNetwork, dict[str, Any]]:
    """The averaged network of a checkpoint in evaluation mode, and the checkpoint."""
    state = checkpoint.load(path)
    if state.get("method") != "matched":
        raise ValueError(f"{path} is no checkpoint of SSCN on an encoder")
    net = MatchedNetwork(MatchedConfig.from_dict(state["config"]))
    net.load_state_dict(state["average"])
    return net.eval(), state
