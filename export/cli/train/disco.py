"""``python -m export train superpixels`` and ``train disco``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...models.disco.network import DiscoConfig
from .options import Common, beta1, common, crops, start_option

if TYPE_CHECKING:
    from ...data.batches import CropSize

_PAPER = DiscoConfig()


@click.command()
@common(steps=20_000, learning_rate=2e-4)
@beta1
@crops
@click.option("--width", default=_PAPER.superpixel_width, show_default=True)
def superpixels(
    given: Common,
    beta1: float,
    crops: str,
    width: int,
) -> None:
    """DISCO's first stage: SPixNet, the superpixels."""
    from ...training.disco import SuperpixelTraining, train_superpixels

    training = SuperpixelTraining(
        **given.settings,
        betas=(beta1, SuperpixelTraining.betas[1]),
    )
    train_superpixels(
        given.data, given.out(), DiscoConfig(superpixel_width=width), training, _sizes(crops)
    )


@click.command()
@common(steps=60_000, learning_rate=2e-4)
@beta1
@crops
@click.option("--superpixels", "superpixel_file", type=click.Path(path_type=Path, exists=True),
              help="Checkpoint of `train superpixels`.")  # fmt: skip
@start_option("disco")
@click.option("--width", default=_PAPER.backbone_width, show_default=True,
              help="Channels of the backbone at full size.")  # fmt: skip
@click.option("--refine-width", default=_PAPER.refine_width, show_default=True)
@click.option("--tokens", default=_PAPER.tokens, show_default=True)
@click.option("--layers", default=_PAPER.layers, show_default=True)
@click.option("--heads", default=_PAPER.heads, show_default=True)
@click.option("--hidden", default=_PAPER.hidden, show_default=True)
@click.option("--anchors", default=8, show_default=True, help="Of a picture in training.")
@click.option("--least-anchors", type=int, help="Draw between this and --anchors.")
@click.option("--rebalance", default=0.0, show_default=True,
              help="How much rare colours count more, 0 to 1 (Zhang et al.: 0.5).")  # fmt: skip
@click.option("--soft-sigma", default=0.0, show_default=True,
              help="Spread of a colour over its neighbour bins in ab units (Zhang et al.: 5)."
              )  # fmt: skip
@click.option("--vgg", type=click.Path(path_type=Path, exists=True),
              help="VGG-19 weights (torchvision's state dict) for the perceptual loss; without "
              "them a Laplacian pyramid of the chroma takes its place.")  # fmt: skip
@click.option("--mini-patch", is_flag=True, help="Ablation: grid cells instead of superpixels.")
@click.option("--no-anchors", is_flag=True, help="Ablation: no anchor branch.")
@click.option("--refinement", type=click.Choice(["joint", "none", "post"]), default="joint",
              show_default=True,
              help="Ablation: no RefineNet; or train nothing else, with --start.")  # fmt: skip
def disco(
    given: Common,
    beta1: float,
    crops: str,
    superpixel_file: Path | None,
    start: Path | None,
    width: int,
    refine_width: int,
    tokens: int,
    layers: int,
    heads: int,
    hidden: int,
    anchors: int,
    least_anchors: int | None,
    rebalance: float,
    soft_sigma: float,
    vgg: Path | None,
    mini_patch: bool,
    no_anchors: bool,
    refinement: str,
) -> None:
    """DISCO's second stage: colour modeler and anchor-guided generator."""
    from ...training import checkpoint
    from ...training.disco import ColorTraining, train_colors
    from ...training.perceptual import VggLoss

    first = checkpoint.load(superpixel_file) if superpixel_file else None
    if first is None and start is None:
        raise click.UsageError(
            "--superpixels is missing: train them first with `python -m export train superpixels`"
        )
    if refinement == "post" and start is None:
        raise click.UsageError("--refinement post needs --start, a network without RefineNet")
    config = DiscoConfig(
        superpixel_width=first["config"]["superpixel_width"]
        if first
        else checkpoint.load(start)["config"]["superpixel_width"],  # type: ignore[arg-type]
        backbone_width=width,
        refine_width=refine_width,
        tokens=tokens,
        layers=layers,
        heads=heads,
        hidden=hidden,
        superpixels=not mini_patch,
        anchors=not no_anchors,
        refinement=refinement != "none",
    )
    training = ColorTraining(
        **given.settings,
        betas=(beta1, ColorTraining.betas[1]),
        anchors=anchors,
        least_anchors=anchors if least_anchors is None else least_anchors,
        rebalance=rebalance,
        soft_sigma=soft_sigma,
    )
    train_colors(
        given.data,
        given.out(),
        config,
        training,
        _sizes(crops),
        superpixel_weights=first["average"] if first else None,
        start=checkpoint.load(start)["average"] if start else None,
        refinement_only=refinement == "post",
        perceptual=VggLoss(vgg) if vgg else None,
    )


def _sizes(crops: str) -> tuple[CropSize, ...]:
    from ...data.automatic import MIXED_SIZES, SMALL_SIZES

    return MIXED_SIZES if crops == "mixed" else SMALL_SIZES
