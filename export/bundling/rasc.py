"""RASC as a bundle: graphs ``encode`` and ``correlate`` run once a drawing, ``decode`` every style.

Between the first two the runtime takes the largest value of each region and scale, which TensorRT
has no operator for. Without regions (the ablations) there is no ``correlate``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from colordeploy.native import region_map, region_max

from ..models.rasc import regions
from ..models.rasc.network import Rasc
from ..training.rasc import load_average
from .folding import folded
from .onnx_graph import round_weights
from .specification import BundleSpec, GraphSpec

TOLERANCE = 1e-4


class EncodeGraph(nn.Module):
    def __init__(self, net: Rasc) -> None:
        super().__init__()
        self.net = net

    def forward(self, line: Tensor, labels: Tensor | None = None) -> tuple[Tensor, ...]:
        sketch = self.net.encode(line, labels)
        return (*sketch.features, sketch.style)


class CorrelateGraph(nn.Module):
    def __init__(self, net: Rasc) -> None:
        super().__init__()
        self.net = net

    def forward(self, present: Tensor, **aggregated: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.net.correlate(list(aggregated.values()), present))


class DecodeGraph(nn.Module):
    """Patterns are broadcast in here: a few numbers for each region go in instead of whole maps."""

    def __init__(self, net: Rasc) -> None:
        super().__init__()
        self.net = net

    def forward(self, style: Tensor, labels: Tensor | None = None, **maps: Tensor) -> Tensor:
        levels = len(self.net.config.widths)
        features = [maps[f"features{i}"] for i in range(levels)]
        patterns = []
        if self.net.config.regions == "formulated":
            assert labels is not None
            whole = labels.to(torch.int64)
            patterns = [
                regions.broadcast(maps[f"patterns{i}"], regions.shrink_labels(whole, 2**i))
                for i in range(levels)
            ]
        return self.net.decode(features, patterns, style)


def _inputs(net: Rasc, line: Tensor, labels: Tensor) -> dict[str, dict[str, Tensor]]:
    """Inputs of every graph for a drawing, made by PyTorch."""
    config = net.config
    encode = {"line": line}
    if config.regions == "map":
        encode["labels"] = labels.to(torch.int32)
    with torch.no_grad():
        sketch = net.encode(line, labels)
    features = {f"features{i}": x for i, x in enumerate(sketch.features)}
    result = {"encode": encode}
    if config.regions != "formulated":
        return {**result, "decode": {"style": sketch.style, **features}}
    count = int(labels.max()) + 1
    present = torch.zeros(len(labels), count).scatter_(1, labels.flatten(1), 1.0)
    aggregated = {
        f"regions{i}": torch.stack(
            [
                torch.from_numpy(region_max(one.numpy(), marks.numpy(), count))
                for one, marks in zip(x, regions.shrink_labels(labels, 2**i), strict=True)
            ]
        )
        for i, x in enumerate(sketch.features)
    }
    with torch.no_grad():
        found = net.correlate(list(aggregated.values()), present)
    patterns = {f"patterns{i}": x for i, x in enumerate(found)}
    result["correlate"] = {"present": present, **aggregated}
    result["decode"] = {
        "style": sketch.style, "labels": labels.to(torch.int32), **features, **patterns,
    }  # fmt: skip
    return result


def _graphs(net: Rasc, inputs: Mapping[str, Mapping[str, Tensor]]) -> list[GraphSpec]:
    """Every graph; `inputs` of each say what goes in."""
    levels = range(len(net.config.widths))
    graphs: dict[str, tuple[nn.Module, list[str]]] = {
        "encode": (EncodeGraph(net), [*(f"features{i}" for i in levels), "style"])
    }
    if net.config.regions == "formulated":
        graphs["correlate"] = (CorrelateGraph(net), [f"patterns{i}" for i in levels])
    graphs["decode"] = (DecodeGraph(net), ["rgb"])

    def free(names: Any) -> dict[str, dict[int, str]]:
        return {tensor: _free_dimensions(tensor) for tensor in names}

    return [
        GraphSpec(name, module, free(inputs[name]), free(outputs), TOLERANCE)
        for name, (module, outputs) in graphs.items()
    ]


def _free_dimensions(tensor: str) -> dict[int, str]:
    if tensor == "style":
        return {0: "batch"}
    if tensor == "present" or tensor.startswith(("regions", "patterns")):
        return {0: "batch", 1: "regions"}
    if tensor == "labels":
        return {0: "batch", 1: "height", 2: "width"}
    return {0: "batch", 2: "height", 3: "width"}


def _golden_cases(net: Rasc) -> dict[str, dict[str, dict[str, Tensor]]]:
    """Synthetic drawings of two sizes, one a batch of two."""
    rng = np.random.default_rng(40)
    multiple = net.config.multiple
    cases = {}
    for case, (batch, rows, columns) in {"small": (2, 2, 2), "wide": (1, 2, 4)}.items():
        noise = rng.normal(size=(batch, rows * multiple, columns * multiple))
        smooth = gaussian_filter(noise, (0, 5, 5))
        lines = np.abs(smooth) > 0.12 * np.abs(smooth).max()
        labels = np.stack([region_map(~one) for one in lines]).astype(np.int64)
        line = torch.from_numpy(np.where(lines, 1.0, -1.0).astype(np.float32))[:, None]
        cases[case] = _inputs(net, line, torch.from_numpy(labels))
    return cases


def specification(net: Rasc, *, patches: int = 0) -> BundleSpec:
    """All graphs of a network; its weights are rounded to float16.

    Parameters
    ----------
    patches : int
        Side of the fixed patches that took the place of regions in training (an ablation); 0:
        regions.
    """
    net = folded(net)
    round_weights(net)
    multiple = net.config.multiple
    line = torch.rand(2, 1, 2 * multiple, 3 * multiple) * 2 - 1
    labels = torch.arange(6 * multiple**2).reshape(1, *line.shape[2:]) // (2 * multiple) % 5
    example = _inputs(net, line, labels.repeat(2, 1, 1))
    return BundleSpec(
        "rasc",
        _graphs(net, example),
        example,
        _golden_cases(net),
        {
            "multiple": multiple,
            "levels": len(net.config.widths),
            "patches": patches,
            "network": net.config.to_dict(),
        },
        {"height": multiple, "width": multiple},
        {f"features{i}": 2**i for i in range(len(net.config.widths))},
    )


def from_checkpoint(path: Path, state: Mapping[str, Any]) -> BundleSpec:
    """Of a checkpoint of `train rasc`."""
    net, _ = load_average(path)
    return specification(net, patches=state["config"]["patches"])
