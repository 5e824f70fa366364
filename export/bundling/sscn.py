"""SSCN as a bundle: graph ``encode_reference`` runs once a reference, ``colorize`` once a picture.

Which places of the reference are seen is chosen between the two, outside of any graph: the same
everywhere, and as many as wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from ..models.sscn.network import AB_SCALE, MULTIPLE, Sscn
from ..training.sscn import load_average
from .folding import folded
from .onnx_graph import round_weights
from .specification import BATCH, MAP, BundleSpec, GraphSpec

TOLERANCE = 1e-4
AB_TOLERANCE = TOLERANCE * AB_SCALE
_PLACES = {0: "batch", 1: "places"}
_SELECTED = {0: "batch", 1: "selected"}


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


def _graphs(net: Sscn) -> list[GraphSpec]:
    encode = GraphSpec(
        "encode_reference", EncodeReferenceGraph(net), {"lab": MAP},
        {"features": _PLACES, "style": {}, "activation": _PLACES}, TOLERANCE,
    )  # fmt: skip
    colorize = GraphSpec(
        "colorize", ColorizeGraph(net), {"gray": MAP, "style": BATCH, "selected": _SELECTED},
        {"ab": {}, "coarse": {}, "queries": _PLACES, "keys": _SELECTED}, AB_TOLERANCE,
    )  # fmt: skip
    return [encode, colorize]


class ReferenceNetwork(Protocol):
    """What the graphs of both networks are made of."""

    def encode_reference(self, lab: Tensor, /) -> Any: ...


def graph_case(
    net: ReferenceNetwork, lab: Tensor, gray: Tensor, chosen: Tensor | slice
) -> dict[str, dict[str, Tensor]]:
    """Inputs of both graphs for a reference, a picture, and places of the reference."""
    with torch.no_grad():
        found = net.encode_reference(lab)
    return {
        "encode_reference": {"lab": lab},
        "colorize": {"gray": gray, "style": found.style, "selected": found.features[:, chosen]},
    }


Shape = tuple[int, int]
SIZES = {"small": (2, (2, 2), (2, 3), 40), "wide": (1, (2, 4), (3, 2), 17)}


def golden_cases(
    net: ReferenceNetwork, multiple: int, sizes: Mapping[str, tuple[int, Shape, Shape, int]] = SIZES
) -> dict[str, dict[str, dict[str, Tensor]]]:
    """Synthetic pictures coloured by some places of references of other sizes.

    Parameters
    ----------
    multiple : int
        Pixels that sizes are counted in.
    sizes : mapping of case name to (batch, shape, the reference's shape, places)
    """
    rng = np.random.default_rng(50)

    def lab(batch: int, rows: int, columns: int) -> Tensor:
        noise = rng.normal(size=(batch, 3, rows * multiple, columns * multiple))
        smooth = np.tanh(5 * gaussian_filter(noise, (0, 0, 4, 4)))
        return torch.from_numpy(smooth.astype(np.float32))

    cases = {}
    for case, (batch, shape, other, count) in sizes.items():
        reference = lab(batch, *other)
        with torch.no_grad():
            places = net.encode_reference(reference).features.shape[1]
        chosen = torch.from_numpy(rng.permutation(places)[:count])
        cases[case] = graph_case(net, reference, lab(batch, *shape)[:, :1], chosen)
    return cases


def specification(net: Sscn, *, k: int = 256, r: int = 256) -> BundleSpec:
    """Both graphs of a network; its weights are rounded to float16.

    Parameters
    ----------
    k, r : int
        How many patches of the reference the network was trained to look at: the most active ones,
        and random others.
    """
    net = folded(net)
    round_weights(net)
    example = torch.rand(2, 3, 2 * MULTIPLE, 3 * MULTIPLE) * 2 - 1
    return BundleSpec(
        "sscn",
        _graphs(net),
        graph_case(net, example, example[:, :1], slice(50)),
        golden_cases(net, MULTIPLE),
        {
            "multiple": MULTIPLE,
            # The places that are looked at are chosen by its result: in half precision some would
            # be others. It runs once for a reference.
            "keep_fp32": {"encode_reference": ["*"]},
            "k": k,
            "r": r,
            "network": net.config.to_dict(),
        },
        {"height": MULTIPLE, "width": MULTIPLE},
    )


def from_checkpoint(path: Path, state: Mapping[str, Any]) -> BundleSpec:
    """Of a checkpoint of `train sscn`."""
    net, _ = load_average(path)
    training = state["training"]
    return specification(net, k=int(training["k"]), r=int(training["r"]))
