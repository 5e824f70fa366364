"""The command line: one file a subcommand, on the public interface only."""

from __future__ import annotations

import os
import sys
import warnings

import click

from .._version import __version__
from ..errors import ColorDeployError
from .affinities import affinities
from .auto import auto
from .bench import bench
from .doctor import doctor
from .engine import engine
from .exemplar import exemplar
from .jobs import INTERRUPTED
from .models import models
from .scribble import scribble
from .sketch import sketch
from .studio import studio


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="colordeploy", prog_name="colordeploy")
def cli() -> None:
    """Image colorization: photos and line art in, colour out."""


_COMMANDS = (
    scribble, auto, exemplar, sketch, studio, affinities, models, engine, bench, doctor,
)  # fmt: skip
for _command in _COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Entry point.

    Status 0 on success, 2 on wrong usage, 130 on Ctrl-C, 1 with one line on stderr otherwise.
    """
    if not sys.warnoptions:  # libraries' warnings are for developers; python -W shows them
        warnings.simplefilter("ignore")
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("colordeploy: interrupted", err=True)
        sys.exit(INTERRUPTED)
    except ColorDeployError as error:
        _fail(str(error))
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads any more, and nothing is to be said
        os._exit(1)
    except (OSError, MemoryError) as error:
        _fail(f"{type(error).__name__}: {error}")


def _fail(message: str) -> None:
    click.echo(f"colordeploy: {' '.join(message.split())}", err=True)
    sys.exit(1)
