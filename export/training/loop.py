"""The loop that every training shares: schedule, running average, checkpoints, log, progress."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..data.batches import Batches
from . import checkpoint
from .log import TrainingLog, draw_curves

Batch = TypeVar("Batch")


class Stateful(Protocol):
    """A module or an optimizer."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any: ...


_PATIENCE = 20
_MAY_CHANGE = {"steps", "threads", "save_every", "views"}
Losses = tuple[Tensor, dict[str, float]]  # what to minimize, and numbers for the log


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes
    ----------
    steps : int
        Batches in all; the learning rate decays to a hundredth until then, if it does.
    learning_rate, betas :
        Adam's.
    decay : str
        "cosine", "linear" or "constant".
    warmup : int
        Steps of linear warm-up.
    clip : float
        Largest gradient norm.
    average : float
        Decay of the running average of the weights, which is what gets exported.
    bfloat16 : bool
        Convolutions in bfloat16 (what follows them stays in float32).
    threads : int
        Threads of PyTorch and of the solver.
    save_every : int
        Steps between checkpoints.
    """

    steps: int = 20_000
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)
    decay: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: int = 200
    clip: float = 1.0
    average: float = 0.999
    bfloat16: bool = False
    threads: int = 1
    seed: int = 0
    save_every: int = 200

    def rate(self, step: int) -> float:
        """Factor on the learning rate."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        if self.decay == "constant":
            return 1.0
        progress = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        left = 1 - progress if self.decay == "linear" else 0.5 * (1 + math.cos(math.pi * progress))
        return 0.01 + 0.99 * left


def optimize(
    method: str,
    net: nn.Module,
    config: dict[str, Any],
    schedule: Schedule,
    pictures: Callable[[int], Batches[Any, Batch]],
    losses: Callable[[Batch], Losses],
    out: Path,
    *,
    groups: Sequence[dict[str, Any]] | None = None,
    extra: Mapping[str, Stateful] | None = None,
    saved: Callable[[int, nn.Module], None] | None = None,
) -> None:
    """Train `net`, or go on training the checkpoint `out`.

    Writes ``out`` (weights, average, optimizer, step), ``out.log.jsonl`` and ``out.curves.png``.
    Killed at any moment, the same call goes on from the last checkpoint with the same batches.
    A batch whose loss or gradient is not finite changes nothing: neither weights nor the
    statistics of normalizations; the log says so, and `_PATIENCE` of them in a row end the run.

    Parameters
    ----------
    pictures : callable
        Batches from a step on.
    losses : callable
        A batch's loss and numbers for the log; its forward pass.
    groups : sequence of dict, optional
        Adam's parameter groups, each with a "factor" on the learning rate; by default one of
        all parameters that need a gradient.
    extra : mapping of name to stateful object, optional
        What `losses` changes by itself (a discriminator and its optimizer), for the checkpoint.
    saved : callable, optional
        Called with the step and the average after every checkpoint.

    Raises
    ------
    ValueError
        When `out` was trained with another configuration or other settings than the numbers of
        steps, of threads and of views, and how often to save.
    FloatingPointError
        When the training has come apart.
    """
    trained = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(
        list(groups or [{"params": trained, "factor": 1.0}]),
        schedule.learning_rate,
        betas=schedule.betas,
    )
    wanted = [p for group in optimizer.param_groups for p in group["params"]]
    average = copy.deepcopy(net).requires_grad_(False)
    step, skipped = 0, 0
    if out.is_file():
        state = checkpoint.load(out)
        if state["method"] != method or state["config"] != config:
            raise ValueError(
                f"{out} was trained with another configuration: {state['method']} {state['config']}"
            )
        _same_settings(out, state["training"], asdict(schedule))
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        for name, thing in (extra or {}).items():
            thing.load_state_dict(state[name])
        step = state["step"]
    log_path = out.with_suffix(".log.jsonl")
    log = TrainingLog(log_path, step)
    source = pictures(step)
    batches = DataLoader(source, batch_size=None, num_workers=1, prefetch_factor=4)
    columns = (
        TextColumn(f"[bold]{method}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, refresh_per_second=0.5) as progress:
        task = progress.add_task(method, total=schedule.steps, completed=step, note="")
        for batch in batches:
            began = time.perf_counter()
            for group in optimizer.param_groups:
                group["lr"] = group["factor"] * schedule.learning_rate * schedule.rate(step)
            before = [buffer.clone() for buffer in net.buffers()]
            loss, numbers = losses(batch)
            optimizer.zero_grad(set_to_none=True)
            norm = math.nan
            if math.isfinite(float(loss.detach())):
                loss.backward()
                norm = float(torch.nn.utils.clip_grad_norm_(wanted, schedule.clip))
            if math.isfinite(norm):
                optimizer.step()
                _follow(average, net, min(schedule.average, (step + 1) / (step + 10)))
                skipped = 0
            else:  # one bad batch must not end a run of hours
                for buffer, kept in zip(net.buffers(), before, strict=True):
                    buffer.copy_(kept)
                skipped += 1
                if skipped == _PATIENCE:
                    raise FloatingPointError(
                        f"{_PATIENCE} batches in a row gave no finite gradient, the last at step "
                        f"{step + 1}; {out} holds the last good state: go on from it with a "
                        "smaller learning rate"
                    )
            step += 1
            value = float(loss.detach())
            log.write(
                {
                    "step": step,
                    "loss": value,
                    **numbers,
                    "gradient_norm": norm,
                    **({"skipped": skipped} if skipped else {}),
                    "seconds": time.perf_counter() - began,
                }
            )
            progress.update(task, completed=step, note=f"loss {value:.4f}")
            if step % schedule.save_every == 0 or step == schedule.steps:
                checkpoint.save(
                    out,
                    {
                        "method": method,
                        "config": config,
                        "training": asdict(schedule),
                        "data": source.summary,
                        "step": step,
                        "net": net.state_dict(),
                        "average": average.state_dict(),
                        "optimizer": optimizer.state_dict(),
                        **{name: thing.state_dict() for name, thing in (extra or {}).items()},
                    },
                )
                if saved is not None:
                    saved(step, average)
    draw_curves(log_path, out.with_suffix(".curves.png"))


def _same_settings(out: Path, stored: dict[str, Any], given: dict[str, Any]) -> None:
    """ValueError when a run would go on with other settings than it began with."""
    other = [
        f"{name} {stored[name]}, not {value}"
        for name, value in given.items()
        if name in stored and name not in _MAY_CHANGE and _plain(stored[name]) != _plain(value)
    ]
    if other:
        raise ValueError(
            f"{out} was trained with other settings: {'; '.join(other)}; give them again, or "
            "another --out"
        )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@torch.no_grad()
def _follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the running average; what is no parameter (statistics of a normalization) is copied."""
    for target, source in zip(average.parameters(), net.parameters(), strict=True):
        target.lerp_(source, 1 - decay)
    for target, source in zip(average.buffers(), net.buffers(), strict=True):
        target.copy_(source)
