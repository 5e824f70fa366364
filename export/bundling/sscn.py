"""SSCN as a bundle: graph ``encode_reference`` runs once a reference, ``colorize`` once a picture.

Which places of the reference are seen is chosen between the two, outside of any graph: the same
everywhere, and as many as wanted.
"""

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

from ..models.sscn.network import AB_SCALE, MULTIPLE, Sscn
from ..training.sscn import load_average
from .folding import folded
from .onnx_graph import ExportedGraph, export_graph, round_weights
from .writer import Identity, write_bundle

TOLERANCE = 1e-4
AB_TOLERANCE = TOLERANCE * AB_SCALE
OUTPUTS = {
    "encode_reference": ["features", "style", "activation"],
    "colorize": ["ab", "coarse", "queries", "keys"],
}


class EncodeReferenceGraph(nn.Module):
    def __init__(self, net: Sscn) -> None:
        super().__init__()
        self.net = net

    def forward(self, lab: Tensor) -> tuple[Tensor, ...]:
        found = self.net.encode_reference(lab)
        return found.features, found.style, found.activation


class ColorizeGraph(nn.Module):
    """Chroma in ab units."""

    def __init__(self, net: Sscn) -> None:
        super().__init__()
        self.net = net

    def forward(self, gray: Tensor, style: Tensor, selected: Tensor) -> tuple[Tensor, ...]:
        found = self.net.colorize(gray, style, selected)
        return AB_SCALE * found.fine, AB_SCALE * found.coarse, found.queries, found.keys


def export_graphs(net: Sscn) -> dict[str, tuple[ExportedGraph, float]]:
    """Both graphs of a network in evaluation mode whose weights are rounded to float16."""
    lab = torch.rand(2, 3, 2 * MULTIPLE, 3 * MULTIPLE) * 2 - 1
    with torch.no_grad():
        reference = net.encode_reference(lab)
    whole = {0: "batch", 2: "height", 3: "width"}
    multiples = {"height": MULTIPLE, "width": MULTIPLE}
    encode = export_graph(
        EncodeReferenceGraph(net), {"lab": lab}, {"lab": whole}, OUTPUTS["encode_reference"],
        multiples,
        output_dimensions={
            "features": {0: "batch", 1: "places"},
            "activation": {0: "batch", 1: "places"},
        },
    )  # fmt: skip
    colorize = export_graph(
        ColorizeGraph(net),
        {"gray": lab[:, :1], "style": reference.style, "selected": reference.features[:, :50]},
        {"gray": whole, "style": {0: "batch"}, "selected": {0: "batch", 1: "selected"}},
        OUTPUTS["colorize"],
        multiples,
        output_dimensions={
            "queries": {0: "batch", 1: "places"},
            "keys": {0: "batch", 1: "selected"},
        },
    )
    return {"encode_reference": (encode, TOLERANCE), "colorize": (colorize, AB_TOLERANCE)}


def golden_vectors(net: Sscn) -> dict[str, NDArray[Any]]:
    """Made-up pictures of two sizes, one a batch of two, coloured by references of other sizes."""
    rng = np.random.default_rng(50)
    golden: dict[str, NDArray[Any]] = {}

    def lab(batch: int, rows: int, columns: int) -> Tensor:
        noise = rng.normal(size=(batch, 3, rows * MULTIPLE, columns * MULTIPLE))
        smooth = np.tanh(5 * gaussian_filter(noise, (0, 0, 4, 4)))
        return torch.from_numpy(smooth.astype(np.float32))

    for case, (batch, shape, other, count) in {
        "small": (2, (2, 2), (2, 3), 40),
        "wide": (1, (2, 4), (3, 2), 17),
    }.items():
        reference = lab(batch, *other)
        with torch.no_grad():
            found = EncodeReferenceGraph(net)(reference)
            chosen = torch.from_numpy(rng.permutation(found[0].shape[1])[:count])
            inputs = {
                "gray": lab(batch, *shape)[:, :1],
                "style": found[1],
                "selected": found[0][:, chosen],
            }
            colored = ColorizeGraph(net)(**inputs)
        golden[f"encode_reference/{case}/input/lab"] = reference.numpy()
        golden |= {f"colorize/{case}/input/{n}": t.numpy() for n, t in inputs.items()}
        for graph, outputs in (("encode_reference", found), ("colorize", colored)):
            for name, tensor in zip(OUTPUTS[graph], outputs, strict=True):
                golden[f"{graph}/{case}/output/{name}"] = tensor.numpy()
    return golden


def write(
    net: Sscn,
    out: Path,
    identity: Identity,
    *,
    trained_on: str,
    quality: Mapping[str, Any],
    working_size: int = 256,
) -> list[GraphCheck]:
    """Write a network as a bundle; its weights are rounded to float16."""
    net = folded(net)
    round_weights(net)
    manifest = {
        **asdict(identity),
        "method": "sscn",
        "trained_on": trained_on,
        "quality": dict(quality),
        "parameters": {
            "multiple": MULTIPLE,
            # The places that are looked at are chosen by its result: in half precision some would
            # be others. It runs once for a reference.
            "keep_fp32": {"encode_reference": ["*"]},
            "k": 256,
            "r": 256,
            "working_size": working_size,
            "network": net.config.to_dict(),
        },
    }
    return write_bundle(out, manifest, export_graphs(net), golden_vectors(net))


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
        JSON of ``python -m export evaluate sscn --json``, for the manifest.
    """
    net, state = load_average(checkpoint)
    measured = json.loads(quality.read_text()) if quality else {}
    return write(
        net, out, identity or Identity("sscn"), trained_on=state["data"], quality=measured,
        working_size=working_size,
    )  # fmt: skip
