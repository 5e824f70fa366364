"""``colordeploy engine``: TensorRT engines of a model's graphs."""

from __future__ import annotations

import functools
import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import BackendError, InputError
from ..files import write_whole
from .options import expand_pictures, say, verbosity, verbosity_options

if TYPE_CHECKING:
    from ..bundle import Bundle
    from ..runtime.tensorrt.cache import CachedEngines, EngineCache

_CACHE = click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the engines; by default COLORDEPLOY_ENGINES or the user's cache folder.",
)
_PRECISIONS = click.Choice(["fp32", "fp16", "bf16", "int8"])
_SIZE = re.compile(r"([1-9]\d*)x([1-9]\d*)")
_SHOWN = (  # of a file's description, in JSON
    "model",
    "model_version",
    "precision",
    "gpu",
    "flavor",
    "flavor_version",
    "platform",
    "sizes",
    "options",
)
_SHOW_EVERY = 5.0  # seconds between lines where nobody watches a terminal


class PictureSize(click.ParamType):  # type: ignore[type-arg]
    """Height and width as "480x640"."""

    name = "HxW"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        match = _SIZE.fullmatch(str(value).strip())
        if not match:
            self.fail(f"a size is HEIGHTxWIDTH, such as 256x384, not {value!r}", param, ctx)
        return int(match[1]), int(match[2])


class SizeRange(click.ParamType):  # type: ignore[type-arg]
    """Three sizes as "64x64,256x384,1024x1024"."""

    name = "MIN,OPT,MAX"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[tuple[int, int]]:
        if isinstance(value, list):
            return value
        parts = str(value).split(",")
        if len(parts) != 3:
            self.fail(
                "a range is the minimum, the optimum and the maximum size, such as "
                f"64x64,256x384,1024x1024, not {value!r}",
                param,
                ctx,
            )
        return [PictureSize().convert(part, param, ctx) for part in parts]


@click.group()
def engine() -> None:
    """Build, list, export and remove TensorRT engines."""


@engine.command()
@click.argument("model")
@click.option(
    "--precision",
    type=_PRECISIONS,
    help="Half precisions are checked against float32 before anything is built; int8 is for "
    "bundles made by `python -m export quantize`. By default fp32, or int8 for those.",
)
@click.option("--arch", multiple=True, help="GPU architecture, such as sm_89; any number.")
@click.option(
    "--gpu",
    type=click.IntRange(min=0),
    default=0,
    help="Number of the GPU to build for and on, when no --arch is named.",
)
@click.option(
    "--size", "fixed", multiple=True, type=PictureSize(), help="Serve HxW only; any number."
)
@click.option(
    "--profile",
    "ranges",
    multiple=True,
    type=SizeRange(),
    help="Serve a range; any number of them.",
)
@click.option(
    "--flavor",
    type=click.Choice(["tensorrt", "tensorrt_rtx"]),
    help="Which TensorRT; by default the one that is installed.",
)
@click.option("--level", type=click.IntRange(0, 5), help="Builder optimization level.")
@click.option("--workspace", type=click.IntRange(min=1), help="Most scratch memory in MiB.")
@click.option(
    "--version-compatible", is_flag=True, help="Also for later versions (full TensorRT only)."
)
@click.option(
    "--hardware-compatible",
    is_flag=True,
    help="Also for other GPUs, Ampere or later (full TensorRT only).",
)
@click.option(
    "--stripped", is_flag=True, help="Without weights; they come from the bundle when it is loaded."
)
@click.option("--rebuild", is_flag=True, help="Build although the engines are in the cache.")
@click.option(
    "--pictures",
    type=click.Path(path_type=Path),
    help="Also check a half precision on these: a picture, a folder or a pattern.",
)
@_CACHE
@verbosity_options
def build(
    model: str,
    precision: str | None,
    arch: tuple[str, ...],
    gpu: int,
    fixed: tuple[tuple[int, int], ...],
    ranges: tuple[list[tuple[int, int]], ...],
    flavor: str | None,
    level: int | None,
    workspace: int | None,
    version_compatible: bool,
    hardware_compatible: bool,
    stripped: bool,
    rebuild: bool,
    pictures: Path | None,
    cache: Path | None,
) -> None:
    """Build engines for all graphs of MODEL, a name or a bundle's path.

    They enter the cache together; after an error or Ctrl-C nothing is left.
    """
    from ..bundle import find_bundle
    from ..engines import Sizes, build_engines
    from ..runtime.gpu import open_device
    from ..runtime.tensorrt.build import BuildOptions
    from ..runtime.tensorrt.cache import EngineCache
    from ..runtime.tensorrt.flavor import find_flavor

    if fixed and ranges:
        raise click.UsageError("--size and --profile exclude each other")
    sizes = [Sizes(s, s, s) for s in fixed] or [Sizes(*given) for given in ranges]
    bundle, found, engines = find_bundle(model), find_flavor(flavor), EngineCache(cache)
    options = BuildOptions(
        arch, level, workspace, version_compatible, hardware_compatible, stripped
    ).checked(found)
    precision = precision or bundle.precision
    bundle.require_precision(precision)
    if pictures:
        _check_pictures(bundle, precision, pictures)
    say(f"{found.name} {found.version}; engines go to {engines.folder}", level=2)
    shown = _Progress(list(bundle.manifest.graphs))
    with _ends_at_once():
        file, new = build_engines(
            bundle, found, engines, precision=precision, sizes=sizes, options=options,
            device=open_device(gpu) if gpu else None, progress=shown, waiting=shown.waiting,
            anew=rebuild,
        )  # fmt: skip
    shown.clear()
    for plan in file.plans:
        text = f"{plan.size / 2**20:.1f} MiB, " + (
            f"built in {plan.seconds:.1f} s" if new else "was there already"
        )
        if plan.error is not None:
            text += f"; {precision} is off by {100 * plan.error:.2g} % of the output's range"
        click.echo(f"{bundle.manifest.name}/{plan.graph}: {text}")


def _check_pictures(bundle: Bundle, precision: str, pictures: Path) -> None:
    from ..accuracy.pictures import fidelity
    from ..runtime.precision import HALVES

    if precision in HALVES:
        result = fidelity(bundle, precision, expand_pictures([pictures]))
        click.echo(f"{bundle.manifest.name} in {precision}, {result}")


@contextmanager
def _ends_at_once() -> Iterator[None]:
    """Ctrl-C ends the process, although TensorRT still works in a thread of its own."""
    try:
        yield
    except KeyboardInterrupt:
        if not any(t.name == "colordeploy-build" for t in threading.enumerate()):
            raise
        click.echo("\ncolordeploy: interrupted; nothing was kept", err=True)
        # That thread would be waited for, or call into an interpreter that is gone.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(130)


class _Progress:
    """What is being built: on one line of a terminal, or now and then on a line of its own."""

    def __init__(self, graphs: list[str]) -> None:
        self._graphs, self._shown = graphs, 0.0
        self._on_terminal = sys.stderr.isatty()

    def __call__(self, graph: str, phase: str, done: int, steps: int) -> None:
        number = self._graphs.index(graph) + 1
        self._show(f"{graph} ({number} of {len(self._graphs)}): {phase} {done}/{steps}")

    def waiting(self, seconds: float) -> None:
        self._show(f"another process builds these engines; waiting for {seconds:.0f} s")

    def clear(self) -> None:
        if self._on_terminal and self._shown:
            click.echo("\r\033[K", err=True, nl=False)

    def _show(self, text: str) -> None:
        now = time.monotonic()
        if not verbosity() or now - self._shown < (0.2 if self._on_terminal else _SHOW_EVERY):
            return
        self._shown = now
        if self._on_terminal:
            click.echo(f"\r\033[K{text}", err=True, nl=False)
        else:
            click.echo(text, err=True)


def _architecture(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """In the spelling of the cache, so that what is named differently is not passed over."""
    from ..runtime.tensorrt.flavor import architecture_name

    if value is None:
        return None
    found = architecture_name(value)
    if found is None:
        raise click.BadParameter(f"a GPU architecture is called sm_89 or the like, not {value!r}")
    return found


def _choosing(function: Any) -> Any:
    """The options that choose engines of the cache, as one argument `chosen`."""

    @functools.wraps(function)
    def collected(**options: Any) -> None:
        names = ("file", "model", "version", "precision", "arch")
        wanted = {name: options.pop(name) for name in names}

        def chosen(file: CachedEngines) -> bool:
            parts = file.parts
            if wanted["file"] not in (None, file.path.name):
                return False
            if not parts:
                return not any(value for name, value in wanted.items() if name != "file")
            return (
                wanted["model"] in (None, parts["model"])
                and wanted["version"] in (None, str(parts["model_version"]))
                and wanted["precision"] in (None, parts["precision"])
                and (wanted["arch"] is None or wanted["arch"] in parts["gpu"]["architectures"])
            )

        function(chosen=chosen, **options)

    for option in (
        click.option(
            "--arch",
            callback=_architecture,
            help="Only those for this GPU architecture, such as sm_89.",
        ),
        click.option("--precision", type=_PRECISIONS, help="Only those in this precision."),
        click.option("--version", help="Only those of this version of the model."),
        click.option("--model", help="Only those of this model."),
        click.option("--file", help="Only this file, as `engine list` calls it."),
    ):
        option(collected)
    return collected


@engine.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@_CACHE
@verbosity_options
@_choosing
def list_(chosen: Any, as_json: bool, cache: Path | None) -> None:
    """Say which engines are in the cache."""
    from ..runtime.tensorrt.cache import EngineCache

    engines = EngineCache(cache)
    found = [file for file in engines.entries() if chosen(file)]
    if as_json:
        click.echo(
            json.dumps(
                {"folder": str(engines.folder), "engines": [_described(f) for f in found]}, indent=2
            )
        )
        return
    for file in found:
        click.echo(f"{file.path.name}  {file.size / 2**20:8.1f} MiB  {_line(file)}")
    total = sum(file.size for file in found) / 2**20
    click.echo(f"{len(found)} engine files, {total:.1f} MiB in {engines.folder}")


def _line(file: CachedEngines) -> str:
    from ..engines import extent

    parts = file.parts
    if not parts:
        return file.fault
    gpu = parts["gpu"]["name"] or ", ".join(parts["gpu"]["architectures"])
    text = (
        f"{parts['model']} {parts['model_version']} {parts['precision']} for {gpu}, "
        f"{parts['flavor']} {parts['flavor_version']}, {extent(parts)}"
    )
    errors = [plan.error for plan in file.plans if plan.error is not None]
    return text + (f", off by {100 * max(errors):.2g} %" if errors else "")


def _described(file: CachedEngines) -> dict[str, Any]:
    parts = file.parts
    shown = {
        "file": file.path.name,
        "bytes": file.size,
        "built": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(file.built)),
        "damaged": not parts,
        "fault": file.fault or None,
    }
    shown |= {name: parts[name] for name in _SHOWN if name in parts}
    shown["graphs"] = [
        {"name": p.graph, "bytes": p.size, "sha256": p.sha256, "error": p.error,
         "build_seconds": p.seconds}
        for p in file.plans
    ]  # fmt: skip
    return shown


@engine.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@_CACHE
@verbosity_options
@_choosing
def clear(chosen: Any, dry_run: bool, cache: Path | None) -> None:
    """Remove engines from the cache, but for what is being built right now."""
    from ..runtime.tensorrt.cache import EngineCache

    engines = EngineCache(cache)
    removed = engines.clear(lambda file: not chosen(file), dry_run=dry_run)
    for file in removed:
        say(f"{file.path.name}  {_line(file)}", level=1 if dry_run else 2)
    size = sum(file.size for file in removed) / 2**20
    done = "would be removed" if dry_run else "removed"
    click.echo(f"{len(removed)} engine files {done}, {size:.1f} MiB, from {engines.folder}")


@engine.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for one plan for each graph.",
)
@_CACHE
@verbosity_options
@_choosing
def export(chosen: Any, output: Path, cache: Path | None) -> None:
    """Write engines as plans that TensorRT's own tools load (trtexec --loadEngine=...)."""
    from ..runtime.tensorrt.cache import EngineCache

    file = _only(EngineCache(cache), chosen)
    if file.parts["options"]["stripped"]:
        say("these plans are without weights: refit them before use")
    output.mkdir(parents=True, exist_ok=True)
    for plan in file.plans:
        target = output / f"{file.parts['model']}-{plan.graph}-{file.parts['precision']}.plan"
        write_whole(target, file.read(plan.graph))
        click.echo(f"{target}  {plan.size / 2**20:.1f} MiB")


def _only(engines: EngineCache, chosen: Any) -> CachedEngines:
    found = [file for file in engines.entries() if file.parts and chosen(file)]
    if not found:
        raise BackendError(
            f"there are no such engines in {engines.folder}; see `colordeploy engine list`, and "
            "build them with `colordeploy engine build`"
        )
    if len(found) > 1:
        raise InputError(
            f"{len(found)} engine files in {engines.folder} are meant; name one by --file, or "
            "--model, --version, --precision and --arch: "
            + "; ".join(f"{file.path.name} ({_line(file)})" for file in found)
        )
    return found[0]
