"""Options that several subcommands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..image import WorkingSize

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


def target_options(function: _F) -> _F:
    """Where graphs run."""
    for option in (
        click.option("--threads", type=click.IntRange(min=1), help="CPU threads of the graphs."),
        click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda[:N]."),
        click.option(
            "--backend",
            type=click.Choice(["auto", "onnxruntime", "tensorrt"]),
            default="auto",
            show_default=True,
            help="Who runs the graphs.",
        ),
    ):
        function = option(function)
    return function


def verbosity_options(function: _F) -> _F:
    """-v and -q, as one number `verbosity`: 0 quiet, 1 normal, 2 verbose."""

    def level(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value:
            ctx.ensure_object(dict)["verbosity"] = 2 if param.name == "verbose" else 0

    function = click.option(
        "-q", "--quiet", is_flag=True, expose_value=False, callback=level, help="Say nothing."
    )(function)
    return click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=level, help="Say more."
    )(function)


def verbosity() -> int:
    """Return what -v and -q asked for: 0 quiet, 1 normal, 2 verbose."""
    return int((click.get_current_context().obj or {}).get("verbosity", 1))


def say(message: str, level: int = 1) -> None:
    """Write to stderr, unless asked to be quieter."""
    if verbosity() >= level:
        click.echo(message, err=True)
