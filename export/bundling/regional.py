"""RASC's region transformer as a bundle: ``encode`` and ``describe`` run once a drawing, ``paint``
for every style and every edit of hints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from colordeploy.methods.line_art.tokens import STRIDE, RegionTokens, region_tokens
from colordeploy.native import cover_lines, region_map

from ..models.encoders.efficientnet_lite import STRIDES
from ..models.encoders.trunk import MULTIPLE
from ..models.rasc.regional import (
    TRAINED_SIDE,
    Described,
    LineEncoder,
    RegionalNetwork,
    Regions,
    pool,
)
from ..training.regional import load_regional
from .folding import folded
from .onnx_graph import round_weights
from .specification import BATCH, MAP, BundleSpec, GraphSpec

SHARPNESS = 2.5  # of answers: nearer the most probable colour than what training asks for
TOLERANCE = 2e-4  # of features, after some sixty layers
FEATURES = tuple(f"features{stride}" for stride in STRIDES)
_ROWS = {0: "batch", 1: "regions"}
_PAIRS = {0: "batch", 1: "regions", 2: "regions"}


class DescribeGraph(nn.Module):
    """Features pooled over the regions, and the layers that know no style."""

    def __init__(self, net: RegionalNetwork) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, shares: Tensor, geometry: Tensor, borders: Tensor, **features: Tensor
    ) -> tuple[Tensor, ...]:
        regions = Regions(geometry, borders, torch.ones_like(geometry[:, :, 0]))
        maps = [features[name] for name in FEATURES]
        return self.net.describe(pool(maps, shares), maps[-1].mean(dim=(2, 3)), regions)


class PaintGraph(nn.Module):
    """The layers that know style and hints, and the palette."""

    def __init__(self, net: RegionalNetwork) -> None:
        super().__init__()
        self.net = net

    def forward(
        self,
        tokens: Tensor,
        whole: Tensor,
        predicted: Tensor,
        geometry: Tensor,
        borders: Tensor,
        style: Tensor,
        hints: Tensor,
        known: Tensor,
    ) -> Tensor:
        regions = Regions(geometry, borders, torch.ones_like(known))
        described = Described(tokens, whole, predicted)
        return self.net.colors(self.net.logits(described, regions, style, hints, known))


def _graphs(net: RegionalNetwork) -> list[GraphSpec]:
    encode = GraphSpec(
        "encode", LineEncoder(net), {"line": MAP}, dict.fromkeys(FEATURES, MAP), TOLERANCE
    )
    regions = {"geometry": _ROWS, "borders": _PAIRS}
    describe = GraphSpec(
        "describe",
        DescribeGraph(net),
        {"shares": {**_ROWS, 2: "height", 3: "width"}, **regions, **dict.fromkeys(FEATURES, MAP)},
        {"tokens": _ROWS, "whole": BATCH, "style": BATCH},
        TOLERANCE,
    )
    paint = GraphSpec(
        "paint",
        PaintGraph(net),
        {"tokens": _ROWS, "whole": BATCH, "predicted": BATCH, **regions, "style": BATCH,
         "hints": _ROWS, "known": _ROWS},
        {"colors": _ROWS},
        TOLERANCE,
    )  # fmt: skip
    return [encode, describe, paint]


def _case(
    net: RegionalNetwork, rng: np.random.Generator, batch: int, rows: int, columns: int
) -> dict[str, dict[str, Tensor]]:
    """Inputs of every graph for a synthetic drawing of so many times 32 pixels, `batch` times with
    other features.
    """
    shape = rows * MULTIPLE, columns * MULTIPLE
    smooth = gaussian_filter(rng.normal(size=shape), 5)
    inked = np.abs(smooth) < 0.12 * np.abs(smooth).max()
    labels = region_map(inked)
    luma = np.where(inked, np.float32(0), np.float32(1))
    count = int(labels.max()) + 1
    tokens = region_tokens(labels, cover_lines(labels), luma, count, np.zeros((count, 2), np.intp))
    told = {
        name: torch.from_numpy(getattr(tokens, name))[None].repeat(batch, *[1] * ndim)
        for name, ndim in zip(RegionTokens._fields, (3, 2, 2), strict=True)
    }
    line = torch.from_numpy(2 * luma - 1)[None, None].repeat(batch, 1, 1, 1)
    line[1:] *= 0.7
    with torch.no_grad():
        features = dict(zip(FEATURES, LineEncoder(net)(line), strict=True))
        found = Described(*DescribeGraph(net)(**told, **features))
    draw = torch.Generator().manual_seed(5)
    known = (torch.rand(batch, count - 1, generator=draw) < 0.4).float()
    regions = {"geometry": told["geometry"], "borders": told["borders"]}
    return {
        "encode": {"line": line},
        "describe": {**told, **features},
        "paint": {
            "tokens": found.tokens, "whole": found.whole, "predicted": found.style, **regions,
            "style": torch.randn(found.style.shape, generator=draw),
            "hints": torch.rand(batch, count - 1, 3, generator=draw), "known": known,
        },
    }  # fmt: skip


def specification(net: RegionalNetwork) -> BundleSpec:
    """All graphs of a network; its weights are rounded to float16, its answers are sharper."""
    net = folded(net)
    net.config = replace(net.config, sharpness=SHARPNESS)
    round_weights(net)
    rng = np.random.default_rng(70)
    shapes = {"small": (2, 2, 2), "wide": (1, 2, 4)}
    return BundleSpec(
        "rasc",
        _graphs(net),
        _case(net, rng, 2, 3, 4),
        {case: _case(net, rng, *shape) for case, shape in shapes.items()},
        {"multiple": MULTIPLE, "maximum_side": TRAINED_SIDE, "network": net.config.to_dict()},
        {"height": MULTIPLE, "width": MULTIPLE},
        {**{f"features{stride}": stride for stride in STRIDES}, "shares": STRIDE},
        origin=(
            f"encoder: EfficientNet-{net.config.encoder.capitalize()} (Google, Apache-2.0), "
            "trained on ImageNet, calmed on photos as the package's disco says"
        ),
    )


def from_checkpoint(path: Path, state: Mapping[str, Any]) -> BundleSpec:
    """Of a checkpoint of `train rasc --encoder`."""
    return specification(load_regional(path)[0])
