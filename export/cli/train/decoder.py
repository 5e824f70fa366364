"""``python -m export train decoder``."""

from __future__ import annotations

from pathlib import Path

import click

from .options import Common, common


@click.command()
@common(steps=4_000, learning_rate=1e-3)
@click.option("--encoder", type=click.Path(path_type=Path, exists=True), required=True,
              help="Checkpoint of `train encoder`.")  # fmt: skip
@click.option("--consistency", default=0.03, show_default=True,
              help="Weight of the distance between the views' colours.")  # fmt: skip
def decoder(given: Common, encoder: Path, consistency: float) -> None:
    """DISCO on a pretrained encoder: colours without anchors and with them."""
    from ...models.disco.decoder import DecoderConfig
    from ...training.encoder import load_encoder
    from ...training.hinted import DecoderTraining, train_decoder

    config = DecoderConfig(encoder=load_encoder(encoder).version)
    training = DecoderTraining(**given.settings, consistency=consistency)
    train_decoder(given.data, encoder, given.out(), config, training)
