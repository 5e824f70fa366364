"""DISCO as a bundle: graph ``analyze`` runs once for a picture, ``generate`` for every edit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from colordeploy.accuracy.golden import GraphCheck
from colordeploy.pictures.color import AB_BINS

from ..models.disco.network import Disco, DiscoConfig
from ..training.disco import load_average
from .folding import folded
from .onnx_graph import round_weights
from .specification import MAP, BundleSpec, GraphSpec, write
from .writer import Identity

TOLERANCE = 1e-4  # of associations, features and probabilities
AB_TOLERANCE = 1e-4 * 110  # of chroma in ab units: 1e-4 of the networks' own scale
OUTPUTS = ("association", "tokens", "color_features", "probabilities", "sizes")
_SMALL = {2: "height", 3: "width"}


class AnalyzeGraph(nn.Module):
    def __init__(self, net: Disco) -> None:
        super().__init__()
        self.net = net

    def forward(self, gray: Tensor) -> tuple[Tensor, ...]:
        found = self.net.analyze(gray)
        probabilities = torch.softmax(found.logits, dim=1)
        return (
            found.association, found.tokens, found.color_features, probabilities, found.sizes
        )  # fmt: skip


class GenerateGraph(nn.Module):
    def __init__(self, net: Disco) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, gray: Tensor, association: Tensor, tokens: Tensor, mask: Tensor, colors: Tensor
    ) -> Tensor:
        return self.net.generate(gray, association, tokens, mask, colors)


def plain(net: Disco) -> Disco:
    """A copy for inference, see `folded`, with RefineNet's first convolution split."""
    result = folded(net)
    result.enhanceNet.inConv.split()
    return result


def _graphs(net: Disco) -> list[GraphSpec]:
    analyze = GraphSpec(
        "analyze", AnalyzeGraph(net), {"gray": MAP},
        {name: {} if name == "association" else _SMALL for name in OUTPUTS}, TOLERANCE,
    )  # fmt: skip
    inputs = dict.fromkeys(("gray", "association", "tokens", "mask", "colors"), MAP)
    return [analyze, GraphSpec("generate", GenerateGraph(net), inputs, {"ab": {}}, AB_TOLERANCE)]


def _case(net: Disco, gray: Tensor, mask: Tensor, colors: Tensor) -> dict[str, dict[str, Tensor]]:
    with torch.no_grad():
        association, tokens, *_ = AnalyzeGraph(net)(gray)
    handed = {"association": association, "tokens": tokens, "mask": mask, "colors": colors}
    return {"analyze": {"gray": gray}, "generate": {"gray": gray, **handed}}


def golden_anchors(
    rng: np.random.Generator, batch: int, rows: int, columns: int, cell: int
) -> tuple[Tensor, Tensor, Tensor]:
    """A synthetic picture (batch, 1, rows cell, columns cell) in [-1, 1], with random anchors."""
    noise = rng.normal(size=(batch, 1, rows * cell, columns * cell))
    gray = np.tanh(4 * gaussian_filter(noise, (0, 0, 3, 3))).astype(np.float32)
    mask = (rng.random((batch, 1, rows, columns)) < 0.4).astype(np.float32)
    picked = AB_BINS[rng.integers(0, len(AB_BINS), (batch, rows, columns))]
    colors = np.moveaxis(picked, -1, 1).astype(np.float32)
    return torch.from_numpy(gray), torch.from_numpy(mask), torch.from_numpy(colors)


def specification(net: Disco, *, half: bool = True) -> BundleSpec:
    """Both graphs of a network.

    Parameters
    ----------
    half : bool
        Round large weights to float16: half the size, and errors of that order.
    """
    net = plain(net)
    if half:
        round_weights(net)
    cell = net.config.cell
    rng = np.random.default_rng(30)
    shapes = {"small": (2, 2, 3), "wide": (1, 3, 7)}
    example = torch.rand(2, 1, 3 * cell, 4 * cell)
    empty = torch.zeros(2, 3, 3, 4)
    return BundleSpec(
        "disco",
        _graphs(net),
        _case(net, example, empty[:, :1], empty[:, 1:]),
        {case: _case(net, *golden_anchors(rng, *shape, cell)) for case, shape in shapes.items()},
        {"cell": cell, "multiple": cell, "network": net.config.to_dict()},
        {"height": cell, "width": cell},
        # Maps of superpixels are as many times smaller as a cell is large.
        dict.fromkeys((*(set(OUTPUTS) - {"association"}), "mask", "colors"), cell),
        half,
    )


def from_checkpoint(path: Path, state: Mapping[str, Any]) -> BundleSpec:
    """Of a checkpoint of `train disco`."""
    return specification(load_average(path)[0])


def official_network(path: Path) -> Disco:
    """Read a checkpoint file of the authors (`disco-beta` and its like).

    Raises
    ------
    ValueError
        When the file is no such checkpoint; entries that are missing, extra or of another shape
        are named.
    """
    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever unpickling a foreign file raises
        raise ValueError(f"{path} cannot be read as a PyTorch checkpoint: {error}") from error
    state = data.get("state_dict") if isinstance(data, dict) else None
    if not isinstance(state, dict):
        raise ValueError(f"{path} holds no 'state_dict', so it is no checkpoint of DISCO")
    net = Disco(DiscoConfig())
    own = net.state_dict()
    missing = sorted(own.keys() - state.keys())
    extra = sorted(state.keys() - own.keys())
    shapes = [
        f"{name} {tuple(state[name].shape)} instead of {tuple(own[name].shape)}"
        for name in own.keys() & state.keys()
        if state[name].shape != own[name].shape
    ]
    problems = [
        f"{kind} {len(names)}: {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}"
        for kind, names in (("missing", missing), ("extra", extra), ("other shapes", shapes))
        if names
    ]
    if problems:
        raise ValueError(f"{path} does not hold the 461 entries of DISCO; " + "; ".join(problems))
    net.load_state_dict(state)
    return net.eval()


def import_official(path: Path, out: Path, identity: Identity) -> list[GraphCheck]:
    """Turn a checkpoint of the authors into a bundle, weights kept as they are."""
    spec = specification(official_network(path), half=False)
    source = f"by the authors of DISCO; imported from {path.name}"
    return write(spec, out, identity, trained_on=source)
