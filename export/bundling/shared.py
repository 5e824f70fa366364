"""An encoder's weights apart from the graphs that have it: several share one file.

The frozen encoder is most of a photo model, and both graphs of one bundle, or several bundles, hold
the same. A graph is written without it; its weights are an ONNX model of initializers alone, and
the one behind the other is the whole graph again, since protocol buffers merge messages that are
strung together.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import onnx

_ENCODER = "encoder."  # begins the names of its weights, wherever it stands in a network


@dataclass(frozen=True)
class Split:
    """A graph in two parts.

    Attributes
    ----------
    graph, weights : bytes
    file : str
        Name for the weights, which tells them from others.
    """

    graph: bytes
    weights: bytes
    file: str


def without_encoder(content: bytes) -> Split | None:
    """Split a graph; None when it has no encoder.

    The weights are renamed, so that they are the same for every graph: what leads to the encoder is
    cut off.
    """
    model = onnx.load_model_from_string(content)
    moved, kept, names = [], [], {}
    for initializer in model.graph.initializer:
        before, found, rest = initializer.name.rpartition(_ENCODER)
        if not found or (before and not before.endswith(".")):
            kept.append(initializer)
            continue
        names[initializer.name] = found + rest
        values = onnx.numpy_helper.to_array(initializer)
        values = values + values.dtype.type(0)  # one zero: trainings left some with a sign
        moved.append(onnx.numpy_helper.from_array(values, found + rest))
    if not moved:
        return None
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = names.get(name, name)
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    apart = onnx.ModelProto()
    apart.graph.initializer.extend(sorted(moved, key=lambda tensor: tensor.name))
    weights = apart.SerializeToString(deterministic=True)
    digest = hashlib.sha256(weights).hexdigest()
    return Split(
        model.SerializeToString(deterministic=True), weights, f"encoder-{digest[:12]}.weights"
    )
