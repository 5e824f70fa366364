"""Options that trainings share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_SETTINGS = ("steps", "learning_rate", "bfloat16", "threads", "seed")


@dataclass(frozen=True)
class Common:
    """What every training is told.

    Attributes
    ----------
    data : tuple of Path
        Folders of the archive.
    checkpoint : Path
    settings : dict
        Fields of every method's training.
    """

    data: tuple[Path, ...]
    checkpoint: Path
    settings: dict[str, Any]

    def out(self) -> Path:
        """The checkpoint, when there is a folder for it."""
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        return self.checkpoint


def common(steps: int, learning_rate: float) -> Callable[..., Callable[..., None]]:
    """Options of every training, as the command's first argument."""
    options = (
        click.option("--data", type=click.Path(path_type=Path, exists=True), required=True,
                     multiple=True,
                     help="Folder of the archive (index.csv and tar files); can be repeated."),
        click.option("--out", type=click.Path(path_type=Path), required=True,
                     help="Checkpoint to write, or to go on from."),
        click.option("--steps", default=steps, show_default=True),
        click.option("--learning-rate", default=learning_rate, show_default=True),
        click.option("--bfloat16", is_flag=True, help="Convolutions in bfloat16."),
        click.option("--threads", default=1, show_default=True),
        click.option("--seed", default=0, show_default=True),
    )  # fmt: skip

    def add(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def collected(data: tuple[Path, ...], out: Path, **given: Any) -> None:
            settings = {name: given.pop(name) for name in _SETTINGS}
            command(Common(data, out, settings), **given)

        added: Callable[..., None] = collected
        for option in reversed(options):
            added = option(added)
        return added

    return add


def beta1(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--beta1", default=0.0, show_default=True, help="Adam's first (the paper: 0)."
    )(command)


def start_option(method: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        "--start",
        type=click.Path(path_type=Path, exists=True),
        help=f"Checkpoint of `train {method}` that a new run starts from.",
    )


def crops(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--crops",
        type=click.Choice(["small", "mixed"]),
        default="mixed",
        show_default=True,
        help="128 pixels only, or 128 to 256.",
    )(command)
