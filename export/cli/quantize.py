"""``python -m export quantize``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("bundle")
@click.option("--data", type=click.Path(path_type=Path), required=True,
              help="Pictures to calibrate and to check on: a folder of them, a pattern, or the "
              "folder of an archive with index.csv. For rasc drawings.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder or .zip.")
@click.option("--pictures", type=click.IntRange(min=1), default=32, show_default=True,
              help="To calibrate on: of the training split, or two of three.")  # fmt: skip
@click.option("--check", type=click.IntRange(min=1), default=16, show_default=True,
              help="To compare with float32: of the validation split, or the rest.")  # fmt: skip
@click.option("--keep", multiple=True,
              help="Pattern (*) of weights or nodes to leave in float32; any number.")  # fmt: skip
@click.option("--name", help="Of the new bundle; by default the old one's with -int8.")
def quantize(
    bundle: str,
    data: Path,
    out: Path,
    pictures: int,
    check: int,
    keep: tuple[str, ...],
    name: str | None,
) -> None:
    """Make an INT8 bundle of BUNDLE (a name or a path)."""
    from colordeploy.bundle import find_bundle
    from colordeploy.errors import ColorDeployError
    from colordeploy.methods import find_method

    from ..bundling.int8 import quantize_bundle
    from ..bundling.writer import Identity
    from ..data.calibration import whole_pictures

    try:
        opened = find_bundle(bundle)
        manifest = opened.manifest
        method = find_method(manifest.method)
        if method is None:
            raise click.ClickException(f"{bundle}: method {manifest.method!r} is not known here")
        identity = Identity(name, manifest.version, manifest.licence) if name else None
        found = quantize_bundle(
            opened,
            out,
            whole_pictures(method.subject, data, "train", pictures),
            whole_pictures(method.subject, data, "val", check),
            identity=identity,
            keep=keep,
            say=click.echo,
        )
    except (ValueError, ColorDeployError) as error:
        raise click.ClickException(str(error)) from None
    for result in found.checks:
        click.echo(f"{out}: {result.graph} differs from PyTorch by {result.largest_error:.2e}")
    click.echo(f"{found.work:.0%} of the layers' work in INT8; {found.fidelity}")
