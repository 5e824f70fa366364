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
from ..data.references import ReferenceBatch, ReferenceBatches
from ..models.encoders.trunk import STRIDE
from ..models.sscn.matched import AB_SCALE, HEADS, MatchedConfig, MatchedNetwork
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
    sizes : tuple of CropSize
    """

    learning_rate: float = 1e-3
    warmup: int = 50
    average: float = 0.995
    decoder_rate: float = 0.3
    kind: float = 0.2
    own: float = 0.02
    log_mse: float = 0.1
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
        own = self._own(colored.queries, reference.features)
        loss = (
            0.1 * fine.mean()
            + training.log_mse * torch.log(squares + 1.0).mean()
            + 0.1 * training.kind * kind.mean()
            + training.own * own
        )
        return loss, {
            "side": batch.gray.shape[2],
            "ab": float(fine.detach().mean()),
            "kind_ab": float(kind.detach().mean()),
            "mean_ab": float(
                AB_SCALE * (truth - reference.style[:, 1:3, None, None]).norm(dim=1).mean()
            ),
            "log_mse": float(torch.log(squares.detach() + 1.0).mean()),
            "own": float(own.detach()),
        }

    def _own(self, queries: Tensor, features: Tensor) -> Tensor:
        """Mean over the heads: minus the logarithm of the attention that falls on the own
        reference, if all the batch's were looked at.
        """
        weigh = self._net.matcher.weights
        keys = features[:, :, : queries.shape[2]]
        count, places = queries.shape[:2]
        step = max(1, places // _ASKED)
        asked = queries[:, step // 2 :: step] / (weigh(1) * queries.shape[2] ** 0.5)
        total = torch.zeros(())
        for head in range(len(HEADS)):
            scores = (asked * weigh(head)).flatten(0, 1) @ keys.flatten(0, 1).T
            logs = torch.log_softmax(scores, dim=1).unflatten(1, (count, -1)).logsumexp(dim=2)
            label = torch.arange(count).repeat_interleave(asked.shape[1])
            total = total + functional.nll_loss(logs, label) / len(HEADS)
        return total


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
        return ReferenceBatches(
            data, training.seed, step, training.steps, training.sizes, exposures=True
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
