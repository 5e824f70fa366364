"""A network's weights out of a bundle: training goes on from what is shipped."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from torch import Tensor

from colordeploy.bundle import Bundle

from .onnx_graph import HALF_SUFFIX


def weights(opened: Bundle) -> dict[str, Tensor]:
    """Named weights of all graphs of a bundle, by their names in the network, in float32.

    Batch normalizations are folded into them (`export.bundling.folding`).
    """
    found = {}
    for name in opened.manifest.graphs:
        graph = onnx.load_model_from_string(opened.graph(name)).graph
        for initializer in graph.initializer:
            if "." not in initializer.name.removesuffix(HALF_SUFFIX):
                continue  # a constant that the exporter named
            values = onnx.numpy_helper.to_array(initializer).astype(np.float32)
            plain = initializer.name.removeprefix("net.").removesuffix(HALF_SUFFIX)
            found[plain] = torch.from_numpy(values)
    return found


def part(values: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Those of one module, without its name."""
    return {
        key.removeprefix(f"{name}."): value
        for key, value in values.items()
        if key.startswith(f"{name}.")
    }
