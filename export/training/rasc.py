"""Training RASC (Secs. III-C, IV-B): a generator against a discriminator, one step each a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from colordeploy.methods.line_art.drawing import patch_labels
from colordeploy.native import region_map
from colordeploy.pictures.encoding import save_picture

from ..data.batches import CropSize
from ..data.drawings import SIZES, DrawingBatch, DrawingBatches
from ..data.photos import Folders
from ..models.rasc.discriminator import Discriminator
from ..models.rasc.network import Rasc, RascConfig, StyledConv, normalized
from . import checkpoint
from .loop import Losses, Schedule, Stateful, optimize
from .losses import laplacian_pyramid

Perceptual = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class RascTraining(Schedule):
    """How to train; rate and moments are the paper's.

    Attributes
    ----------
    other_rate, discriminator_rate : float
        Not in the paper: factors on the learning rate for weights other than the styled
        convolutions' (which are of the size 1, so that a step of the paper's rate is small), and
        for the discriminator. With the full rate both ran away after 340 steps.
    perceptual : float
        Weight of the perceptual loss (Eq. 7), or of what stands in for it.
    r1 : float
        Not in the paper: gamma of the gradient penalty on true pictures (Mescheder et al. 2018),
        which keeps the discriminator from winning; computed every `r1_every` steps.
    mode_seeking : float
        Not in the paper: weight of a term that asks two style codes for two pictures (Mao et al.
        2019).
    posterior : float
        Not in the paper: weight of the divergence of true pictures' styles from N(0, 1). A small
        network reads a style off the true picture, with which the generator has to make that
        picture (Zhu et al. 2017); so styles get a meaning, and random ones make pictures like the
        true ones. 0: no such network.
    patches : int
        Fixed patches of that side instead of trapped-ball regions (Table IV); 0: regions.
    """

    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.0, 0.99)
    decay: Any = "constant"
    other_rate: float = 0.25
    discriminator_rate: float = 0.1
    clip: float = 10.0
    average: float = 0.998
    perceptual: float = 10.0
    r1: float = 5.0
    r1_every: int = 16
    mode_seeking: float = 0.0
    posterior: float = 0.02
    patches: int = 0
    sizes: tuple[CropSize, ...] = field(default=SIZES)


def pyramid_difference(found: Tensor, truth: Tensor) -> Tensor:
    """The feature-free replacement of the perceptual loss: a Laplacian pyramid of the difference
    of two RGB pictures in [0, 1], which compares at every scale but knows of no content.
    """
    return laplacian_pyramid(found - truth)


class StyleReader(nn.Module):
    """Mean and log variance (B, style) each of the style of true pictures (B, 3, H, W)."""

    def __init__(self, style: int, width: int = 16) -> None:
        super().__init__()
        widths = [width * factor for factor in (1, 2, 4, 8)]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 4, 2, padding=1) for a, b in zip([3, *widths[:-1]], widths, strict=True)
        )
        self.out = nn.Linear(widths[-1], 2 * style)

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        x = functional.avg_pool2d(rgb, 2)  # colours matter, edges do not
        for conv in self.convs:
            x = functional.leaky_relu(conv(x), 0.2)
        mean, log_variance = self.out(x.mean(dim=(2, 3))).float().chunk(2, dim=1)
        return mean, log_variance.clamp(-8, 4)


class RascLosses:
    """One step of both sides; the discriminator's is done here.

    A batch is coloured twice: in its predicted style, which has to come near the true picture
    (Eq. 7), and in another: two times out of three the one read off the true picture, which has to
    come near it too, else a random one. The discriminator (Eq. 6, in the non-saturating form) sees
    both.
    """

    def __init__(
        self,
        net: Rasc,
        discriminator: Discriminator,
        reader: StyleReader | None,
        optimizer: torch.optim.Optimizer,
        training: RascTraining,
        perceptual: Perceptual,
    ) -> None:
        self._net, self._discriminator, self._optimizer = net, discriminator, optimizer
        self._reader = reader
        self._training, self._perceptual = training, perceptual
        self.step = 0

    def __call__(self, batch: DrawingBatch) -> Losses:
        training, net = self._training, self._net
        half = torch.autocast("cpu", torch.bfloat16, enabled=training.bfloat16)
        seed = int(batch.rgb.double().sum().abs() * 1000) % 2**31  # of the batch, to resume
        generator = torch.Generator().manual_seed(seed)
        other_style = torch.randn(len(batch.rgb), net.config.style, generator=generator)
        divergence = None
        if self._reader is not None and self.step % 3 != 0:
            with half:
                mean, log_variance = self._reader(batch.rgb)
            other_style = mean + (0.5 * log_variance).exp() * other_style
            divergence = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1)
            divergence = divergence.sum(dim=1).mean()
        with half:
            sketch = net.encode(batch.line, batch.labels)
            patterns = net.patterns(sketch.features, batch.labels, int(batch.labels.max()) + 1)
            own = net.decode(sketch.features, patterns, sketch.style).float()
            other = net.decode(sketch.features, patterns, other_style).float()
        fakes = torch.cat([own, other])
        numbers = self._train_discriminator(batch.rgb, fakes.detach())
        self._discriminator.requires_grad_(False)
        with half:
            scores = self._discriminator(fakes).float()
        self._discriminator.requires_grad_(True)
        adversarial = functional.softplus(-scores).mean()
        perceptual = self._perceptual((own + 1) / 2, (batch.rgb + 1) / 2)
        apart = (own - other).abs().mean(dim=(1, 2, 3)) / (
            (sketch.style - normalized(other_style)).abs().mean(dim=1).detach() + 1e-3
        )
        seeking = (1.0 / (apart + 0.05)).mean()
        loss = adversarial + training.perceptual * perceptual
        if divergence is None:
            loss = loss + training.mode_seeking * seeking
        else:
            read = self._perceptual((other + 1) / 2, (batch.rgb + 1) / 2)
            loss = loss + training.perceptual * read + training.posterior * divergence
            numbers |= {"perceptual_read": float(read.detach())}
            numbers |= {"divergence": float(divergence.detach())}
        self.step += 1
        return loss, {
            **numbers,
            "adversarial": float(adversarial.detach()),
            "perceptual": float(perceptual.detach()),
            "styles_apart": float(apart.detach().mean()),
        }

    def _train_discriminator(self, true: Tensor, fakes: Tensor) -> dict[str, float]:
        training = self._training
        numbers = {}
        with torch.autocast("cpu", torch.bfloat16, enabled=training.bfloat16):
            true_score = self._discriminator(true).float()
            fake_score = self._discriminator(fakes).float()
        loss = functional.softplus(-true_score).mean() + functional.softplus(fake_score).mean()
        numbers["discriminator"] = float(loss.detach())
        if training.r1 > 0 and self.step % training.r1_every == 0:
            watched = true.clone().requires_grad_()
            (gradient,) = torch.autograd.grad(
                self._discriminator(watched).sum(), watched, create_graph=True
            )
            penalty = gradient.square().sum(dim=(1, 2, 3)).mean()
            loss = loss + 0.5 * training.r1 * training.r1_every * penalty
            numbers["r1"] = float(penalty.detach())
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for group in self._optimizer.param_groups:
            group["lr"] = (
                training.learning_rate * training.discriminator_rate * training.rate(self.step)
            )
        norm = nn.utils.clip_grad_norm_(self._discriminator.parameters(), training.clip)
        if torch.isfinite(norm):  # otherwise one bad batch would stay in Adam's moments
            self._optimizer.step()
        return numbers


def sample_sheet(net: Rasc, batch: DrawingBatch, styles: int = 3) -> NDArray[np.uint8]:
    """A row for each drawing: lines, truth, predicted style, then random styles."""
    generator = torch.Generator().manual_seed(0)
    was_training = net.training
    net.eval()
    with torch.no_grad():
        columns = [batch.line.expand(-1, 3, -1, -1), batch.rgb, net(batch.line, batch.labels)]
        for _ in range(styles):
            style = torch.randn(1, net.config.style, generator=generator)
            style = style.expand(len(batch.line), -1)
            columns.append(net(batch.line, batch.labels, style))
    net.train(was_training)
    sheet = torch.cat(columns, dim=3).permute(0, 2, 3, 1).flatten(0, 1)
    return ((sheet.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()


def train(
    data: Folders,
    out: Path,
    config: RascConfig,
    training: RascTraining,
    perceptual: Perceptual | None = None,
    start: Mapping[str, Tensor] | None = None,
) -> None:
    """Train, or go on training, the checkpoint `out`; see `optimize`.

    Beside it, ``out.sheet.png`` shows the running average at the last checkpoint.

    Parameters
    ----------
    perceptual : callable, optional
        Difference of two RGB pictures by VGG-19, see `VggLoss`; else `pyramid_difference`.
    start : mapping of str to Tensor, optional
        Weights that a new run starts from; those that this configuration lacks are left out, those
        that it has besides start anew.
    """
    torch.manual_seed(training.seed)
    torch.set_num_threads(training.threads)
    net = Rasc(config).to(memory_format=torch.channels_last)
    if start is not None:
        own = net.state_dict()
        net.load_state_dict({**own, **{n: w for n, w in start.items() if n in own}})
    reader = StyleReader(config.style) if training.posterior > 0 else None
    discriminator = Discriminator().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(discriminator.parameters(), betas=training.betas)
    styled = [module.weight for module in net.modules() if isinstance(module, StyledConv)]
    known = {id(weight) for weight in styled}
    others = [parameter for parameter in net.parameters() if id(parameter) not in known]
    extra: dict[str, Stateful] = {
        "discriminator": discriminator,
        "discriminator_optimizer": optimizer,
    }
    if reader is not None:
        others += list(reader.parameters())
        extra["reader"] = reader
    losses = RascLosses(
        net, discriminator, reader, optimizer, training, perceptual or pyramid_difference
    )
    regions = partial(_patches, training.patches) if training.patches else region_map

    def batches(step: int) -> DrawingBatches:
        losses.step = step
        return DrawingBatches(data, training.seed, step, training.steps, training.sizes, regions)

    shown = DrawingBatches(data, training.seed + 1, 0, 1, training.sizes, regions).batch(0)

    def saved(_step: int, average: nn.Module) -> None:
        assert isinstance(average, Rasc)
        save_picture(sample_sheet(average, shown), out.with_suffix(".sheet.png"))

    optimize(
        "rasc", net, {**config.to_dict(), "patches": training.patches}, training, batches, losses,
        out, groups=[
            {"params": styled, "factor": 1.0},
            {"params": others, "factor": training.other_rate},
        ],
        extra=extra,
        saved=saved,
    )  # fmt: skip


def _patches(side: int, line: NDArray[np.float32]) -> NDArray[np.int32]:
    return patch_labels(line.shape[0], line.shape[1], side)


def load_average(path: Path) -> tuple[Rasc, dict[str, Any]]:
    """The averaged network of a checkpoint in evaluation mode, and the checkpoint."""
    state = checkpoint.load(path)
    if state.get("method") != "rasc":
        raise ValueError(f"{path} is no RASC checkpoint")
    config = {key: value for key, value in state["config"].items() if key != "patches"}
    net = Rasc(RascConfig.from_dict(config))
    net.load_state_dict(state["average"])
    return net.eval(), state
