"""``python -m export train rasc``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...models.rasc.network import REGION_USES, RascConfig, RegionUse
from .options import Common, common, start_option


@click.command()
@common(steps=100_000, learning_rate=2e-3)
@start_option("rasc")
@click.option("--widths", default=",".join(map(str, RascConfig.widths)), show_default=True,
              help="Channels from full size down, each level half the size.")  # fmt: skip
@click.option("--style", default=RascConfig.style, show_default=True, help="Of the style code.")
@click.option("--side", type=int, help="Of all crops, in pixels; by default 128 and 256 mixed.")
@click.option("--batch", default=8, show_default=True, help="With --side.")
@click.option("--regions", type=click.Choice(REGION_USES), default="formulated",
              show_default=True, help="Ablation of Table II.")  # fmt: skip
@click.option("--patches", type=click.Choice(["0", "8", "16", "20", "32"]), default="0",
              show_default=True,
              help="Ablation of Table IV: fixed patches of that side; 0: regions.")  # fmt: skip
@click.option("--perceptual-weight", default=10.0, show_default=True)
@click.option("--r1", default=5.0, show_default=True, help="Gradient penalty; 0: none.")
@click.option("--mode-seeking", default=0.0, show_default=True,
              help="How much styles are asked to differ; 0: not (the paper).")  # fmt: skip
@click.option("--posterior", default=0.02, show_default=True,
              help="Weight of the divergence of true styles from N(0, 1); 0: none.")  # fmt: skip
@click.option("--encoder", metavar="BUNDLE",
              help="Instead, a transformer over the regions on the pretrained encoder of a DISCO "
              "bundle (name or path); of the options above only the common ones, --start and "
              "--style count then.")  # fmt: skip
@click.option("--views", default=10, show_default=True,
              help="With --encoder: views of each drawing.")  # fmt: skip
@click.option("--divergence", default=0.005, show_default=True,
              help="With --encoder: as --posterior.")  # fmt: skip
@click.option("--log-mse-weight", default=0.3, show_default=True,
              help="With --encoder: of the logarithm of each drawing's squared error.")  # fmt: skip
@click.option("--candidates", default=3, show_default=True,
              help="With --encoder: random styles, the nearest of which is trained.")  # fmt: skip
@click.option("--kept", type=click.Path(path_type=Path),
              help="With --encoder: keeps the regions' features for the next run.")  # fmt: skip
@click.option("--vgg", type=click.Path(path_type=Path, exists=True),
              help="VGG-19 weights (torchvision's state dict) for the perceptual loss; without "
              "them a Laplacian pyramid takes its place.")  # fmt: skip
def rasc(
    given: Common,
    start: Path | None,
    widths: str,
    style: int,
    side: int | None,
    batch: int,
    regions: RegionUse,
    patches: str,
    perceptual_weight: float,
    r1: float,
    mode_seeking: float,
    posterior: float,
    encoder: str | None,
    views: int,
    divergence: float,
    log_mse_weight: float,
    candidates: int,
    kept: Path | None,
    vgg: Path | None,
) -> None:
    """RASC: colour for line art."""
    if encoder:
        settings = {**given.settings, "views": views, "divergence": divergence,
                    "log_mse": log_mse_weight, "candidates": candidates}  # fmt: skip
        _regional(given, settings, style, encoder, kept, start)
        return
    from ...data.batches import CropSize
    from ...data.drawings import SIZES
    from ...training import checkpoint
    from ...training.perceptual import RASC_LAYERS, VggLoss
    from ...training.rasc import RascTraining
    from ...training.rasc import train as run

    config = RascConfig(tuple(int(w) for w in widths.split(",")), style, regions=regions)
    training = RascTraining(
        **given.settings,
        perceptual=perceptual_weight,
        r1=r1,
        mode_seeking=mode_seeking,
        posterior=posterior,
        patches=int(patches),
        sizes=SIZES if side is None else (CropSize(side, side, round(side * 1.25), batch, 1.0),),
    )
    perceptual = VggLoss(vgg, RASC_LAYERS, activated=True) if vgg else None
    weights = checkpoint.load(start)["average"] if start else None
    run(given.data, given.out(), config, training, perceptual, weights)


def _regional(
    given: Common,
    settings: dict[str, Any],
    style: int,
    encoder: str,
    kept: Path | None,
    start: Path | None,
) -> None:
    from colordeploy.bundle import find_bundle

    from ...bundling.weights import part, weights
    from ...models.rasc.regional import RegionalConfig
    from ...training import checkpoint
    from ...training.regional import RegionalTraining, train_regional

    train_regional(
        given.data, given.out(), RegionalConfig(style=style), RegionalTraining(**settings),
        part(weights(find_bundle(encoder)), "encoder"), kept,
        checkpoint.load(start)["average"] if start else None,
    )  # fmt: skip
