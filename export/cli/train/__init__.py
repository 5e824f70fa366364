"""``python -m export train``."""

from __future__ import annotations

import click

from .decoder import decoder
from .disco import disco, superpixels
from .encoder import encoder
from .lga import lga
from .rasc import rasc
from .sscn import sscn


@click.group()
def train() -> None:
    """Train a network."""


for command in (encoder, decoder, lga, superpixels, disco, rasc, sscn):
    train.add_command(command)
