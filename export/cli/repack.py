"""``python -m export repack``."""

from __future__ import annotations

from pathlib import Path

import click

from colordeploy.errors import BundleError


@click.command()
@click.argument("bundles", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--shared", is_flag=True, help="Put encoders' weights into a folder `shared` beside a bundle."
)
def repack(bundles: tuple[Path, ...], shared: bool) -> None:
    """Write BUNDLES again, the same values in fewer bytes.

    For bundles of older versions, which stored golden vectors unpacked, and the weights of an
    encoder once for each graph.
    """
    from ..bundling.writer import repacked

    for path in bundles:
        try:
            before, after = repacked(path, path.parent / "shared" if shared else None)
        except (BundleError, ValueError) as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"{path}: {before / 1e6:.2f} MB, now {after / 1e6:.2f} MB")
