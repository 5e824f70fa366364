"""``python -m export bundle``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from colordeploy.bundle import GraphCheck


@click.group()
def bundle() -> None:
    """Export a checkpoint as a bundle: ONNX graphs, golden vectors, manifest."""


def _common(name: str, licence: str = "Apache-2.0") -> Callable[..., Callable[..., None]]:
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
        click.option("--licence", default=licence, show_default=True, help="Of the weights."),
    )  # fmt: skip

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@bundle.command()
@_common("lga")
def lga(
    checkpoint: Path,
    out: Path,
    working_size: int,
    quality: Path | None,
    name: str,
    version: str,
    licence: str,
) -> None:
    """LGA-Net: colour from strokes."""
    from ..bundling.lga import bundle as write
    from ..bundling.writer import Identity

    identity = Identity(name, version, licence)
    _report(out, write(checkpoint, out, working_size, quality, identity))


@bundle.command()
@_common("disco")
def disco(
    checkpoint: Path,
    out: Path,
    working_size: int,
    quality: Path | None,
    name: str,
    version: str,
    licence: str,
) -> None:
    """DISCO: automatic colour with anchors."""
    from ..bundling.disco import bundle as write
    from ..bundling.writer import Identity

    identity = Identity(name, version, licence)
    _report(out, write(checkpoint, out, working_size, quality, identity))


@bundle.command()
@_common("rasc", licence="CC-BY-SA-4.0")
def rasc(
    checkpoint: Path,
    out: Path,
    working_size: int,
    quality: Path | None,
    name: str,
    version: str,
    licence: str,
) -> None:
    """RASC: colour for line art."""
    from ..bundling.rasc import bundle as write
    from ..bundling.writer import Identity

    identity = Identity(name, version, licence)
    _report(out, write(checkpoint, out, working_size, quality, identity))


@bundle.command()
@_common("sscn")
def sscn(
    checkpoint: Path,
    out: Path,
    working_size: int,
    quality: Path | None,
    name: str,
    version: str,
    licence: str,
) -> None:
    """SSCN: colour from an example."""
    from ..bundling.sscn import bundle as write
    from ..bundling.writer import Identity

    identity = Identity(name, version, licence)
    _report(out, write(checkpoint, out, working_size, quality, identity))


def _report(out: Path, checks: list[GraphCheck]) -> None:
    for check in checks:
        click.echo(f"{out}: {check.graph} differs from PyTorch by {check.largest_error:.2e}")
