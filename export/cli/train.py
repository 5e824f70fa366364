"""``python -m export train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..models.disco.network import DiscoConfig
from ..models.lga import LGAConfig
from ..models.nonlocal_block import KINDS
from ..models.rasc.network import REGION_USES, RascConfig, RegionUse
from ..models.sscn.network import SscnConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from ..data.batches import CropSize

_PAPER = DiscoConfig()


@click.group()
def train() -> None:
    """Train a network."""


def _common(steps: int, learning_rate: float) -> Callable[..., Callable[..., None]]:
    """Options of every training."""
    options = (
        click.option("--data", type=click.Path(path_type=Path, exists=True), required=True,
                     help="Folder of the archive (index.csv and tar files)."),
        click.option("--out", type=click.Path(path_type=Path), required=True,
                     help="Checkpoint to write, or to go on from."),
        click.option("--steps", default=steps, show_default=True),
        click.option("--learning-rate", default=learning_rate, show_default=True),
        click.option("--bfloat16", is_flag=True, help="Convolutions in bfloat16."),
        click.option("--threads", default=1, show_default=True),
        click.option("--seed", default=0, show_default=True),
    )  # fmt: skip

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _beta1(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--beta1", default=0.0, show_default=True, help="Adam's first (the paper: 0)."
    )(command)


def _start(method: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        "--start",
        type=click.Path(path_type=Path, exists=True),
        help=f"Checkpoint of `train {method}` that a new run starts from.",
    )


def _crops(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--crops",
        type=click.Choice(["small", "mixed"]),
        default="mixed",
        show_default=True,
        help="128 pixels only, or 128 to 256.",
    )(command)


@train.command()
@_common(steps=20_000, learning_rate=1e-4)
@click.option("--start", help="Bundle (name or path) or checkpoint (.pt) a new run starts from.")
@click.option("--tv-weight", default=25.0, show_default=True,
              help="Weight of the total variation (the paper: 25).")  # fmt: skip
@click.option("--log-mse-weight", default=0.0, show_default=True,
              help="Weight of each picture's log squared error (the paper: 0).")  # fmt: skip
@click.option("--widths", type=int, nargs=3, default=LGAConfig.widths, show_default=True,
              help="Channels of BFEnet at full, half and quarter size.")  # fmt: skip
@click.option("--nonlocal-kind", type=click.Choice(KINDS), default="dot", show_default=True)
@click.option("--no-nonlocal", is_flag=True, help="Ablation R_NLB: no non-local block.")
@click.option("--no-global", is_flag=True, help="Ablation R_GP: no global points.")
@click.option("--no-local", is_flag=True, help="Ablation R_AP: no 8-neighbour affinities.")
@click.option("--global-step", default=12, show_default=True)
def lga(
    data: Path,
    out: Path,
    steps: int,
    learning_rate: float,
    bfloat16: bool,
    threads: int,
    seed: int,
    start: str | None,
    tv_weight: float,
    log_mse_weight: float,
    widths: tuple[int, int, int],
    nonlocal_kind: str,
    no_nonlocal: bool,
    no_global: bool,
    no_local: bool,
    global_step: int,
) -> None:
    """LGA-Net: colour from strokes."""
    from ..training.lga import LGATraining
    from ..training.lga import train as run
    from ..training.losses import LossWeights

    config = LGAConfig(
        widths=widths,
        nonlocal_kind=None if no_nonlocal else nonlocal_kind,  # type: ignore[arg-type]
        global_step=0 if no_global else global_step,
        local_edges=not no_local,
    )
    training = LGATraining(
        steps=steps,
        learning_rate=learning_rate,
        weights=LossWeights(total_variation=tv_weight, log_mse=log_mse_weight),
        bfloat16=bfloat16,
        threads=threads,
        seed=seed,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    run(data, out, config, training, _weights(start) if start else None)


@train.command()
@_common(steps=20_000, learning_rate=2e-4)
@_beta1
@_crops
@click.option("--width", default=_PAPER.superpixel_width, show_default=True)
def superpixels(
    data: Path,
    out: Path,
    steps: int,
    learning_rate: float,
    bfloat16: bool,
    threads: int,
    seed: int,
    beta1: float,
    crops: str,
    width: int,
) -> None:
    """DISCO's first stage: SPixNet, the superpixels."""
    from ..training.disco import SuperpixelTraining, train_superpixels

    training = SuperpixelTraining(
        steps=steps,
        learning_rate=learning_rate,
        betas=(beta1, SuperpixelTraining.betas[1]),
        bfloat16=bfloat16,
        threads=threads,
        seed=seed,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    train_superpixels(data, out, DiscoConfig(superpixel_width=width), training, _sizes(crops))


@train.command()
@_common(steps=60_000, learning_rate=2e-4)
@_beta1
@_crops
@click.option("--superpixels", "superpixel_file", type=click.Path(path_type=Path, exists=True),
              help="Checkpoint of `train superpixels`.")  # fmt: skip
@_start("disco")
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
    data: Path,
    out: Path,
    steps: int,
    learning_rate: float,
    bfloat16: bool,
    threads: int,
    seed: int,
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
    from ..training import checkpoint
    from ..training.disco import ColorTraining, train_colors
    from ..training.perceptual import VggLoss

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
        steps=steps,
        learning_rate=learning_rate,
        betas=(beta1, ColorTraining.betas[1]),
        bfloat16=bfloat16,
        threads=threads,
        seed=seed,
        anchors=anchors,
        least_anchors=anchors if least_anchors is None else least_anchors,
        rebalance=rebalance,
        soft_sigma=soft_sigma,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    train_colors(
        data,
        out,
        config,
        training,
        _sizes(crops),
        superpixel_weights=first["average"] if first else None,
        start=checkpoint.load(start)["average"] if start else None,
        refinement_only=refinement == "post",
        perceptual=VggLoss(vgg) if vgg else None,
    )


@train.command()
@_common(steps=100_000, learning_rate=2e-3)
@_start("rasc")
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
@click.option("--vgg", type=click.Path(path_type=Path, exists=True),
              help="VGG-19 weights (torchvision's state dict) for the perceptual loss; without "
              "them a Laplacian pyramid takes its place.")  # fmt: skip
def rasc(
    data: Path,
    out: Path,
    steps: int,
    learning_rate: float,
    bfloat16: bool,
    threads: int,
    seed: int,
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
    vgg: Path | None,
) -> None:
    """RASC: colour for line art."""
    from ..data.batches import CropSize
    from ..data.drawings import SIZES
    from ..training import checkpoint
    from ..training.perceptual import RASC_LAYERS, VggLoss
    from ..training.rasc import RascTraining
    from ..training.rasc import train as run

    config = RascConfig(tuple(int(w) for w in widths.split(",")), style, regions=regions)
    training = RascTraining(
        steps=steps,
        learning_rate=learning_rate,
        bfloat16=bfloat16,
        threads=threads,
        seed=seed,
        perceptual=perceptual_weight,
        r1=r1,
        mode_seeking=mode_seeking,
        posterior=posterior,
        patches=int(patches),
        sizes=SIZES if side is None else (CropSize(side, side, round(side * 1.25), batch, 1.0),),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    perceptual = VggLoss(vgg, RASC_LAYERS, activated=True) if vgg else None
    weights = checkpoint.load(start)["average"] if start else None
    run(data, out, config, training, perceptual, weights)


@train.command()
@_common(steps=40_000, learning_rate=1e-4)
@_start("sscn")
@click.option("--width", default=SscnConfig.width, show_default=True,
              help="Channels of the encoder's first block.")  # fmt: skip
@click.option("--coarse-width", default=SscnConfig.coarse_width, show_default=True,
              help="Channels of the coarse stage's first layers (VGG-19: 64).")  # fmt: skip
@click.option("--decoder-width", default=SscnConfig.decoder_width, show_default=True,
              help="Channels of the decoder's last block.")  # fmt: skip
@click.option("--attention", default=SscnConfig.attention, show_default=True,
              help="Channels of queries, keys and values.")  # fmt: skip
@click.option("--dense", is_flag=True, help="Ablation: attention to all places.")
@click.option("-k", default=256, show_default=True, help="Most active places of a reference.")
@click.option("-r", default=256, show_default=True, help="Random other places.")
def sscn(
    data: Path,
    out: Path,
    steps: int,
    learning_rate: float,
    bfloat16: bool,
    threads: int,
    seed: int,
    start: Path | None,
    width: int,
    coarse_width: int,
    decoder_width: int,
    attention: int,
    dense: bool,
    k: int,
    r: int,
) -> None:
    """SSCN: colour from an example."""
    from ..training import checkpoint
    from ..training.sscn import SscnTraining
    from ..training.sscn import train as run

    config = SscnConfig(
        width=width, coarse_width=coarse_width, decoder_width=decoder_width, attention=attention
    )
    training = SscnTraining(
        steps=steps,
        learning_rate=learning_rate,
        bfloat16=bfloat16,
        threads=threads,
        seed=seed,
        k=k,
        r=r,
        dense=dense,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    run(data, out, config, training, checkpoint.load(start)["average"] if start else None)


def _sizes(crops: str) -> tuple[CropSize, ...]:
    from ..data.automatic import MIXED_SIZES, SMALL_SIZES

    return MIXED_SIZES if crops == "mixed" else SMALL_SIZES


def _weights(start: str) -> dict[str, Tensor]:
    from colordeploy.bundle import find_bundle

    from ..bundling.lga import bundle_weights
    from ..training.checkpoint import load

    if start.endswith(".pt"):
        weights: dict[str, Tensor] = load(Path(start))["average"]
        return weights
    return bundle_weights(find_bundle(start))
