"""Small ONNX graphs, made in a moment: what the runtime does must not depend on the networks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper


def _graph(nodes: Sequence[NodeProto], initializers: Sequence[TensorProto] = ()) -> bytes:
    """From x to y, both (1, 1, H, W) float32."""
    shape = [1, 1, "height", "width"]
    made = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        list(initializers),
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def one_over() -> bytes:
    """1 / x."""
    return _graph([helper.make_node("Reciprocal", ["x"], ["y"], "inverse")])


def long_chain(length: int) -> bytes:
    """Convolutions with a kernel of one in its middle, one after another: y is x, after a while."""
    kernel = np.zeros((1, 1, 5, 5), np.float32)
    kernel[0, 0, 2, 2] = 1
    names = ["x", *(f"n{i}" for i in range(length - 1)), "y"]
    return _graph(
        [
            helper.make_node("Conv", [a, "kernel"], [b], f"c{i}", pads=[2, 2, 2, 2])
            for i, (a, b) in enumerate(pairwise(names))
        ],
        [numpy_helper.from_array(kernel, "kernel")],
    )
