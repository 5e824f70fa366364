"""Options that trainings share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable


def common(steps: int, learning_rate: float) -> Callable[..., Callable[..., None]]:
    """Options of every training."""
    options = (
        click.option("--data", type=click.Path(path_type=Path, exists=True), required=True,
                     help="Folder of the archive (index.csv and tar files)."),
        click.option("--out", type=click.Path(path_type=Path), required=True,
                     help="Checkpoint to write, or to go on from."),
        click.option("--steps", default=steps, show_default=True),
        click.option("--learning-rate", default=learning_rate, show_default=True),
        click.option("--bfloat16", is_flag=True, help="Convolutions in bfloat16."),
        click.option("--threads", default=1, show_default=True),
        click.option("--seed", default=0, show_default=True),
    )  # fmt: skip

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

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
