"""``python -m export train decoder``."""

from __future__ import annotations

from pathlib import Path

import click

from .options import Common, common, start_option


@click.command()
@common(steps=4_000, learning_rate=1e-3)
@click.option("--encoder", type=click.Path(path_type=Path, exists=True), required=True,
              help="Checkpoint of `train encoder`.")  # fmt: skip
@click.option("--consistency", default=0.03, show_default=True,
              help="Weight of the distance between the views' colours.")  # fmt: skip
@start_option("decoder")
def decoder(given: Common, encoder: Path, consistency: float, start: Path | None) -> None:
    """DISCO on a pretrained encoder: colours without anchors and with them."""
    from ...models.disco.decoder import DecoderConfig
    from ...training import checkpoint
    from ...training.encoder import load_encoder
    from ...training.hinted import DecoderTraining, train_decoder

    config = DecoderConfig(encoder=load_encoder(encoder).version)
    training = DecoderTraining(**given.settings, consistency=consistency)
    begin = checkpoint.load(start)["average"] if start else None
    train_decoder(given.data, encoder, given.out(), config, training, begin=begin)
