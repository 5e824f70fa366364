"""SSCN on a pretrained encoder as a bundle: graphs and tensors have the names that those of the
paper's network have; places are cells of 8x8 pixels, and chroma comes at a quarter of the size.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from colordeploy.bundle import Bundle

from ..models.encoders.trunk import MULTIPLE, STRIDE
from ..models.sscn.matched import AB_SCALE, HEADS, PLACE, MatchedConfig, MatchedNetwork
from ..training.matched import load_matched
from .onnx_graph import round_weights
from .specification import BATCH, MAP, BundleSpec, GraphSpec
from .sscn import golden_cases, graph_case
from .weights import weights

TOLERANCE = 2e-4  # of what is matched and told
AB_TOLERANCE = 1e-2  # of chroma in ab units; of scores, which are up to a few hundred
SELECTED = 512  # k and r: all places of a reference of 256 pixels
_GOLDEN = {"small": (2, (1, 2), (2, 1), 15), "wide": (1, (2, 1), (1, 3), 9)}
_PLACES = {0: "batch", 1: "places"}
_SELECTED = {0: "batch", 1: "selected"}
_QUARTER = {2: "height", 3: "width"}


class EncodeReferenceGraph(nn.Module):
    def __init__(self, net: MatchedNetwork) -> None:
        super().__init__()
        self.net = net

    def forward(self, lab: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.net.encode_reference(lab))


class ColorizeGraph(nn.Module):
    """Chroma in ab units."""

    def __init__(self, net: MatchedNetwork) -> None:
        super().__init__()
        self.net = net

    def forward(self, gray: Tensor, style: Tensor, selected: Tensor) -> tuple[Tensor, ...]:
        found = self.net.colorize(gray, style, selected)
        return AB_SCALE * found.fine, AB_SCALE * found.coarse, found.queries, found.keys


def specification(net: MatchedNetwork) -> BundleSpec:
    """Both graphs of a network; its weights are rounded to float16."""
    net = net.eval()
    round_weights(net)
    encode = GraphSpec(
        "encode_reference", EncodeReferenceGraph(net), {"lab": MAP},
        {"features": _PLACES, "style": {}, "activation": _PLACES}, TOLERANCE,
    )  # fmt: skip
    colorize = GraphSpec(
        "colorize", ColorizeGraph(net), {"gray": MAP, "style": BATCH, "selected": _SELECTED},
        {"ab": _QUARTER, "coarse": _QUARTER, "queries": _PLACES, "keys": _SELECTED}, AB_TOLERANCE,
    )  # fmt: skip
    example = torch.rand(2, 3, 2 * MULTIPLE, 3 * MULTIPLE) * 2 - 1
    return BundleSpec(
        "sscn",
        [encode, colorize],
        graph_case(net, example, example[:, :1], slice(20)),
        golden_cases(net, MULTIPLE, _GOLDEN),
        {
            "multiple": MULTIPLE,
            "patch": PLACE,
            # The places that are looked at are chosen by its result: in half precision some would
            # be others. It runs once for a reference.
            # Which places match is decided by small differences: half precision moves the colours
            # by more than is allowed (fp16: 4.3 % of an output's range; bf16: 1.04 ab).
            "keep_fp32": {"encode_reference": ["*"], "colorize": ["*"]},
            "k": SELECTED,
            "r": SELECTED,
            "network": net.config.to_dict(),
        },
        {"height": MULTIPLE, "width": MULTIPLE},
        {"ab": STRIDE, "coarse": STRIDE},
        origin=(
            f"encoder: EfficientNet-{net.config.encoder.capitalize()} (Google, Apache-2.0), "
            "trained on ImageNet, calmed on the same photos"
        ),
    )  # fmt: skip


def network_weights(bundle: Bundle) -> dict[str, Tensor]:
    """All weights of a bundle of this kind, by their names in `MatchedNetwork`.

    What is made of a few numbers before a picture comes (the levels' weights in a score, how sure
    scores are) the exporter has computed: they are taken back from its constants.
    """
    graph = onnx.load_model_from_string(bundle.graph("colorize")).graph
    constants = {i.name: i for i in graph.initializer if "." not in i.name}

    def named(start: str) -> list[Tensor]:
        names = sorted(
            (name for name in constants if name.startswith(start)),
            key=lambda name: int(name.removeprefix(start)),
        )
        arrays = [onnx.numpy_helper.to_array(constants[name]) for name in names]
        return [torch.from_numpy(a.astype(np.float32)) for a in arrays]

    parts = MatchedConfig.from_dict(bundle.manifest.parameters["network"]).parts
    first = torch.tensor((0, *parts[:-1])).cumsum(0)
    weighed = torch.stack(named("cat_"))[:, first]
    found = weights(bundle)
    found["matcher.scales"] = weighed + torch.log(-torch.expm1(-weighed))  # softplus's inverse
    del found["moments"]  # of the bins
    found["sure"] = torch.stack(named("select_")).reshape(len(HEADS), 2)
    return found


def from_checkpoint(path: Path, state: Mapping[str, Any]) -> BundleSpec:
    """Of a checkpoint of `train sscn --encoder`."""
    return specification(load_matched(path)[0])
