"""``colordeploy bench``: how fast a model is here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from ..errors import BackendError
from ..files import write_whole
from ..runtime.graph import BACKENDS, PRECISIONS, Target, parse_target
from .options import say, verbosity_options

_SCENARIOS = ("single", "offline", "server")


class _BenchGroup(click.Group):
    """``bench MODEL...`` measures; ``bench compare A B`` compares."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.command(cls=_BenchGroup, name="bench")
def bench() -> None:
    """Measure latency and throughput, or compare two measurements.

    `bench [MODEL...]` is short for `bench run [MODEL...]`.
    """


@bench.command()
@click.argument("models", nargs=-1)
@click.option("--scenario", type=click.Choice(_SCENARIOS), default="single", show_default=True,
              help="One query after another; as many as possible; random arrivals.")  # fmt: skip
@click.option("--size", multiple=True, help="Of the pictures: N (square) or HxW; any number.")
@click.option("--working-size", help="Short side at which models work, or 'native'.")
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True,
              help="Pictures in work at once (offline, server).")  # fmt: skip
@click.option("--rate", type=click.FloatRange(min=0, min_open=True),
              help="Arrivals a second (server); by default half of one stream's.")  # fmt: skip
@click.option("--backend", multiple=True, type=click.Choice(BACKENDS), default=("auto",),
              help="Who runs the graphs; several take turns and are compared.")  # fmt: skip
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda[:N].")
@click.option("--precision", multiple=True, type=click.Choice(PRECISIONS), default=("auto",),
              help="Several are compared too, with every backend that has them.")  # fmt: skip
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.")
@click.option("--duration", default=10.0, show_default=True, help="Seconds a run takes at least.")
@click.option("--queries", default=100, show_default=True, help="Queries it has at least.")
@click.option("--cold", default=3, show_default=True, help="Fresh processes for the cold start.")
@click.option("--seed", default=0, show_default=True, help="Of pictures and arrivals.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write this file.")
@verbosity_options
def run(
    models: tuple[str, ...],
    scenario: str,
    size: tuple[str, ...],
    working_size: str | None,
    batch: int,
    rate: float | None,
    backend: tuple[str, ...],
    device: str,
    precision: tuple[str, ...],
    threads: int | None,
    duration: float,
    queries: int,
    cold: int,
    seed: int,
    json_file: Path | None,
) -> None:
    """Measure MODELS (names or bundles; by default all of the package)."""
    from ..bench.measure import Rules
    from ..bench.report import FORMAT, machine, table
    from ..bench.run import Plan, measured_runs
    from ..models import model_names

    sizes = [_size(text) for text in size or ("1024x768",)]
    targets = _targets(backend, precision, device, threads)
    records: list[dict[str, Any]] = []
    for name in models or model_names():
        for shape in sizes:
            plan = Plan(
                name, shape, scenario, _working(working_size), batch, rate, targets,
                Rules(duration, queries), cold, seed,
            )  # fmt: skip
            for record in measured_runs(plan):
                records.append(record)
                click.echo(table(record))
    if json_file:
        content = {"format": FORMAT, "machine": machine(), "runs": records}
        write_whole(json_file, (json.dumps(content, indent=1) + "\n").encode())


def _targets(
    backends: tuple[str, ...], precisions: tuple[str, ...], device: str, threads: int | None
) -> tuple[Target, ...]:
    """All pairs that there are; one alone must be one."""
    pairs = [(b, p) for b in dict.fromkeys(backends) for p in dict.fromkeys(precisions)]
    found = []
    for backend, precision in pairs:
        try:
            found.append(parse_target(backend, device, threads, precision))
        except BackendError as error:
            if len(pairs) == 1:
                raise
            say(f"left out: {error}")
    if not found:
        raise click.UsageError("no backend given has one of the precisions given")
    return tuple(found)


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    try:
        shape = int(height), int(width or height)
    except ValueError:
        shape = (0, 0)
    if min(shape) < 32:
        raise click.UsageError(f"a size is N or HxW, at least 32 pixels, not {text!r}")
    return shape


def _working(text: str | None) -> Any:
    if text is None or text == "native":
        return text
    if not text.isdigit() or int(text) < 1:
        raise click.UsageError(f"--working-size is a number of pixels or 'native', not {text!r}")
    return int(text)


@bench.command(name="compare")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--threshold", default=0.05, show_default=True,
              help="Slower by more than this share, beyond the noise, is a failure.")  # fmt: skip
@verbosity_options
def compare(first: Path, second: Path, threshold: float) -> None:
    """Compare two files of --json; exit status 1 when something got slower."""
    from ..bench.report import compare as compared
    from ..bench.report import read_record

    slower = False
    for change in compared(read_record(first), read_record(second)):
        worse = change.slower(threshold)
        slower = slower or worse
        click.echo(
            f"{change.key}: {change.scope} {change.ratio:.3f} ({change.low:.3f} to "
            f"{change.high:.3f}){'  SLOWER' if worse else ''}"
        )
    if slower:
        sys.exit(1)
