"""``python -m export repack``."""

from __future__ import annotations

from pathlib import Path

import click

from colordeploy.errors import BundleError


@click.command()
@click.argument("bundles", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def repack(bundles: tuple[Path, ...]) -> None:
    """Write the golden vectors of BUNDLES again, the same values in fewer bytes.

    For bundles of older versions, which stored them unpacked. Graphs and values do not change.
    """
    from ..bundling.writer import rewrite_golden

    for path in bundles:
        try:
            values, packed = rewrite_golden(path)
        except (BundleError, ValueError) as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"{path}: {values / 1e6:.2f} MB of golden vectors in {packed / 1e6:.2f} MB")
