"""DISCO as a bundle: graph ``analyze`` runs once for a picture, ``generate`` for every edit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from colordeploy.accuracy.golden import GraphCheck
from colordeploy.pictures.color import AB_BINS

from ..models.disco.network import Disco, DiscoConfig
from ..training.disco import load_average
from .folding import folded
from .onnx_graph import ExportedGraph, export_graph, round_weights
from .writer import Identity, write_bundle

TOLERANCE = 1e-4  # of associations, features and probabilities
AB_TOLERANCE = 1e-4 * 110  # of chroma in ab units: 1e-4 of the networks' own scale
OUTPUTS = ("association", "tokens", "color_features", "probabilities", "sizes")


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


def export_graphs(net: Disco, *, half: bool) -> dict[str, tuple[ExportedGraph, float]]:
    """Both graphs of a network made `plain`; `half`: its weights are rounded to float16."""
    cell = net.config.cell
    rows, columns = 3, 4
    gray = torch.rand(2, 1, rows * cell, columns * cell)
    with torch.no_grad():
        association, tokens, *_ = AnalyzeGraph(net)(gray)
    full = {0: "batch", 2: "height", 3: "width"}
    multiples = {"height": cell, "width": cell}
    # Maps of superpixels are as many times smaller as a cell is large.
    token_map = {0: "batch", 2: "height", 3: "width"}
    small = {2: "height", 3: "width"}
    analyze = export_graph(
        AnalyzeGraph(net), {"gray": gray}, {"gray": full}, list(OUTPUTS), multiples,
        divisors={name: cell for name in OUTPUTS if name != "association"},
        output_dimensions={name: small for name in OUTPUTS if name != "association"}, half=half,
    )  # fmt: skip
    generate = export_graph(
        GenerateGraph(net),
        {
            "gray": gray,
            "association": association,
            "tokens": tokens,
            "mask": torch.zeros(2, 1, rows, columns),
            "colors": torch.zeros(2, 2, rows, columns),
        },
        {
            "gray": full,
            "association": full,
            "tokens": token_map,
            "mask": token_map,
            "colors": token_map,
        },
        ["ab"],
        multiples,
        divisors=dict.fromkeys(("tokens", "mask", "colors"), cell),
        half=half,
    )
    return {"analyze": (analyze, TOLERANCE), "generate": (generate, AB_TOLERANCE)}


def golden_vectors(net: Disco) -> dict[str, NDArray[Any]]:
    """Made-up pictures of two sizes, one a batch of two, with anchors at random."""
    rng = np.random.default_rng(30)
    cell = net.config.cell
    golden: dict[str, NDArray[Any]] = {}
    for case, (batch, rows, columns) in {"small": (2, 2, 3), "wide": (1, 3, 7)}.items():
        noise = rng.normal(size=(batch, 1, rows * cell, columns * cell))
        gray = np.tanh(4 * gaussian_filter(noise, (0, 0, 3, 3))).astype(np.float32)
        mask = (rng.random((batch, 1, rows, columns)) < 0.4).astype(np.float32)
        picked = AB_BINS[rng.integers(0, len(AB_BINS), (batch, rows, columns))]
        colors = np.moveaxis(picked, -1, 1).astype(np.float32)
        with torch.no_grad():
            outputs = dict(zip(OUTPUTS, AnalyzeGraph(net)(torch.from_numpy(gray)), strict=True))
            ab = GenerateGraph(net)(
                torch.from_numpy(gray), outputs["association"], outputs["tokens"],
                torch.from_numpy(mask), torch.from_numpy(colors),
            )  # fmt: skip
        inputs = {"gray": gray, "mask": mask, "colors": colors}
        inputs |= {name: outputs[name].numpy() for name in ("association", "tokens")}
        golden[f"analyze/{case}/input/gray"] = gray
        golden |= {f"analyze/{case}/output/{n}": t.numpy() for n, t in outputs.items()}
        golden |= {f"generate/{case}/input/{n}": t for n, t in inputs.items()}
        golden[f"generate/{case}/output/ab"] = ab.numpy()
    return golden


def write(
    net: Disco,
    out: Path,
    identity: Identity,
    *,
    trained_on: str,
    quality: Mapping[str, Any],
    working_size: int = 256,
    half: bool,
) -> list[GraphCheck]:
    """Write a network as a bundle.

    Parameters
    ----------
    half : bool
        Round large weights to float16: half the size, and errors of that order.
    """
    net = plain(net)
    if half:
        round_weights(net)
    manifest = {
        **asdict(identity),
        "method": "disco",
        "trained_on": trained_on,
        "quality": dict(quality),
        "parameters": {
            "cell": net.config.cell,
            "working_size": working_size,
            "network": net.config.to_dict(),
        },
    }
    return write_bundle(out, manifest, export_graphs(net, half=half), golden_vectors(net))


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
    net = official_network(path)
    return write(
        net, out, identity, trained_on=f"by the authors of DISCO; imported from {path.name}",
        quality={}, half=False,
    )  # fmt: skip


def bundle(
    checkpoint: Path,
    out: Path,
    working_size: int,
    quality: Path | None,
    identity: Identity | None = None,
) -> list[GraphCheck]:
    """Export the averaged weights of a checkpoint; what it was trained on is said in there.

    Parameters
    ----------
    quality : Path, optional
        JSON of ``python -m export evaluate disco --json``, for the manifest.
    """
    net, state = load_average(checkpoint)
    measured = json.loads(quality.read_text()) if quality else {}
    return write(
        net, out, identity or Identity("disco"), trained_on=state["data"], quality=measured,
        working_size=working_size, half=True,
    )  # fmt: skip
