"""``python -m export train encoder``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .options import Common, common

if TYPE_CHECKING:
    from ...models.encoders.efficientnet_lite import Version


@click.command()
@common(steps=3_000, learning_rate=1e-3)
@click.option("--version", type=click.Choice(["lite0", "lite2"]), default="lite0",
              show_default=True, help="The published network that is calmed.")  # fmt: skip
@click.option("--batch", default=8, show_default=True)
def encoder(given: Common, version: Version, batch: int) -> None:
    """The encoder under the photo models: EfficientNet-Lite, made calm."""
    from ...training.encoder import EncoderTraining, train_encoder

    training = EncoderTraining(**given.settings, batch=batch)
    train_encoder(given.data, given.out(), version, training)
