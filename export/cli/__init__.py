"""Command line of the training side."""

from __future__ import annotations

import click

from .bundle import bundle
from .evaluate import evaluate
from .import_ import import_
from .mix import mix
from .quantize import quantize
from .repack import repack
from .train import train


@click.group()
def main() -> None:
    """Train, evaluate and export colordeploy's models (PyTorch)."""


main.add_command(train)
main.add_command(bundle)
main.add_command(evaluate)
main.add_command(import_)
main.add_command(mix)
main.add_command(quantize)
main.add_command(repack)
