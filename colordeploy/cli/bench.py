"""``colordeploy bench``: how fast a model is here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from ..bench.compare import ALLOWANCES
from ..errors import BackendError
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


def _judging(command: Callable[..., None]) -> Callable[..., None]:
    """Options of what compares with a baseline."""
    for option in (
        click.option("--threshold", type=click.FloatRange(min=0), default=0.05, show_default=True,
                     help="Slower by more than this share, beyond the noise, is a failure."),
        click.option("--allow", multiple=True, type=click.Choice(ALLOWANCES),
                     help="Another machine, other versions, missing runs: named, no failure."),
    ):  # fmt: skip
        command = option(command)
    return command


@bench.command()
@click.argument("models", nargs=-1)
@click.option("--scenario", type=click.Choice(_SCENARIOS), default="single", show_default=True,
              help="One query after another; as many as possible; random arrivals.")  # fmt: skip
@click.option("--size", multiple=True, help="Of the pictures: N (square) or HxW; any number.")
@click.option("--working-size", help="Short side at which models work, or 'native'.")
@click.option("--batch", type=click.IntRange(min=1),
              help="Pictures in work at once (offline, server); by default one a CPU thread where "
              "there is no --threads (offline), else one.")  # fmt: skip
@click.option("--rate", type=click.FloatRange(min=0, min_open=True),
              help="Arrivals a second (server); by default half of one stream's.")  # fmt: skip
@click.option("--latency-bound", type=click.FloatRange(min=0, min_open=True),
              help="Milliseconds (server): exit status 1 when latency exceeds them, at the highest "
              "percentile that the samples allow.")  # fmt: skip
@click.option("--backend", multiple=True, type=click.Choice(BACKENDS), default=("auto",),
              help="Backend; several take turns and are compared.")  # fmt: skip
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda[:N].")
@click.option("--precision", multiple=True, type=click.Choice(PRECISIONS), default=("auto",),
              help="Several are compared too, with every backend that has them.")  # fmt: skip
@click.option("--threads", type=click.IntRange(min=1),
              help="CPU threads of each picture; by default all are shared out among those "
              "in work.")  # fmt: skip
@click.option("--duration", type=click.FloatRange(0, 86400), default=10.0, show_default=True,
              help="Seconds a run takes at least.")  # fmt: skip
@click.option("--queries", type=click.IntRange(min=1), default=10, show_default=True,
              help="Queries it has at least.")  # fmt: skip
@click.option("--cold", type=click.IntRange(min=0), default=3, show_default=True,
              help="Fresh processes for the cold start.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Of pictures and arrivals.")
@click.option("--json", "json_file", type=click.Path(path_type=Path),
              help="Also write this file, anew after each run.")  # fmt: skip
@click.option("--gate", type=click.Path(path_type=Path),
              help="A file of --json: status 1 when a run is slower than there.")  # fmt: skip
@_judging
@verbosity_options
def run(
    models: tuple[str, ...],
    scenario: str,
    size: tuple[str, ...],
    working_size: str | None,
    batch: int | None,
    rate: float | None,
    latency_bound: float | None,
    backend: tuple[str, ...],
    device: str,
    precision: tuple[str, ...],
    threads: int | None,
    duration: float,
    queries: int,
    cold: int,
    seed: int,
    json_file: Path | None,
    gate: Path | None,
    threshold: float,
    allow: tuple[str, ...],
) -> None:
    """Measure MODELS (names or bundles; by default all of the package).

    Bundles of one method, backends and precisions take turns and are compared with the first.
    """
    from ..bench.measure import Rules
    from ..bench.report import Record, read_record, table
    from ..bench.run import Plan, at_once, groups, measured_runs
    from ..models import model_names

    _check_scenario(scenario, batch, rate, latency_bound)
    sizes = list(dict.fromkeys(_size(text) for text in size or ("1024x768",)))
    batch, threads = at_once(scenario, batch, threads, device)
    targets = _targets(backend, precision, device, threads)
    baseline = None if gate is None else read_record(gate)
    record = Record(json_file)
    for names in groups(models or model_names()):
        for shape in sizes:
            plan = Plan(
                names, shape, scenario, _working(working_size), batch, rate, latency_bound,
                targets, Rules(duration, queries), cold, seed,
            )  # fmt: skip
            for found in measured_runs(plan):
                record.add(found)
                click.echo(table(found))
    record.complete()
    bounds = [found["bound"] for found in record.content["runs"] if found.get("bound")]
    passed = all(bound["within"] for bound in bounds)
    if baseline is not None:
        passed &= _judged(baseline, record.content, threshold, allow)
    if not passed:
        sys.exit(1)


def _judged(
    first: Mapping[str, Any], second: Mapping[str, Any], threshold: float, allowed: tuple[str, ...]
) -> bool:
    """Print a comparison; whether it passes."""
    from ..bench.compare import compare as compared

    comparison = compared(first, second)
    for line in comparison.lines(threshold):
        click.echo(line)
    failures = comparison.failures(threshold, allowed)
    for line in failures:
        click.echo(f"FAILED: {line}")
    if not failures:
        click.echo("passed")
    return not failures


def _targets(
    backends: tuple[str, ...], precisions: tuple[str, ...], device: str, threads: int | None
) -> tuple[Target, ...]:
    """All pairs that there are; one alone must be one."""
    pairs = [(b, p) for b in dict.fromkeys(backends) for p in dict.fromkeys(precisions)]
    found = []
    for backend, precision in pairs:
        try:
            found.append(_target(backend, device, threads, precision))
        except BackendError as error:
            if len(pairs) == 1:
                raise
            say(f"left out: {error}")
    if not found:
        raise click.UsageError("no backend given has one of the precisions given")
    return tuple(found)


def _target(backend: str, device: str, threads: int | None, precision: str) -> Target:
    target = parse_target(backend, device, threads, precision)
    if target.runtime == "openvino" and precision == "bf16":
        from ..runtime.open_vino import require_bfloat16

        require_bfloat16()
    return target


def _check_scenario(
    scenario: str, batch: int | None, rate: float | None, latency_bound: float | None
) -> None:
    """Refuse what a scenario would pass over: who asks for a verdict relies on getting one."""
    for option, value, scenarios in (
        ("--rate", rate, ("server",)),
        ("--latency-bound", latency_bound, ("server",)),
        ("--batch", None if batch == 1 else batch, ("offline", "server")),
    ):
        if value is not None and scenario not in scenarios:
            wanted = " or ".join(f"--scenario {name}" for name in scenarios)
            raise click.UsageError(f"{option} belongs to {wanted}; {scenario!r} has none")


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
@_judging
@verbosity_options
def compare(first: Path, second: Path, threshold: float, allow: tuple[str, ...]) -> None:
    """Compare two files of --json, the first being the baseline.

    Exit status 1 when something got slower, when runs are missing from the second, and when the
    machine or the versions differ.
    """
    from ..bench.report import read_record

    if not _judged(read_record(first), read_record(second), threshold, allow):
        sys.exit(1)
