"""The package's log on stderr while a command runs: warnings; all with -v, nothing with -q."""

from __future__ import annotations

import logging

import click

__all__ = ["show_log"]

_LEVELS = (logging.CRITICAL + 1, logging.WARNING, logging.DEBUG)  # by verbosity


class _Stderr(logging.Handler):
    """Lines on stderr; what is worse than information says so."""

    def emit(self, record: logging.LogRecord) -> None:
        word = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        click.echo(word + " ".join(record.getMessage().split()), err=True)


def show_log(context: click.Context, verbosity: int) -> None:
    """Show the log until a command's context is closed.

    Parameters
    ----------
    verbosity : int
        0 quiet, 1 normal, 2 verbose.
    """
    logger = logging.getLogger("colordeploy")
    handler = context.meta.get(__name__)
    if handler is None:
        handler = context.meta[__name__] = _Stderr()
        before = logger.level
        logger.addHandler(handler)
        # A command's own context is not closed when its arguments are wrong; the root's is.
        root = context.find_root()
        root.call_on_close(lambda: logger.removeHandler(handler))
        root.call_on_close(lambda: logger.setLevel(before))
    handler.setLevel(_LEVELS[verbosity])
    logger.setLevel(_LEVELS[verbosity])
