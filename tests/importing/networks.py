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
    table: bool = False,
) -> bytes:
    """Give scale * (weights x + offset), a 1x1 convolution; weights (out, in).

    With `table` a value of a tensor of that name is added, which is to be appended to the file.
    """
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
    weights_held = [numpy_helper.from_array(kernel, "k"), numpy_helper.from_array(bias, "b")]
    if table:
        weights_held.append(numpy_helper.from_array(np.array(7), "place"))
        nodes[-1].output[0] = "plain"
        nodes += [
            helper.make_node("Gather", ["table", "place"], ["value"]),
            helper.make_node("Add", ["plain", "value"], ["y"]),
        ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape(given))]
    if extra_input:
        inputs.append(helper.make_tensor_value_info("hint", TensorProto.FLOAT, [1, 2]))
    graph = helper.make_graph(
        nodes,
        "colours",
        inputs,
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape(out))],
        weights_held,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if not table:
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


def cut_network(*, axis: int = 0, times: int = 1, but: int = 1 << 30) -> bytes:
    """CIE L to a and b, which are not there; only pictures `but` high or more are right.

    Parameters
    ----------
    axis : int
        Of the output that has nothing in it.
    times : int
        2: instead of that, everything twice along the axis.
    but : int
    """
    model = onnx.load_from_string(ab_network())
    constants = {"two": 2, "axis": [axis], "from": [0], "but": but, "all": [1 << 30], "none": [0]}
    model.graph.initializer.extend(
        numpy_helper.from_array(np.array(value), name) for name, value in constants.items()
    )
    model.graph.node.extend(
        [
            helper.make_node("Shape", ["x"], ["sides"]),
            helper.make_node("Gather", ["sides", "two"], ["height"]),
            helper.make_node("GreaterOrEqual", ["height", "but"], ["right"]),
            helper.make_node("Where", ["right", "all", "none"], ["to"]),
            helper.make_node("Slice", ["y", "from", "to", "axis"], ["cut"]),
        ]
        if times == 1
        else [helper.make_node("Concat", ["y"] * times, ["cut"], axis=axis)]
    )
    del model.graph.output[:]
    shape = ["n", "c", "h'", "w'"]
    model.graph.output.append(helper.make_tensor_value_info("cut", TensorProto.FLOAT, shape))
    return bytes(model.SerializeToString())


def halving_network(*, joined: bool) -> bytes:
    """CIE L to a and b, eight times smaller and enlarged again; `joined` to what went in."""
    model = onnx.load_from_string(ab_network())
    scales = np.array([1, 1, 8, 8], np.float32)
    model.graph.initializer.append(numpy_helper.from_array(scales, "scales"))
    sides = {"kernel_shape": [8, 8], "strides": [8, 8]}
    model.graph.node.extend(
        [
            helper.make_node("AveragePool", ["y"], ["small"], **sides),
            helper.make_node("Resize", ["small", "", "scales"], ["large"], mode="nearest"),
            helper.make_node("Add", ["large", "y" if joined else "scales0"], ["wide"]),
        ]
    )
    zero = numpy_helper.from_array(np.zeros(1, np.float32), "scales0")
    model.graph.initializer.append(zero)
    del model.graph.output[:]
    shape = [1, 2, "h'", "w'"]
    model.graph.output.append(helper.make_tensor_value_info("wide", TensorProto.FLOAT, shape))
    return bytes(model.SerializeToString())


def hinted_network(
    *,
    exchanged: bool = False,
    scale: float = 1.0,
    inverted: bool = False,
    sides: tuple[int | str, int | str] = ("h", "w"),
    heeds: float = 1.0,
) -> bytes:
    """CIE L, hints and their mask to a and b: the hints' colours where they are, else L's.

    Parameters
    ----------
    exchanged : bool
        Hints are b and a.
    scale : float
        By which hints are divided.
    inverted : bool
        The mask is 1 where there is no hint.
    heeds : float
        0 for a network that heeds no hint.
    """
    slope, offset = lightness_to_ab()
    swap = np.eye(2)[::-1] if exchanged else np.eye(2)
    told = np.concatenate([scale * swap, np.zeros((2, 1))], axis=1)

    def conv(weights: np.ndarray, name: str, given: str, made: str, bias: np.ndarray) -> tuple:
        kernel = numpy_helper.from_array(weights[..., None, None].astype(np.float32), f"k{name}")
        added = numpy_helper.from_array(bias.astype(np.float32), f"b{name}")
        node = helper.make_node("Conv", [given, f"k{name}", f"b{name}"], [made])
        return node, [kernel, added]

    plain, first = conv(slope[:, None], "plain", "l", "own", offset)
    hint, second = conv(told[:, :2], "hint", "ab", "hint", np.zeros(2))
    ones = numpy_helper.from_array(np.array(1.0, np.float32), "one")
    strength = numpy_helper.from_array(np.array(heeds, np.float32), "heeds")
    nodes = [plain, hint]
    if inverted:
        nodes.append(helper.make_node("Sub", ["one", "mask"], ["here"]))
    else:
        nodes.append(helper.make_node("Mul", ["one", "mask"], ["here"]))
    nodes += [
        helper.make_node("Mul", ["here", "heeds"], ["share"]),
        helper.make_node("Sub", ["hint", "own"], ["change"]),
        helper.make_node("Mul", ["change", "share"], ["added"]),
        helper.make_node("Add", ["own", "added"], ["y"]),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, *sides])
        for name, channels in (("l", 1), ("ab", 2), ("mask", 1))
    ]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, *sides])
    graph = helper.make_graph(nodes, "hinted", inputs, [output], [*first, *second, ones, strength])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def listed_network(side: int = 32, cell: int = 2, patch: int = 8) -> bytes:
    """Lists as iColoriT has them, see its preset.

    Lightness and hints in one input, a bool mask of cells that is true where there is no hint, and
    a 110th of a and b out, in patches.
    """
    slope, offset = lightness_to_ab()
    weights = np.concatenate([100 * slope[:, None], np.zeros((2, 2))], axis=1) / 110
    bias = (offset + 50 * slope) / 110
    rows, cells = side // patch, side // cell
    constants = {
        "k": weights[..., None, None].astype(np.float32),
        "b": bias.astype(np.float32),
        "told": np.concatenate([np.zeros((2, 1)), np.eye(2)], 1)[..., None, None].astype("f4"),
        "map": np.array([1, 1, cells, 1, cells, 1]),
        "wide": np.array([1, 1, cells, cell, cells, cell]),
        "full": np.array([1, 1, side, side]),
        "split": np.array([2, rows, patch, rows, patch]),
        "list": np.array([1, rows * rows, patch * patch * 2]),
    }
    nodes = [
        helper.make_node("Conv", ["x", "k", "b"], ["own"]),
        helper.make_node("Conv", ["x", "told"], ["hint"]),
        helper.make_node("Reshape", ["mask", "map"], ["m1"]),
        helper.make_node("Expand", ["m1", "wide"], ["m2"]),
        helper.make_node("Reshape", ["m2", "full"], ["m3"]),
        helper.make_node("Where", ["m3", "own", "hint"], ["ab"]),
        helper.make_node("Reshape", ["ab", "split"], ["s"]),
        helper.make_node("Transpose", ["s"], ["t"], perm=[1, 3, 2, 4, 0]),
        helper.make_node("Reshape", ["t", "list"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "listed",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, side, side]),
            helper.make_tensor_value_info("mask", TensorProto.BOOL, [1, cells * cells]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, constants["list"].tolist())],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def halved(content: bytes) -> bytes:
    """A network with its weights, inputs and outputs in float16."""
    model = onnx.load_from_string(content)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), weight.name))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
