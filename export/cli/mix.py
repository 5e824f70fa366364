"""``python -m export mix``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("first", type=click.Path(path_type=Path, exists=True))
@click.argument("second", type=click.Path(path_type=Path, exists=True))
@click.option("--share", type=click.FloatRange(0, 1), default=0.5, show_default=True,
              help="Of the second's weights.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Checkpoint to write.")
def mix(first: Path, second: Path, share: float, out: Path) -> None:
    """Write a checkpoint whose averaged weights lie between those of FIRST and SECOND.

    SECOND went on from FIRST, or both from the same weights.
    """
    from ..training import checkpoint

    try:
        state = checkpoint.mixed(first, second, share)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    checkpoint.save(out, state)
