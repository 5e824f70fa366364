"""``python -m export bundle``."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def bundle() -> None:
    """Export a checkpoint as a bundle: ONNX graphs, golden vectors, manifest."""


@bundle.command()
@click.option("--checkpoint", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder or .zip.")
@click.option("--working-size", default=256, show_default=True, help="Default short side.")
@click.option(
    "--quality", type=click.Path(path_type=Path, exists=True), help="JSON of `evaluate --json`."
)
def lga(checkpoint: Path, out: Path, working_size: int, quality: Path | None) -> None:
    """LGA-Net: colour from strokes."""
    from colordeploy.bundle import Bundle, verify
    from colordeploy.runtime.graph import Target

    from ..bundling.lga import bundle as write

    write(checkpoint, out, working_size, quality)
    for check in verify(Bundle(out), Target(device="cpu")):
        click.echo(f"{out}: {check.graph} differs from PyTorch by {check.largest_error:.2e}")
        if not check.passed:
            raise click.ClickException(f"more than the {check.tolerance:.0e} allowed")
