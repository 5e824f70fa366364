"""Training RASC's region transformer on a frozen encoder (`export.models.rasc.regional`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colordeploy.native import kmeans
from colordeploy.pictures.color import lab_of
from colordeploy.runtime.graph import Graph, load_graph
from colordeploy.runtime.target import parse_target

from ..bundling.onnx_graph import export_graph
from ..data.drawings import DrawingArchive
from ..data.photos import Folders
from ..data.regional import (
    Pooled,
    RegionBatch,
    RegionBatches,
    RegionSample,
    collect,
    repeated,
)
from ..models.encoders.efficientnet_lite import STRIDES
from ..models.encoders.trunk import MULTIPLE
from ..models.rasc.regional import (
    Described,
    LineEncoder,
    RegionalConfig,
    RegionalNetwork,
    pool,
)
from . import checkpoint
from .loop import Losses, Schedule, optimize

_ALIKE = 20.0  # Lab distance of colours that a style likes alike
_PALETTE_FROM = 40_000  # regions that the palette is made of
_NO_ERROR = 2e-3  # added to a squared error before its logarithm: what lines alone make


@dataclass(frozen=True)
class RegionalTraining(Schedule):
    """How to train it.

    Attributes
    ----------
    divergence : float
        Weight of the divergence of true pictures' styles from N(0, 1).
    log_mse : float
        Weight of the logarithm of each drawing's squared error, which is its PSNR as a loss,
        beside the cross-entropy.
    candidates : int
        How many random styles each drawing is coloured in; the one that comes nearest to the truth
        is trained (Implicit Maximum Likelihood Estimation, Li and Malik 2018), so that styles are
        different guesses and not one guess and its mistakes. 0: none.
    nearest_weight : float
        Weight of these.
    weight_decay : float
        Of matrices.
    views : int
        How many views of each drawing there are, see `collect`.
    """

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.98)
    warmup: int = 150
    average: float = 0.998
    divergence: float = 0.005
    log_mse: float = 0.3
    candidates: int = 3
    nearest_weight: float = 0.4
    weight_decay: float = 0.05
    views: int = 10


class RegionalLosses:
    """Each batch is coloured in the style read off the true colours, in the predicted one, and in
    random ones of which the nearest counts; often with some regions' true colours as hints, and
    asked for the others.
    """

    def __init__(self, net: RegionalNetwork, training: RegionalTraining) -> None:
        self._net, self._training = net, training

    def __call__(self, batch: RegionBatch) -> Losses:
        net, training = self._net, self._training
        count, regions = batch.shares.shape
        described = net.describe(batch.pooled, batch.whole, batch.regions)
        mean, log_variance = net.posterior(described, batch.regions, batch.colors)
        drawn = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)
        read, _ = self._answer(batch, described, drawn, revealed(count, regions))
        predicted, error = self._answer(batch, described, described.style, revealed(count, regions))
        loss = read.mean() + predicted.mean() + training.divergence * divergence.mean()
        numbers = {"read": read, "predicted": predicted, "divergence": divergence, "log_mse": error}
        if training.candidates:
            nearest = self._nearest(batch, described)
            loss = loss + training.nearest_weight * nearest.mean()
            numbers["nearest"] = nearest
        return loss, {name: float(value.detach().mean()) for name, value in numbers.items()}

    def _nearest(self, batch: RegionBatch, described: Described) -> Tensor:
        """The least loss of each drawing (B,) in `candidates` random styles."""
        (count, regions), times = batch.shares.shape, self._training.candidates
        many = repeated(batch, times)
        losses, _ = self._answer(
            many,
            Described(*(part.repeat_interleave(times, 0) for part in described)),
            torch.randn(times * count, self._net.config.style),
            revealed(count, regions).repeat_interleave(times, 0),
        )
        return losses.view(count, times).amin(dim=1)

    def _answer(
        self, batch: RegionBatch, described: Described, style: Tensor, known: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The loss of each drawing (B,), and the logarithm of its squared error, of its regions
        without a hint. Cross-entropies count by the root of the regions' areas, which is between
        the eye's and the pixels' way to count.
        """
        net = self._net
        hints = batch.colors * known.unsqueeze(2)
        logits = net.logits(described, batch.regions, style, hints, known)
        logs = torch.log_softmax(logits, dim=2).gather(2, batch.nearest)
        entropy = -(logs * batch.weights).sum(dim=2)
        off = (net.colors(logits) - batch.colors).square().mean(dim=2)
        error = torch.log(_mean(off, batch.shares * (1 - known)) + _NO_ERROR)
        result = _mean(entropy, torch.sqrt(batch.shares) * (1 - known))
        return result + self._training.log_mse * error, error


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Means of rows (B, K), (B,); 0 where nothing has a weight."""
    return (values * weights).sum(dim=1) / (weights.sum(dim=1) + 1e-6)


def revealed(count: int, regions: int) -> Tensor:
    """Which regions have a hint (count, regions): none in half of the drawings, few in most of the
    others.
    """
    ratio = (2 * torch.rand(count, 1) - 1).clamp_min(0).square()
    return (torch.rand(count, regions) < ratio).float()


def palette_of(samples: Sequence[RegionSample], count: int) -> NDArray[np.float32]:
    """Colours that regions have, (count, 3) float32 in [0, 1]: medians of clusters in Lab."""
    colors = np.concatenate([sample.colors for sample in samples])
    weights = np.concatenate([np.sqrt(sample.areas / sample.areas.sum()) for sample in samples])
    chosen = np.random.default_rng(0).choice(len(colors), _PALETTE_FROM, p=weights / weights.sum())
    picked = colors[chosen]
    labels, centres = kmeans(lab_of(picked.astype(np.float32) / 255), count, seed=0)
    result = np.stack(
        [
            np.median(picked[labels == i], axis=0) if (labels == i).any() else np.zeros(3)
            for i in range(len(centres))
        ]
    )
    return (result / 255).astype(np.float32)


def frozen(net: RegionalNetwork) -> Pooled:
    """The encoder in ONNX Runtime, which has its depthwise convolutions several times as fast;
    exported when it is first called.
    """

    @cache
    def graph() -> Graph:
        exported = export_graph(
            LineEncoder(net), {"line": torch.rand(2, 1, 3 * MULTIPLE, 4 * MULTIPLE)},
            {"line": {0: "batch", 2: "height", 3: "width"}}, [f"features{s}" for s in STRIDES],
            {"height": MULTIPLE, "width": MULTIPLE}, half=False,
        )  # fmt: skip
        target = parse_target("onnxruntime", "cpu", threads=1)
        return load_graph(exported.content, target, "encoder")

    def pooled(
        light: NDArray[np.float32], shares: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        found = graph().run({"line": 2 * light[None, None] - 1})
        features = [torch.from_numpy(found[f"features{s}"]) for s in STRIDES]
        each = pool(features, torch.from_numpy(shares)[None])[0]
        return each.numpy(), features[-1][0].mean(dim=(1, 2)).numpy()

    return pooled


def first_preferences(palette: NDArray[np.float32], style: int) -> NDArray[np.float32]:
    """What the numbers of a style code do to the palette's logits at first, (n, style): random, of
    about unit spread over codes, and alike for colours that are alike.
    """
    labs = lab_of(palette)
    square = np.square(labs[:, None] - labs[None]).sum(axis=2)
    mixed = np.exp(-square / (2 * _ALIKE**2)) @ np.random.default_rng(1).normal(
        size=(len(palette), style)
    )
    mixed -= mixed.mean(axis=0)
    found: NDArray[np.float32] = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(
        np.float32
    )
    return found


@torch.no_grad()
def start(net: RegionalNetwork, samples: Sequence[RegionSample]) -> None:
    """Set the palette, what styles prefer of it, and what makes features of about unit spread."""
    palette = palette_of(samples, net.config.palette)
    net.palette.copy_(torch.from_numpy(palette))
    net.preferences.copy_(torch.from_numpy(first_preferences(palette, net.config.style)))
    some = samples[:: max(1, len(samples) // 1000)]
    for name in ("pooled", "whole"):
        values = np.concatenate(
            [np.atleast_2d(getattr(sample, name)).astype(np.float32) for sample in some]
        )
        getattr(net, f"{name}_mean").copy_(torch.from_numpy(values.mean(axis=0)))
        getattr(net, f"{name}_deviation").copy_(torch.from_numpy(values.std(axis=0) + 1e-3))


def train_regional(
    data: Folders,
    out: Path,
    config: RegionalConfig,
    training: RegionalTraining,
    encoder: Mapping[str, Tensor],
    kept: Path | None = None,
    begin: Mapping[str, Tensor] | None = None,
) -> None:
    """Train, or go on training, the checkpoint `out`; see `optimize`.

    Parameters
    ----------
    encoder : mapping of str to Tensor
        The encoder's weights, which stay.
    begin : mapping of str to Tensor, optional
        Weights of an earlier training, with its palette, that a new run begins with.
    kept : Path, optional
        Folder where the regions' features are kept from run to run.
    """
    torch.manual_seed(training.seed)
    torch.set_num_threads(training.threads)
    net = RegionalNetwork(config)
    net.encoder.load_state_dict(dict(encoder))
    pooled = frozen(net)
    samples = [
        sample
        for view in range(training.views)
        for sample in collect(data, "train", view, pooled, kept)
    ]
    if out.is_file():  # its palette, whatever views have come since
        begin = checkpoint.load(out)["net"]
    if begin is None:
        start(net, samples)
    else:
        net.load_state_dict(dict(begin))
    palette = net.palette.numpy().copy()
    summary = DrawingArchive(data, "train", color_only=True).summary()

    def batches(step: int) -> RegionBatches:
        return RegionBatches(samples, summary, palette, training.seed, step, training.steps)

    trained = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {
            "params": [p for p in trained if (p.ndim > 1) == matrix],
            "factor": 1.0,
            "weight_decay": training.weight_decay if matrix else 0.0,
            "decoupled_weight_decay": True,
        }
        for matrix in (True, False)
    ]
    optimize(
        "regional", net, config.to_dict(), training, batches, RegionalLosses(net, training), out,
        groups=groups,
    )  # fmt: skip


def load_regional(path: Path) -> tuple[RegionalNetwork, dict[str, Any]]:
    """The averaged network of a checkpoint in evaluation mode, and the checkpoint."""
    state = checkpoint.load(path)
    if state.get("method") != "regional":
        raise ValueError(f"{path} is no checkpoint of RASC's region transformer")
    net = RegionalNetwork(RegionalConfig(**state["config"]))
    net.load_state_dict(state["average"])
    return net.eval(), state
