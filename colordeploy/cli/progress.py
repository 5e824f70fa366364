"""How far a job is: a bar where somebody watches a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from ..batch import Outcome

__all__ = ["JobProgress"]

_EVERY = 5.0  # seconds between two lines


class JobProgress:
    """Shows how far a job is, and what fails.

    Parameters
    ----------
    count : int
        Of pictures.
    unit : str
        What they are called.
    quiet : bool
        Only failures are shown.
    """

    def __init__(self, count: int, unit: str, *, quiet: bool) -> None:
        self._count, self._unit, self._quiet = count, unit, quiet
        self._started = self._last = time.monotonic()
        self._worked = 0
        self._bar: Any = None

    @contextmanager
    def shown(self) -> Iterator[JobProgress]:
        """Show the bar in the block, where there is one."""
        if self._quiet or self._count < 2 or not sys.stderr.isatty():
            yield self
            return
        with click.progressbar(length=self._count, label=self._unit, file=sys.stderr) as self._bar:
            yield self

    def __call__(self, outcome: Outcome, finished: int, count: int) -> None:
        """Take note of a picture that is finished."""
        if outcome.status == "failed":
            click.echo(f"colordeploy: {outcome.error}", err=True)
        self._worked += outcome.status != "skipped"
        if self._bar is not None:
            self._bar.update(1)
            return
        now = time.monotonic()
        if self._quiet or count < 2 or finished == count or now - self._last < _EVERY:
            return
        self._last = now
        rate = self._worked / (now - self._started)
        left = _duration((count - finished) / rate) if rate else "unknown"
        click.echo(f"{finished} of {count} {self._unit}, {_rate(rate)}, {left} left", err=True)


def _rate(rate: float) -> str:
    return f"{rate:.1f} a second" if rate >= 0.5 else f"{60 * rate:.1f} a minute"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
