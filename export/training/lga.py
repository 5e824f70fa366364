"""Training LGA-Net (Sec. 4.1): Adam, losses of Eq. 9, made-up sparse scribbles, mixed sizes."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.data import DataLoader

from ..data.coloring import ColoringBatch, ColoringBatches
from ..models.lga import LGAConfig, LGANet
from . import checkpoint
from .coloring_layer import GraphOptions, laplacian_coloring
from .log import TrainingLog, draw_curves
from .losses import LossWeights, coloring_loss


@dataclass(frozen=True)
class LGATraining:
    """How to train.

    Attributes
    ----------
    steps : int
        Batches in all; the learning rate decays to a hundredth along a cosine until then.
    learning_rate, betas :
        Adam's; the defaults are the paper's.
    warmup : int
        Steps of linear warm-up.
    scalar_rate : float
        Factor on the learning rate of sigma and of CNN_alpha: single numbers that set the scale of
        the whole system, and that Adam moves by one learning rate a step.
    clip : float
        Largest gradient norm. Regions that hang on by phi alone have very large gradients.
    average : float
        Decay of the running average of the weights, which is what gets exported.
    bfloat16 : bool
        Convolutions in bfloat16 (features and everything after them stay in float32).
    threads : int
        Threads of PyTorch and of the solver.
    save_every : int
        Steps between checkpoints.
    """

    steps: int = 20_000
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.999)
    warmup: int = 200
    scalar_rate: float = 3.0
    clip: float = 1.0
    average: float = 0.999
    weights: LossWeights = field(default_factory=LossWeights)
    bfloat16: bool = False
    threads: int = 1
    seed: int = 0
    save_every: int = 200


def graph_options(config: LGAConfig, threads: int = 1) -> GraphOptions:
    return GraphOptions(config.global_step, config.local_edges, config.phi, threads)


def colorize(
    net: LGANet, batch: ColoringBatch, *, bfloat16: bool = False, threads: int = 1
) -> tuple[Tensor, Tensor, Tensor]:
    """Chroma (B, 2, H, W) of a batch, with the features and alpha it came from."""
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        features = net.features(batch.luma.contiguous(memory_format=torch.channels_last)).float()
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


def _rate(step: int, training: LGATraining) -> float:
    if step < training.warmup:
        return (step + 1) / training.warmup
    progress = (step - training.warmup) / max(1, training.steps - training.warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


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


def train(
    data: Path,
    out: Path,
    config: LGAConfig,
    training: LGATraining,
    start: Mapping[str, Tensor] | None = None,
) -> None:
    """Train, or go on training, the checkpoint `out`.

    Writes ``out`` (weights, average, optimizer, step), ``out.log.jsonl`` and ``out.curves.png``.
    Killed at any moment, the same call goes on from the last checkpoint with the same batches.

    Parameters
    ----------
    start : mapping of str to Tensor, optional
        Weights that a new run starts from; parts that the new configuration lacks are left out,
        and parts that it has wider are widened, see `widened`.
    """
    torch.manual_seed(training.seed)
    torch.set_num_threads(training.threads)
    net = LGANet(config).to(memory_format=torch.channels_last)
    if start is not None:
        net.load_state_dict(widened(start, net.state_dict()), strict=False)
    average = copy.deepcopy(net).requires_grad_(False)
    optimizer = torch.optim.Adam(
        [
            {"params": list(net.features.parameters()), "factor": 1.0},
            {"params": [net.log_sigma, *net.alpha.parameters()], "factor": training.scalar_rate},
        ],
        training.learning_rate,
        betas=training.betas,
    )
    step = 0
    if out.is_file():
        state = checkpoint.load(out)
        if state["config"] != config.to_dict():
            raise ValueError(f"{out} was trained with another configuration: {state['config']}")
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    log_path = out.with_suffix(".log.jsonl")
    log = TrainingLog(log_path, step)
    pictures = ColoringBatches(data, training.seed, step, training.steps)
    batches = DataLoader(
        pictures,
        batch_size=None,
        num_workers=1,
        prefetch_factor=4,
    )
    columns = (
        TextColumn("[bold]lga"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, refresh_per_second=0.5) as progress:
        task = progress.add_task("lga", total=training.steps, completed=step, note="")
        for batch in batches:
            began = time.perf_counter()
            for group in optimizer.param_groups:
                group["lr"] = group["factor"] * training.learning_rate * _rate(step, training)
            record = _step(net, average, optimizer, batch, training, step)
            step += 1
            record = {
                "step": step,
                "side": batch.luma.shape[2],
                **record,
                "seconds": time.perf_counter() - began,
            }
            log.write(record)
            progress.update(
                task, completed=step, note=f"loss {record['loss']:.4f} psnr {record['psnr']:.2f}"
            )
            if step % training.save_every == 0 or step == training.steps:
                checkpoint.save(
                    out, _state(net, average, optimizer, training, step, pictures.summary)
                )
    draw_curves(log_path, out.with_suffix(".curves.png"))


def _step(
    net: LGANet,
    average: LGANet,
    optimizer: torch.optim.Optimizer,
    batch: ColoringBatch,
    training: LGATraining,
    step: int,
) -> dict[str, float]:
    chroma, features, alpha = colorize(
        net, batch, bfloat16=training.bfloat16, threads=training.threads
    )
    loss, parts = coloring_loss(chroma, batch.chroma, training.weights)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = float(torch.nn.utils.clip_grad_norm_(net.parameters(), training.clip))
    if math.isfinite(norm):  # one bad batch must not end a run of hours
        optimizer.step()
    decay = min(training.average, (step + 1) / (step + 10))
    with torch.no_grad():
        for target, source in zip(average.parameters(), net.parameters(), strict=True):
            target.lerp_(source, 1 - decay)
    local, distant = mean_affinities(features.detach(), net.sigma, net.config.global_step)
    return {
        "loss": float(loss.detach()),
        **parts,
        "psnr": -10 * math.log10(max(parts["mse"], 1e-12)),
        "gradient_norm": norm,
        "local_affinity": local,
        "global_affinity": distant,
        "log10_alpha": float(alpha.detach().log10().mean()),
        "sigma": float(net.sigma.detach()),
    }


def _state(
    net: LGANet,
    average: LGANet,
    optimizer: torch.optim.Optimizer,
    training: LGATraining,
    step: int,
    data: str,
) -> dict[str, Any]:
    return {
        "method": "lga",
        "config": net.config.to_dict(),
        "training": asdict(training),
        "data": data,
        "step": step,
        "net": net.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
    }


def load_average(path: Path) -> tuple[LGANet, dict[str, Any]]:
    """The averaged network of a checkpoint in evaluation mode, and the checkpoint."""
    state = checkpoint.load(path)
    if state.get("method") != "lga":
        raise ValueError(f"{path} is no LGA-Net checkpoint")
    net = LGANet(LGAConfig.from_dict(state["config"]))
    net.load_state_dict(state["average"])
    return net.eval(), state
