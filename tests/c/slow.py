"""A bundle whose graph computes one product of matrices that takes a second or more."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from colordeploy.bundle import Bundle, default_bundles

FEATURES = 16


def _slow_graph(side: int) -> bytes:
    """Features that are luma and a mean of luma; the product of two matrices is in vain."""
    node = helper.make_node
    nodes = [
        node("ReduceMean", ["luma"], ["mean"], keepdims=0),
        node("Expand", ["mean", "square"], ["matrix"]),
        node("MatMul", ["matrix", "matrix"], ["product"]),
        node("ReduceMean", ["product"], ["one"], keepdims=0),
        node("Mul", ["one", "nothing"], ["zero"]),
        node("Add", ["luma", "zero"], ["plane"]),
        node("Concat", ["plane"] * FEATURES, ["features"], axis=1),
        node("Reshape", ["zero", "vector"], ["log_alpha"]),
    ]
    constants = {
        "square": np.array([side, side]),
        "nothing": np.float32(0),
        "vector": np.array([1]),
    }
    plane = ["batch", 1, "height", "width"]
    graph = helper.make_graph(
        nodes,
        "slow",
        [helper.make_tensor_value_info("luma", TensorProto.FLOAT, plane)],
        [
            helper.make_tensor_value_info(
                "features", TensorProto.FLOAT, ["batch", FEATURES, "height", "width"]
            ),
            helper.make_tensor_value_info("log_alpha", TensorProto.FLOAT, [1]),
        ],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def slow_bundle(folder: Path, side: int) -> Path:
    """LGA with such a graph, for matrices of that side."""
    content = _slow_graph(side)
    manifest = Bundle(default_bundles()["lga"]).manifest
    entry = replace(
        manifest.graphs["affinity"], sha256=hashlib.sha256(content).hexdigest(), weights=None
    )
    folder.mkdir()
    (folder / entry.file).write_bytes(content)
    slow = replace(manifest, name="slow", graphs={"affinity": entry})
    (folder / "manifest.json").write_text(slow.to_json())
    return folder
