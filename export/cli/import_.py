"""``python -m export import``."""

from __future__ import annotations

from pathlib import Path

import click


@click.group(name="import")
def import_() -> None:
    """Turn checkpoints that others published into bundles."""


@import_.command()
@click.option("--official", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              required=True, help="Checkpoint file of the authors (disco-beta).")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder or .zip.")
@click.option("--name", default="disco-official", show_default=True)
@click.option("--version", default="1.0.0", show_default=True)
@click.option("--licence", default="MIT", show_default=True, help="Of the weights.")
def disco(official: Path, out: Path, name: str, version: str, licence: str) -> None:
    """DISCO: automatic colour with anchors."""
    from ..bundling.disco import import_official
    from ..bundling.writer import Identity

    try:
        checks = import_official(official, out, Identity(name, version, licence))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    for check in checks:
        click.echo(f"{out}: {check.graph} differs from PyTorch by {check.largest_error:.2e}")
