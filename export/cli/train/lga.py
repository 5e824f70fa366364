"""``python -m export train lga``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...models.lga import LGAConfig
from ...models.nonlocal_block import KINDS
from .options import Common, common

if TYPE_CHECKING:
    from torch import Tensor


@click.command()
@common(steps=20_000, learning_rate=1e-4)
@click.option("--start", help="Bundle (name or path) or checkpoint (.pt) a new run starts from.")
@click.option("--tv-weight", default=25.0, show_default=True,
              help="Weight of the total variation (the paper: 25).")  # fmt: skip
@click.option("--log-mse-weight", default=0.0, show_default=True,
              help="Weight of each picture's log squared error (the paper: 0).")  # fmt: skip
@click.option("--widths", type=int, nargs=3, default=LGAConfig.widths, show_default=True,
              help="Channels at full, half and quarter size.")  # fmt: skip
@click.option("--nonlocal-kind", type=click.Choice(KINDS), default="dot", show_default=True)
@click.option("--no-nonlocal", is_flag=True, help="Ablation R_NLB: no non-local block.")
@click.option("--no-global", is_flag=True, help="Ablation R_GP: no global points.")
@click.option("--no-local", is_flag=True, help="Ablation R_AP: no 8-neighbour affinities.")
@click.option("--encoder", metavar="BUNDLE",
              help="Stand on the pretrained encoder of a DISCO bundle (name or path), and begin "
              "with its decoder's weights; instead of BFEnet.")  # fmt: skip
@click.option("--teacher", metavar="BUNDLE",
              help="Learn the features of a trained network (a bundle's name or path), without "
              "strokes and solves; a start for a network of another shape.")  # fmt: skip
@click.option("--joined", default=LGAConfig.joined, show_default=True,
              help="Channels of the seventh convolution.")  # fmt: skip
@click.option("--global-step", default=12, show_default=True)
def lga(
    given: Common,
    start: str | None,
    tv_weight: float,
    log_mse_weight: float,
    widths: tuple[int, int, int],
    nonlocal_kind: str,
    no_nonlocal: bool,
    no_global: bool,
    no_local: bool,
    encoder: str | None,
    teacher: str | None,
    joined: int,
    global_step: int,
) -> None:
    """LGA-Net: colour from strokes."""
    from colordeploy.bundle import find_bundle

    from ...bundling.lga import bundled_network
    from ...bundling.weights import weights
    from ...data.coloring import ENCODED_SIZES, MIXED_SIZES
    from ...training.lga import LGATraining, on_encoder
    from ...training.lga import train as run
    from ...training.losses import LossWeights

    begun = weights(find_bundle(encoder)) if encoder else None
    config = LGAConfig(
        widths=widths,
        joined=joined,
        encoder="lite0" if encoder else None,
        nonlocal_kind=None if no_nonlocal else nonlocal_kind,  # type: ignore[arg-type]
        global_step=0 if no_global else global_step,
        local_edges=not no_local,
    )
    training = LGATraining(
        **given.settings,
        warmup=50 if encoder else LGATraining.warmup,
        weights=LossWeights(total_variation=tv_weight, log_mse=log_mse_weight),
    )
    first: dict[str, Tensor] = on_encoder(begun, config) if begun else {}
    if start:
        first |= _weights(start)
    run(
        given.data, given.out(), config, training, first or None,
        ENCODED_SIZES if encoder else MIXED_SIZES,
        bundled_network(find_bundle(teacher)) if teacher else None,
    )  # fmt: skip


def _weights(start: str) -> dict[str, Tensor]:
    from colordeploy.bundle import find_bundle

    from ...bundling.lga import bundle_weights
    from ...training.checkpoint import load

    if start.endswith(".pt"):
        weights: dict[str, Tensor] = load(Path(start))["average"]
        return weights
    return bundle_weights(find_bundle(start))
