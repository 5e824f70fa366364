"""Small networks as others would bring them: colours that depend on the lightness alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import colordeploy.importing
from colordeploy.pictures.color import lab_of

PHOTO = Path(colordeploy.importing.__file__).parent / "osprey.jpg"


def lightness_to_ab() -> tuple[np.ndarray, np.ndarray]:
    """The line that comes nearest to the test photo: slope and offset of a and b by L."""
    from PIL import Image

    lab = lab_of(np.asarray(Image.open(PHOTO), np.float32) / 255).reshape(-1, 3)
    found = np.polyfit(lab[:, 0], lab[:, 1:], 1)
    return found[0], found[1]


def network(
    weights: np.ndarray,
    offset: np.ndarray,
    *,
    layout: str = "NCHW",
    sides: tuple[int | str, int | str] = ("h", "w"),
    scale: float = 1.0,
    extra_input: bool = False,
) -> bytes:
    """Give scale * (weights x + offset), a 1x1 convolution; weights (out, in)."""
    out, given = weights.shape
    kernel = (scale * weights[..., None, None]).astype(np.float32)
    bias = (scale * np.broadcast_to(offset, (out,))).astype(np.float32)

    def shape(channels: int) -> list[int | str]:
        return [1, channels, *sides] if layout == "NCHW" else [1, *sides, channels]

    nodes = [helper.make_node("Conv", ["x", "k", "b"], ["y"])]
    if layout == "NHWC":
        nodes = [
            helper.make_node("Transpose", ["x"], ["xt"], perm=[0, 3, 1, 2]),
            helper.make_node("Conv", ["xt", "k", "b"], ["yt"]),
            helper.make_node("Transpose", ["yt"], ["y"], perm=[0, 2, 3, 1]),
        ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape(given))]
    if extra_input:
        inputs.append(helper.make_tensor_value_info("hint", TensorProto.FLOAT, [1, 2]))
    graph = helper.make_graph(
        nodes,
        "colours",
        inputs,
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape(out))],
        [numpy_helper.from_array(kernel, "k"), numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def ab_network(**keywords: object) -> bytes:
    """CIE L to a and b."""
    slope, offset = lightness_to_ab()
    return network(slope[:, None], offset, **keywords)  # type: ignore[arg-type]


def rgb_network(*, exchanged: bool = False, **keywords: object) -> bytes:
    """Grey RGB to the same with warm shadows and blue lights."""
    matrix = np.diag([0.8, 1.0, 1.2])
    offset = np.array([0.14, 0.0, -0.14])
    if exchanged:
        matrix, offset = matrix[::-1], offset[::-1]
    return network(matrix, offset, **keywords)  # type: ignore[arg-type]
