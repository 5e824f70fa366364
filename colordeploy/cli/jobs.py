"""Options of the commands that colour many pictures, and how such a job is run."""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from ..batch import Incoming, JobOptions, Plan, Produced, Report, find_sources, make_plan, run_job
from ..cancellation import CancelToken
from ..loading import on_cpu
from ..native.checks import thread_count
from ..pictures.encoding import Options
from ..runtime.graph import Target
from .options import say, verbosity
from .progress import JobProgress

__all__ = ["Job", "PicturesCommand", "job_options", "output_options"]

_F = TypeVar("_F", bound=Callable[..., Any])
INTERRUPTED = 130


@dataclass(frozen=True)
class Job:
    """A planned job of the command line.

    Attributes
    ----------
    plan : Plan
    output : str
        As it was called.
    options : JobOptions
    report : Path or None
        Where its report is written.
    unit : str
        What its pictures are called.
    """

    plan: Plan
    output: str
    options: JobOptions
    report: Path | None
    unit: str

    @property
    def pixels(self) -> dict[str, str]:
        """What ``render`` is asked for: nothing but with 16 bits."""
        return {"output": "rgb16"} if self.options.encoding.depth == 16 else {}

    def workers(self, target: Target) -> int:
        """Pictures to work on at once on a target: several on CPUs, one on a GPU."""
        return self.plan.workers(thread_count(target.threads)) if on_cpu(target.device) else 1

    def run(self, work: Callable[[Incoming, CancelToken], Produced], *, workers: int = 1) -> None:
        """Run it and say what came of it; exits with 1 when pictures failed, 130 on Ctrl-C."""
        cancel, context = CancelToken(), click.get_current_context()

        def within(picture: Incoming, token: CancelToken) -> Produced:
            with context.scope(cleanup=False):  # click keeps it by thread
                return work(picture, token)

        progress = JobProgress(len(self.plan.items), self.unit, quiet=verbosity() == 0)
        with _terminated_like_interrupted(), progress.shown():
            report = run_job(
                self.plan, within, self.options, workers=workers, told=progress, cancel=cancel
            )
        if self.report is not None:
            report.save(self.report)
        if report.interrupted:
            self._say_interrupted(report)
        else:
            say(f"{self.output}: {report.summary()}")
        if report.failed:
            sys.exit(1)

    def _say_interrupted(self, report: Report) -> None:
        left = report.counts["left"]
        hint = "" if self.plan.alone else "; the same command with --skip-existing goes on"
        say(f"interrupted: {report.summary()}, {left} to do{hint}")
        sys.stdout.flush()
        sys.stderr.flush()
        # Threads that decode or compute hear of nothing, and an ordinary exit would wait for them.
        os._exit(INTERRUPTED)


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM ends a job as Ctrl-C does, as far as this is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class PicturesCommand(click.Command):
    """A command that takes pictures: explains what the shell makes of names with a dash."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, with a hint where a picture's name was taken for an option, or the other way."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            names = [name for name in given if name.startswith("-") and Path(name).exists()]
            if not names:
                raise
            raise click.UsageError(
                f"{error.message} If the picture {names[0]} is meant, write ./{names[0]}", ctx
            ) from error
        except click.MissingParameter as error:
            behind = given[given.index("--") + 1 :] if "--" in given else []
            if {"-o", "--output"} & set(behind):
                name = next((n for n in behind if n.startswith("-") and n not in ("-o",)), "-name")
                raise click.UsageError(
                    f"behind -- everything is a picture, -o too; leave -- out and write ./{name}",
                    ctx,
                ) from error
            raise


def output_options(function: _F) -> _F:
    """What and how is written: as one `encoding`, and `overwrite`."""

    @functools.wraps(function)
    def collected(
        *, depth: str, quality: int | None, compression: int | None, **others: Any
    ) -> Any:
        return function(encoding=Options(int(depth), quality, compression), **others)

    options: Callable[..., Any] = collected
    for option in (
        click.option("--overwrite", is_flag=True, help="Replace files that no run has made."),
        click.option(
            "--compression", type=click.IntRange(0, 9), help="Of PNG and TIFF: 0 fast, 9 small."
        ),
        click.option("--quality", type=click.IntRange(1, 100), help="Of JPEG and WebP."),
        click.option(
            "--depth",
            type=click.Choice(["8", "16"]),
            default="8",
            show_default=True,
            help="Bits a sample; 16 for PNG and TIFF.",
        ),
        click.option(
            "--max-megapixels", type=click.FloatRange(min=0.000001), help="Largest input."
        ),
        click.option("--page", type=click.IntRange(min=1), help="The only page of each file."),
        click.option(
            "-o",
            "--output",
            required=True,
            help="File for one picture, folder for several, - for the standard output.",
        ),
    ):
        options = option(options)
    return cast(_F, options)


def job_options(
    unit: str, extras: Callable[..., Sequence[str]] = lambda **_: ()
) -> Callable[[_F], _F]:
    """Options of a job over several pictures, as one planned `job`.

    Parameters
    ----------
    unit : str
        What its pictures are called, and the name of the argument that holds them.
    extras : callable
        From the command's other options to the names of further files of each picture.
    """

    def decorated(function: _F) -> _F:
        @functools.wraps(function)
        def collected(
            *, output: str, recursive: bool, fail_fast: bool, skip_existing: bool, overwrite: bool,
            colour_pages: Any, report: Path | None, format: str, page: int | None,
            max_megapixels: float | None, encoding: Options, **others: Any,
        ) -> Any:  # fmt: skip
            options = JobOptions(
                encoding,
                f".{format}",
                page,
                None if max_megapixels is None else round(max_megapixels * 1e6),
                colour_pages,
                overwrite,
                skip_existing,
                fail_fast,
            )
            pictures = others.pop(unit)
            sources = find_sources(pictures, Path(output), recursive=recursive)
            plan = make_plan(sources, output, options, extras=extras(**others))
            return function(job=Job(plan, output, options, report, unit), **others)

        options: Callable[..., Any] = output_options(collected)
        for option in (
            click.option(
                "--report", type=click.Path(path_type=Path), help="Write each result as JSON."
            ),
            click.option(
                "--colour-pages",
                type=click.Choice(["copy", "skip", "recolour"]),
                help="Pictures in colour already; default: recolour one alone, copy in a folder.",
            ),
            click.option(
                "--format",
                type=click.Choice(["png", "tif", "jpg", "webp"]),
                default="png",
                show_default=True,
                help="Of results in a folder.",
            ),
            click.option(
                "--skip-existing", is_flag=True, help="Leave results newer than their pictures."
            ),
            click.option(
                "--fail-fast/--keep-going",
                default=False,
                help="End at the first failure, or do the rest (default).",
            ),
            click.option("--recursive", is_flag=True, help="Folders in folders, too."),
        ):
            options = option(options)
        return cast(_F, options)

    return decorated
