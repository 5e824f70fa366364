"""``python -m export train decoder``."""

from __future__ import annotations

from pathlib import Path

import click

from .options import Common, common


@click.command()
@common(steps=4_000, learning_rate=1e-3)
@click.option("--encoder", type=click.Path(path_type=Path, exists=True),
              help="Checkpoint of `train encoder`; a bundle to start from has one.")  # fmt: skip
@click.option("--consistency", default=0.03, show_default=True,
              help="Weight of the distance between the views' colours.")  # fmt: skip
@click.option("--log-mse-weight", default=0.0, show_default=True,
              help="Weight of the logarithm of each picture's squared error.")  # fmt: skip
@click.option("--context", nargs=2, type=click.IntRange(min=0), default=None,
              help="Blocks of attention to the whole picture before the anchors and after them; "
              "what a run starts from by default, else 0 0.")  # fmt: skip
@click.option("--start", help="Bundle (name or path) or checkpoint (.pt) a new run starts from.")
def decoder(
    given: Common,
    encoder: Path | None,
    consistency: float,
    log_mse_weight: float,
    context: tuple[int, int] | None,
    start: str | None,
) -> None:
    """DISCO on a pretrained encoder: colours without anchors and with them."""
    from colordeploy.bundle import find_bundle

    from ...bundling.anchored import bundle_weights
    from ...bundling.weights import part
    from ...models.disco.decoder import DecoderConfig
    from ...training import checkpoint
    from ...training.encoder import load_encoder
    from ...training.hinted import DecoderTraining, train_decoder

    training = DecoderTraining(**given.settings, consistency=consistency, log_mse=log_mse_weight)
    shape = {} if context is None else {"context": context}
    if encoder is not None:
        seen = load_encoder(encoder)
        config = DecoderConfig(encoder=seen.version, **shape)
        begin = checkpoint.load(Path(start))["average"] if start else None
        train_decoder(given.data, seen.state_dict(), given.out(), config, training, begin=begin)
        return
    if start is None or start.endswith(".pt"):
        raise click.UsageError("name a checkpoint by --encoder, or a bundle by --start")
    opened = find_bundle(start)
    begin = bundle_weights(opened)
    config = DecoderConfig.from_dict({**opened.parameter("network"), "normalized": False, **shape})
    train_decoder(given.data, part(begin, "encoder"), given.out(), config, training, begin=begin)
