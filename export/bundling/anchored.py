"""DISCO on a pretrained encoder as a bundle: ``analyze`` runs once for a picture, ``generate`` for
every edit.

The graphs' names and those of their anchors are the official network's; what is handed from the
first to the second differs, and the answer comes at stride 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from colordeploy.bundle import Bundle

from ..models.disco.decoder import AnchoredNetwork, DecoderConfig
from ..models.encoders.trunk import CELL, MULTIPLE, STRIDE, Scene
from ..training.hinted import load_anchored
from .disco import golden_anchors
from .folding import folded
from .onnx_graph import round_weights
from .specification import MAP, BundleSpec, GraphSpec
from .weights import weights

TOLERANCE = 2e-4  # of features of about unit deviation, after some sixty layers
AB_TOLERANCE = 2e-3  # of chroma in ab units
_SMALL = {2: "height", 3: "width"}
HANDED = ("tokens", "middle", "fine")


class AnalyzeGraph(nn.Module):
    """Gray is (L - 50) / 50, as DISCO's."""

    def __init__(self, net: AnchoredNetwork) -> None:
        super().__init__()
        self.net = net

    def forward(self, gray: Tensor) -> tuple[Tensor, ...]:
        scene = self.net.scene((gray + 1) / 2)
        probabilities = torch.softmax(self.net.decoder.guess_logits(scene.tokens), dim=1)
        return (*scene, probabilities)


class GenerateGraph(nn.Module):
    def __init__(self, net: AnchoredNetwork) -> None:
        super().__init__()
        self.decoder = net.decoder

    def forward(
        self, tokens: Tensor, middle: Tensor, fine: Tensor, mask: Tensor, colors: Tensor
    ) -> Tensor:
        found = self.decoder.details(Scene(tokens, middle, fine), mask, colors)
        return self.decoder.restrained(self.decoder.logits(*found))


def _case(
    net: AnchoredNetwork, gray: Tensor, mask: Tensor, colors: Tensor
) -> dict[str, dict[str, Tensor]]:
    with torch.no_grad():
        scene = net.scene((gray + 1) / 2)
    return {
        "analyze": {"gray": gray},
        "generate": {**scene._asdict(), "mask": mask, "colors": colors},
    }


def specification(net: AnchoredNetwork) -> BundleSpec:
    """Both graphs of a network; its weights are rounded to float16."""
    net = folded(net)
    round_weights(net)
    analyze = GraphSpec(
        "analyze", AnalyzeGraph(net), {"gray": MAP},
        dict.fromkeys((*HANDED, "probabilities"), _SMALL), TOLERANCE,
    )  # fmt: skip
    generate = GraphSpec(
        "generate", GenerateGraph(net), dict.fromkeys((*HANDED, "mask", "colors"), MAP),
        {"ab": _SMALL}, AB_TOLERANCE,
    )  # fmt: skip
    unit = MULTIPLE // CELL
    rng = np.random.default_rng(60)
    shapes = {"small": (2, 2 * unit, 3 * unit), "wide": (1, unit, 4 * unit)}
    return BundleSpec(
        "disco",
        [analyze, generate],
        _case(net, *golden_anchors(rng, 2, 2 * unit, 3 * unit, CELL)),
        {case: _case(net, *golden_anchors(rng, *shape, CELL)) for case, shape in shapes.items()},
        {
            "cell": CELL,
            "cpu_backend": "openvino",  # bench/backends.py
            "multiple": MULTIPLE,
            "network": net.config.to_dict(),
            "restraint": asdict(net.decoder.restraint),
        },
        {"height": MULTIPLE, "width": MULTIPLE},
        {
            "tokens": CELL, "middle": 8, "fine": STRIDE, "probabilities": CELL, "mask": CELL,
            "colors": CELL, "ab": STRIDE,
        },
        origin=(
            f"encoder: EfficientNet-{net.config.encoder.capitalize()} (Google, Apache-2.0), "
            "trained on ImageNet, calmed on the same photos"
        ),
    )  # fmt: skip


def bundle_weights(opened: Bundle) -> dict[str, Tensor]:
    """The network's weights out of a bundle, normalizations folded in, to go on training from
    what is shipped (`DecoderConfig.normalized` False).
    """
    found = weights(opened)
    config = DecoderConfig.from_dict({**opened.parameter("network"), "normalized": False})
    # What the attentions make of their scalars is a constant of the graphs, in the order of use.
    blocks = {
        "analyze": [f"before.{i}" for i in range(config.context[0])],
        "generate": ["attention", *(f"after.{i}" for i in range(config.context[1]))],
    }
    for name, users in blocks.items():
        graph = onnx.load_model_from_string(opened.graph(name)).graph
        scalars = {i.name: i for i in graph.initializer if list(i.dims) == [config.heads, 1, 1]}
        left = iter(users)
        for node in graph.node:
            for scalar in scalars.keys() & set(node.input):
                array = onnx.numpy_helper.to_array(scalars[scalar]).copy()
                value = torch.from_numpy(array).flatten()
                if node.op_type == "Mul":  # softplus
                    found[f"decoder.{next(left)}.nearness"] = torch.log(torch.expm1(value))
                else:
                    found["decoder.attention.nothing"] = torch.log(value)
    own = AnchoredNetwork(config).state_dict().keys()
    return {name: value for name, value in found.items() if name in own}


def from_checkpoint(path: Path, state: Mapping[str, Any]) -> BundleSpec:
    """Of a checkpoint of `train decoder`."""
    return specification(load_anchored(path)[0])
