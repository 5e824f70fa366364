"""``python -m export bundle``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from colordeploy.accuracy.golden import GraphCheck


@click.group()
def bundle() -> None:
    """Export a checkpoint as a bundle: ONNX graphs, golden vectors, manifest."""


def _common(name: str, licence: str | None = "Apache-2.0") -> Callable[..., Callable[..., None]]:
    """Options of every export."""
    options = (
        click.option("--checkpoint", type=click.Path(path_type=Path, exists=True), required=True),
        click.option("--out", type=click.Path(path_type=Path), required=True,
                     help="Folder or .zip."),
        click.option("--working-size", default=256, show_default=True, help="Default short side."),
        click.option("--quality", type=click.Path(path_type=Path, exists=True),
                     help="JSON of `evaluate --json`."),
        click.option("--name", default=name, show_default=True),
        click.option("--version", default="1.0.0", show_default=True),
        click.option("--licence", default=licence, show_default=licence is not None,
                     help="Of the weights; by default what their data ask for."),
    )  # fmt: skip

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _add(method: str, help_: str, licence: str | None = "Apache-2.0") -> None:
    @bundle.command(method, help=help_)
    @_common(method, licence)
    def command(
        checkpoint: Path,
        out: Path,
        working_size: int,
        quality: Path | None,
        name: str,
        version: str,
        licence: str | None,
    ) -> None:
        from ..bundling.specification import bundle as write
        from ..bundling.writer import Identity
        from ..data.photos import weights_licence
        from ..training import checkpoint as checkpoints

        try:
            licence = licence or weights_licence(checkpoints.load(checkpoint)["data"])
            checks = write(
                method, checkpoint, out, Identity(name, version, licence),
                quality=quality, working_size=working_size,
            )  # fmt: skip
        except ValueError as error:
            raise click.ClickException(str(error)) from None
        _report(out, checks)


_add("lga", "LGA-Net: colour from strokes.")
_add("disco", "DISCO: automatic colour with anchors.")
_add("rasc", "RASC: colour for line art.", licence=None)
_add("sscn", "SSCN: colour from an example.")


def _report(out: Path, checks: list[GraphCheck]) -> None:
    for check in checks:
        click.echo(f"{out}: {check.graph} differs from PyTorch by {check.largest_error:.2e}")
