"""``colordeploy models``: what models there are, and whether they are sound."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from ..runtime.graph import Target
from .options import expand_pictures, target_options, verbosity, verbosity_options


@click.group()
def models() -> None:
    """List, inspect and verify model bundles."""


@models.command("list")
@verbosity_options
def list_models() -> None:
    """List the models that `--model` and `colordeploy.load` know by name."""
    from ..bundle import Bundle, default_bundles
    from ..methods import all_methods

    for method in all_methods():
        if not method.bundled:
            click.echo(f"{method.name}  (no network)  {method.summary}")
    for name, path in default_bundles().items():
        manifest = Bundle(path).manifest
        click.echo(f"{name}  {manifest.version}  {manifest.method}: {manifest.trained_on}")


@models.command()
@click.argument("bundle")
@click.option("--json", "as_json", is_flag=True, help="The manifest itself.")
@verbosity_options
def info(bundle: str, as_json: bool) -> None:
    """Show the manifest of BUNDLE (a name or a path)."""
    from ..bundle import find_bundle

    opened = find_bundle(bundle)
    manifest = opened.manifest
    if as_json:
        click.echo(manifest.to_json(), nl=False)
        return
    click.echo(f"{manifest.name} {manifest.version} ({manifest.method}), {opened.path}")
    click.echo(f"licence:    {manifest.licence}")
    click.echo(f"trained on: {manifest.trained_on}")
    for name, graph in manifest.graphs.items():
        click.echo(f"graph {name}: {graph.file}, SHA-256 {graph.sha256}")
        for way, tensors in (("in ", graph.inputs), ("out", graph.outputs)):
            for tensor in tensors:
                shape = " x ".join(str(side) for side in tensor.shape)
                click.echo(f"  {way} {tensor.name}: {tensor.dtype} {shape}")
    for title, values in (("parameters", manifest.parameters), ("quality", manifest.quality)):
        click.echo(f"{title}: {json.dumps(values, indent=2)}")


@models.command()
@click.argument("bundle")
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, exists=True),
    help="Also colour these and compare with float32 on the CPU: a picture or a folder of them.",
)
@click.option(
    "--against",
    help="What to compare with, for an INT8 bundle: the bundle in float32 that it was made of, "
    "a name or a path. By default it is looked for in the package and beside BUNDLE.",
)
@target_options
@verbosity_options
def verify(bundle: str, pictures: Path | None, against: str | None, target: Target) -> None:
    """Prove that the graphs of BUNDLE compute on this device what they computed in training."""
    from ..accuracy.golden import verify as check
    from ..bundle import find_bundle

    opened = find_bundle(bundle)
    checks = check(opened, target)
    for result in checks if verbosity() else ():
        word = "ok" if result.passed else "FAILED"
        share = "" if result.precision == "fp32" else f" of the range, in {result.precision}"
        click.echo(
            f"{word}  {result.graph} on {result.device}: largest error "
            f"{result.largest_error:.2e} of {result.tolerance:.2g} allowed{share}, "
            f"{result.cases} cases"
        )
    if not all(result.passed for result in checks):
        click.echo("colordeploy: some graphs do not match their golden vectors", err=True)
        sys.exit(1)
    if pictures is not None:
        from ..accuracy.pictures import fidelity

        found = fidelity(
            opened, target.precision, expand_pictures([pictures]), target,
            source=None if against is None else find_bundle(against),
        )  # fmt: skip
        click.echo(str(found))
