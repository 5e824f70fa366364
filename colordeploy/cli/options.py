"""Options that several subcommands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from ..batch.inputs import find_sources
from ..errors import InputError
from ..native.checks import thread_count
from ..pictures.geometry import WorkingSize
from ..runtime.graph import BACKENDS, PRECISIONS, Target, parse_target
from .log import show_log

_F = TypeVar("_F", bound=Callable[..., Any])


class SizeType(click.ParamType):  # type: ignore[type-arg]
    """A short side in pixels, or "native"."""

    name = "N|native"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> WorkingSize:
        if value == "native":
            return "native"
        try:
            number = int(value)
        except ValueError:
            number = 0
        if number < 1:
            self.fail(f"{value!r} is neither a number of pixels nor 'native'", param, ctx)
        return number


class PointType(click.ParamType):  # type: ignore[type-arg]
    """A pixel as "Y,X"."""

    name = "Y,X"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        try:
            y, x = (int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not of the form Y,X", param, ctx)
        return y, x


def load_for(command: str, model: str, target: Target, *, workers: int = 1) -> Any:
    """Load a model of one of the methods that a subcommand is for.

    Parameters
    ----------
    workers : int
        Pictures that it colours at once: threads are shared out among them.
    """
    import colordeploy

    from ..methods import all_methods

    methods = [method.name for method in all_methods() if method.command == command]
    threads = target.threads if workers == 1 else thread_count(target.threads) // workers
    loaded = colordeploy.load(
        model,
        backend=target.backend,
        device=target.device,
        threads=threads,
        precision=target.precision,
    )
    if loaded.method not in methods:
        loaded.close()
        shown = click.get_current_context().info_name
        raise InputError(
            f"{model} is a model of method {loaded.method!r}; `colordeploy {shown}` needs one of "
            f"{' or '.join(methods)}"
        )
    return loaded


def expand_pictures(given: Sequence[Path]) -> list[Path]:
    """Files as they are, folders' pictures, and what patterns match; see `find_sources`."""
    return [source.path for source in find_sources(given)]


def target_options(function: _F) -> _F:
    """Where graphs run: --backend, --device, --precision and --threads as one `target`."""

    @functools.wraps(function)
    def collected(
        *, backend: str, device: str, precision: str, threads: int | None, **others: Any
    ) -> Any:
        return function(target=parse_target(backend, device, threads, precision), **others)

    options: Callable[..., Any] = collected
    for option in (
        click.option("--threads", type=click.IntRange(min=1), help="CPU threads of the graphs."),
        click.option(
            "--precision",
            type=click.Choice(PRECISIONS),
            default="auto",
            show_default=True,
            help="What graphs are computed in; bf16 is fast on CPUs that have it.",
        ),
        click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda[:N]."),
        click.option(
            "--backend",
            type=click.Choice(BACKENDS),
            default="auto",
            show_default=True,
            help="Backend that computes the graphs.",
        ),
    ):
        options = option(options)
    return cast(_F, options)


def verbosity_options(function: _F) -> _F:
    """-v and -q, as one number `verbosity`: 0 quiet, 1 normal, 2 verbose."""

    def level(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value:
            ctx.ensure_object(dict)["verbosity"] = 2 if param.name == "verbose" else 0
        show_log(ctx, verbosity_of(ctx))

    function = click.option(
        "-q", "--quiet", is_flag=True, expose_value=False, callback=level, help="Say nothing."
    )(function)
    return click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=level, help="Say more."
    )(function)


def verbosity() -> int:
    """Return what -v and -q asked for: 0 quiet, 1 normal, 2 verbose."""
    return verbosity_of(click.get_current_context())


def verbosity_of(ctx: click.Context) -> int:
    """Return the same of a command's context."""
    return int((ctx.obj or {}).get("verbosity", 1))


def say(message: str, level: int = 1) -> None:
    """Write to stderr, unless asked to be quieter."""
    if verbosity() >= level:
        click.echo(message, err=True)
