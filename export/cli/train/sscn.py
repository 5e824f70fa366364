"""``python -m export train sscn``."""

from __future__ import annotations

from pathlib import Path

import click

from ...models.sscn.network import SscnConfig
from .options import Common, common


@click.command()
@common(steps=40_000, learning_rate=1e-4)
@click.option("--start", help="Checkpoint of `train sscn` (.pt) that a new run starts from; with "
              "--encoder also a bundle (name or path).")  # fmt: skip
@click.option("--width", default=SscnConfig.width, show_default=True,
              help="Channels of the encoder's first block.")  # fmt: skip
@click.option("--coarse-width", default=SscnConfig.coarse_width, show_default=True,
              help="Channels of the coarse stage's first layers (VGG-19: 64).")  # fmt: skip
@click.option("--decoder-width", default=SscnConfig.decoder_width, show_default=True,
              help="Channels of the decoder's last block.")  # fmt: skip
@click.option("--attention", default=SscnConfig.attention, show_default=True,
              help="Channels of queries, keys and values.")  # fmt: skip
@click.option("--encoder", metavar="BUNDLE",
              help="Match by the pretrained encoder of a DISCO bundle (name or path), and begin "
              "with its decoder's weights; the options for widths, -k and -r do not count then."
              )  # fmt: skip
@click.option("--kindred", is_flag=True,
              help="With --encoder: photos in pairs of one category, which are found in each other "
              "and keep their colours in another frame.")  # fmt: skip
@click.option("--dense", is_flag=True, help="Ablation: attention to all places.")
@click.option("-k", default=256, show_default=True, help="Most active places of a reference.")
@click.option("-r", default=256, show_default=True, help="Random other places.")
def sscn(
    given: Common,
    start: str | None,
    width: int,
    coarse_width: int,
    decoder_width: int,
    attention: int,
    encoder: str | None,
    kindred: bool,
    dense: bool,
    k: int,
    r: int,
) -> None:
    """SSCN: colour from an example."""
    from ...training import checkpoint
    from ...training.sscn import SscnTraining
    from ...training.sscn import train as run

    if encoder:
        _matched(given, encoder, start, kindred)
        return
    config = SscnConfig(
        width=width, coarse_width=coarse_width, decoder_width=decoder_width, attention=attention
    )
    training = SscnTraining(
        **given.settings,
        k=k,
        r=r,
        dense=dense,
    )
    run(
        given.data,
        given.out(),
        config,
        training,
        checkpoint.load(Path(start))["average"] if start else None,
    )


def _matched(given: Common, encoder: str, start: str | None, kindred: bool) -> None:
    from colordeploy.bundle import find_bundle

    from ...bundling.matched import network_weights
    from ...bundling.weights import weights
    from ...models.sscn.matched import MatchedConfig, from_disco
    from ...training import checkpoint
    from ...training.matched import MatchedTraining, train_matched

    if start is None:
        begin = from_disco(weights(find_bundle(encoder)), MatchedConfig())
    elif start.endswith(".pt"):
        begin = checkpoint.load(Path(start))["average"]
    else:
        begin = network_weights(find_bundle(start))
    training = MatchedTraining(**given.settings, kindred=kindred)
    train_matched(given.data, given.out(), MatchedConfig(), training, begin)
