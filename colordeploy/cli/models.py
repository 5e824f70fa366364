"""``colordeploy models``: what models there are, and whether they are sound."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from ..runtime.graph import Target
from .options import expand_pictures, say, target_options, verbosity, verbosity_options


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
        files = " and ".join(file for file in (graph.file, graph.weights) if file)
        click.echo(f"graph {name}: {files}, SHA-256 {graph.sha256}")
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
    type=click.Path(path_type=Path),
    help="Also colour these and compare with float32 on the CPU: a picture, a folder or a pattern.",
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


@models.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--preset", help="ddcolor, deoldify, zhang-eccv16, zhang-siggraph17 or icolorit.")
@click.option(
    "--input",
    "given",
    multiple=True,
    help="What the network is given, one for each input, instead of the preset's.",
)
@click.option("--output", "found", help="What it gives, instead of the preset's.")
@click.option("--layout", type=click.Choice(["NCHW", "NHWC"]), help="Of both; default NCHW.")
@click.option("--multiple", type=click.IntRange(min=1), help="Of which free sides must be.")
@click.option("--working-size", type=click.IntRange(min=1), help="Short side, where it is free.")
@click.option("--name", help="By default the file's.")
@click.option("--licence", required=True, help="Of the weights, as their maker says.")
@click.option("--trained-on", default="not said", show_default=True)
@verbosity_options
def import_model(
    file: Path,
    out: Path,
    preset: str | None,
    given: tuple[str, ...],
    found: str | None,
    layout: str | None,
    multiple: int | None,
    working_size: int | None,
    name: str | None,
    licence: str,
    trained_on: str,
) -> None:
    """Make a bundle of FILE, an ONNX network of one's own that colours pictures.

    Its interface is a preset's or said by --input (l-100, l-unit, l-half, y, rgb, rgb-255,
    rgb-imagenet; for hints ab, ab-110, ab-128, marked, unmarked; several in one input joined by +)
    and --output (ab, ab-110, ab-128, uv, bins-313, rgb, rgb-255, rgb-imagenet), and is tried out on
    pictures of known structure: a description that cannot be right is refused.
    """
    from ..errors import InputError
    from ..importing import Described, import_network

    said: dict[str, Any] = {
        "inputs": (given,) if given else None, "output": found, "layout": layout,
        "multiple": multiple, "working_size": working_size,
    }  # fmt: skip
    others = {key: value for key, value in said.items() if value is not None}
    common: dict[str, Any] = {
        "name": name or file.stem,
        "licence": licence,
        "trained_on": trained_on,
    }
    if preset is not None:
        described = Described.by_preset(preset, **others, **common)
    elif not given or found is None:
        raise InputError("give --preset, or --input and --output: how the network is fed")
    else:
        described = Described(**others, **common)
    for line in import_network(file, out, described):
        say(line)
    say(f"{out}: {described.name}; check it with `colordeploy models verify {out}`")
