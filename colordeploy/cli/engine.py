"""``colordeploy engine``: TensorRT engines of a model's graphs."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import expand_pictures, say, verbosity, verbosity_options

if TYPE_CHECKING:
    from collections.abc import Callable

_CACHE = click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the engines; by default COLORDEPLOY_ENGINES or the user's cache folder.",
)


@click.group()
def engine() -> None:
    """Build, list and remove TensorRT engines."""


@engine.command()
@click.argument("model")
@click.option(
    "--precision",
    type=click.Choice(["fp32", "fp16", "bf16", "int8"]),
    help="Half precisions are checked against float32 before anything is built; int8 is for "
    "bundles made by `python -m export quantize`. By default fp32, or int8 for those.",
)
@click.option("--arch", multiple=True, help="GPU architecture, such as sm_89; any number.")
@click.option("--size", "fixed", multiple=True, help="Serve HxW only; any number of them.")
@click.option("--profile", help="Serve a range: smallest,usual,largest, each HxW.")
@click.option(
    "--flavor",
    type=click.Choice(["tensorrt", "tensorrt_rtx"]),
    help="Which TensorRT; by default the one that is installed.",
)
@click.option("--level", type=click.IntRange(0, 5), help="Builder optimization level.")
@click.option("--workspace", type=click.IntRange(min=1), help="Most scratch memory in MiB.")
@click.option("--version-compatible", is_flag=True, help="Also for later TensorRT versions.")
@click.option("--hardware-compatible", is_flag=True, help="Also for other GPUs (Ampere or later).")
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, exists=True),
    help="Also check a half precision on these: a picture or a folder of them.",
)
@_CACHE
@verbosity_options
def build(
    model: str,
    precision: str | None,
    arch: tuple[str, ...],
    fixed: tuple[str, ...],
    profile: str | None,
    flavor: str | None,
    level: int | None,
    workspace: int | None,
    version_compatible: bool,
    hardware_compatible: bool,
    pictures: Path | None,
    cache: Path | None,
) -> None:
    """Build an engine for every graph of MODEL, a name or a bundle's path."""
    from ..bundle import find_bundle
    from ..engines import (
        Sizes,
        build_engines,
        parse_profile,
        parse_size,
    )
    from ..runtime.precision import HALVES
    from ..runtime.tensorrt.build import BuildOptions
    from ..runtime.tensorrt.cache import EngineCache
    from ..runtime.tensorrt.flavor import find_flavor

    if fixed and profile:
        raise click.UsageError("--size and --profile exclude each other")
    sizes = [Sizes(size, size, size) for size in map(parse_size, fixed)]
    if profile:
        sizes = [parse_profile(profile)]
    bundle, found, engines = find_bundle(model), find_flavor(flavor), EngineCache(cache)
    options = BuildOptions(arch, level, workspace, version_compatible, hardware_compatible)
    precision = precision or bundle.precision
    bundle.require_precision(precision)
    if pictures and precision in HALVES:
        from ..accuracy.pictures import fidelity

        result = fidelity(bundle, precision, expand_pictures([pictures]))
        click.echo(f"{bundle.manifest.name} in {precision}, {result}")
    say(f"{found.name} {found.version}; engines go to {engines.folder}", level=2)
    began = time.perf_counter()
    for built in build_engines(
        bundle, found, engines, precision=precision, sizes=sizes or None, options=options,
        progress=_reporter() if verbosity() else None,
        waiting=lambda graph: say(f"{graph}: another process is building it; waiting"),
    ):  # fmt: skip
        seconds, began = time.perf_counter() - began, time.perf_counter()
        text = f"{built.size / 2**20:.1f} MiB, " + (
            f"built in {seconds:.1f} s" if built.new else "was there already"
        )
        if built.error is not None:
            text += f"; {precision} is off by {100 * built.error:.2g} % of the output's range"
        _clear_line()
        click.echo(f"{bundle.manifest.name}/{built.graph}: {text}")


def _reporter() -> Callable[[str, str, int, int], bool]:
    """A line on a terminal that says what is done and, once that can be told, how long it takes."""
    begins: dict[tuple[str, str], float] = {}
    shown = [0.0]

    def report(graph: str, phase: str, done: int, steps: int) -> bool:
        now = time.perf_counter()
        began = begins.setdefault((graph, phase), now)
        if sys.stderr.isatty() and now - shown[0] > 0.2:
            shown[0] = now
            left = (now - began) / done * (steps - done) if done and now - began > 2 else None
            rest = "" if left is None else f", about {left:.0f} s left in this phase"
            click.echo(f"\r\033[K{graph}: {phase} {done}/{steps}{rest}", err=True, nl=False)
        return True

    return report


def _clear_line() -> None:
    if sys.stderr.isatty():
        click.echo("\r\033[K", err=True, nl=False)


@engine.command(name="list")
@_CACHE
@verbosity_options
def list_(cache: Path | None) -> None:
    """Say which engines are in the cache."""
    from ..runtime.tensorrt.cache import EngineCache

    engines = EngineCache(cache)
    found = engines.engines()
    for item in found:
        parts = item.parts
        if parts:
            archs = ", ".join(parts["options"]["architectures"]) or "this GPU"
            text = (
                f"{parts['model']}/{parts['graph']} {parts['precision']} {archs}, "
                f"{parts['flavor']} {parts['flavor_version']}"
            )
        else:
            text = "damaged"
        click.echo(f"{item.path.name}  {item.size / 2**20:8.1f} MiB  {text}")
    total = sum(item.size for item in found) / 2**20
    click.echo(f"{len(found)} engines, {total:.1f} MiB in {engines.folder}")


@engine.command()
@click.option("--model", help="Only those of this model.")
@_CACHE
@verbosity_options
def clear(model: str | None, cache: Path | None) -> None:
    """Remove engines from the cache."""
    from ..runtime.tensorrt.cache import EngineCache

    engines = EngineCache(cache)
    count, size = engines.clear(model)
    click.echo(f"{count} engines removed, {size / 2**20:.1f} MiB, from {engines.folder}")
