"""One graph in INT8: quantized where it is worth it, mixed with float32 layer by layer.

Pairs of QuantizeLinear and DequantizeLinear stand at the inputs and weights of convolutions and
matrix products and nowhere else, symmetric, weights by output channel: what TensorRT takes, and
what OpenVINO fuses. Ranges and nodes are made by ONNX Runtime's quantizer.
"""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from colordeploy.runtime.onnx_import import import_onnxruntime

from .onnx_graph import store_half

Feeds = Sequence[Mapping[str, NDArray[Any]]]

_OPERATORS = ("Conv", "Gemm", "MatMul")
_MINIMUM_CHANNELS = 8  # of a layer's input: fewer are as fast in float32, and often the picture
_MINIMUM_WEIGHTS = 512
_DEPTH = 4  # parts of a weight's name that make a group
_HELPERS = {"QuantizeLinear", "DequantizeLinear"}


def plain_weights(content: bytes) -> onnx.ModelProto:
    """A graph with its float16 weights as float32 ones, casts gone."""
    model = onnx.load_model_from_string(content)
    weights = {i.name: i for i in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        held = weights.get(node.input[0]) if node.op_type == "Cast" else None
        if held is not None and held.data_type == onnx.TensorProto.FLOAT16:
            values = numpy_helper.to_array(held).astype(np.float32)
            held.CopyFrom(numpy_helper.from_array(values, node.output[0]))
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


class QuantizedGraph:
    """A graph in float32 and in INT8, to be mixed by groups of layers.

    Parameters
    ----------
    content : bytes
        ONNX; weights float32, or float16 with a cast.
    feeds : sequence of mapping
        Inputs that stand for all: the largest values that they cause are the ranges.
    made : bytes, optional
        What `whole` was before, with the same graph and feeds; of these the first is enough then.

    Attributes
    ----------
    groups : list of str
        Patterns (``*``) of weights or nodes that are in INT8, one a part of the network.
    """

    def __init__(self, content: bytes, feeds: Feeds, made: bytes | None = None) -> None:
        self._exact = plain_weights(content)
        self._layers = _layers(self._exact.graph)
        self.groups = list(dict.fromkeys(map(_group, self._layers.values())))
        self._full = self._exact
        self._work: dict[str, float] = {}
        if self._layers:
            self._work = _multiplications(self._exact, self._layers, feeds[0])
            if made is not None:
                self._full = onnx.load_model_from_string(made)
                return
            self._full = _quantized(self._exact, feeds, list(self._layers))
            _lift_scales(self._full.graph)

    @property
    def whole(self) -> bytes:
        """All of it in INT8, to make the same again without the feeds."""
        content: bytes = self._full.SerializeToString()
        return content

    def mixed(self, kept: Iterable[str] = ()) -> bytes:
        """The ONNX file, with layers that match any of some patterns in float32."""
        patterns = tuple(kept)
        model = onnx.ModelProto()
        model.CopyFrom(self._exact)
        quantized = {node.name: node for node in self._full.graph.node if node.name in self._layers}
        helpers = {
            node.output[0]: node for node in self._full.graph.node if node.op_type in _HELPERS
        }
        nodes: list[onnx.NodeProto] = []
        for node in self._exact.graph.node:
            # The quantizer gives rounded values to whoever reads a tensor; here, layers only.
            if node.name in quantized and not _matches(node, patterns):
                node = quantized[node.name]
                for name in node.input:
                    nodes += _chain(name, helpers)
            nodes.append(node)
        weights = {
            i.name: i for i in (*self._full.graph.initializer, *self._exact.graph.initializer)
        }
        read = {name for node in nodes for name in node.input}
        del model.graph.node[:], model.graph.initializer[:], model.graph.value_info[:]
        model.graph.node.extend(nodes)
        model.graph.initializer.extend(w for name, w in weights.items() if name in read)
        store_half(model.graph, all_rounded=False)
        onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString()
        return content

    def work(self, kept: Iterable[str] = ()) -> float:
        """Multiplications of the layers that `mixed` has in INT8, for the first of the feeds."""
        patterns = tuple(kept)
        return sum(
            self._work[name] for name, node in self._layers.items() if not _matches(node, patterns)
        )


def _layers(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    """Convolutions and products with constant weights that are worth it, by the nodes' names."""
    shapes = {i.name: tuple(i.dims) for i in graph.initializer}
    found = {}
    for node in graph.node:
        shape = shapes.get(node.input[1]) if node.op_type in _OPERATORS else None
        if shape is None or len(shape) < 2 or not node.name:
            continue
        # A matrix product's weights are (in, out); a convolution's, and Gemm's here, (out, in).
        channels = shape[0] if node.op_type == "MatMul" else shape[1]
        if channels >= _MINIMUM_CHANNELS and np.prod(shape) >= _MINIMUM_WEIGHTS:
            found[node.name] = node
    return found


def _group(node: onnx.NodeProto) -> str:
    """A pattern of the layer's part of the network; by the node's name where weights have none."""
    parts = node.input[1].split(".")
    if len(parts) < 2:
        return re.sub(r"_?\d*$", "", node.name) + "*"
    if len(parts) == 2:  # all that is beside it in the network would match
        return node.input[1]
    return ".".join(parts[: min(_DEPTH, len(parts) - 1)]) + ".*"


def _matches(node: onnx.NodeProto, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(name, p) for p in patterns for name in (node.name, *node.input))


def _multiplications(
    model: onnx.ModelProto, layers: Mapping[str, onnx.NodeProto], feed: Mapping[str, NDArray[Any]]
) -> dict[str, float]:
    """Each layer's work: its weights but for the output channels, times what it gives."""
    ort = import_onnxruntime()
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(
        onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, None)
        for node in layers.values()
    )
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(
        watched.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    shapes = {i.name: tuple(i.dims) for i in model.graph.initializer}
    found = {}
    for (name, node), given in zip(layers.items(), session.run(None, dict(feed)), strict=True):
        shape = shapes[node.input[1]]
        outputs = shape[1] if node.op_type == "MatMul" else shape[0]
        found[name] = float(np.prod(shape)) / outputs * given.size
    return found


def _quantized(model: onnx.ModelProto, feeds: Feeds, layers: list[str]) -> onnx.ModelProto:
    import_onnxruntime()
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(feeds)

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            feed = next(self._left, None)
            return None if feed is None else dict(feed)

    given = onnx.ModelProto()
    given.CopyFrom(model)  # it is changed in there
    for output in given.graph.output:
        # A tensor that is an output and a layer's input would be given other names.
        copied = f"{output.name}.given"
        given.graph.node.append(onnx.helper.make_node("Identity", [output.name], [copied], copied))
        output.name = copied
    with tempfile.TemporaryDirectory() as folder, _no_advice():
        target = Path(folder) / "int8.onnx"
        quantize_static(
            given,
            target,
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            op_types_to_quantize=list(_OPERATORS),
            nodes_to_quantize=layers,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                # What a layer gives is added up and activated in float32.
                "OpTypesToExcludeOutputQuantization": list(_OPERATORS),
                "QuantizeBias": False,  # TensorRT takes no INT32 ones
            },
        )
        found = onnx.load(target)
    kept = [o for o in found.opset_import if o.domain in ("", "ai.onnx")]
    del found.opset_import[:]
    found.opset_import.extend(kept)
    return found


@contextmanager
def _no_advice() -> Iterator[None]:
    """Without the quantizer's warnings that a graph should be optimized first: layers have to keep
    their names here.
    """
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _lift_scales(graph: onnx.GraphProto) -> None:
    """Raise the scales of weights that are next to nothing beside their channel's bias.

    ONNX Runtime turns a bias into INT32 in units of both scales when it loads a graph; one of a
    channel that died in training is past that range, and wraps around.
    """
    weights = {i.name: i for i in graph.initializer}
    made = {name: node for node in graph.node for name in node.output}

    def array(name: str) -> NDArray[Any]:
        return numpy_helper.to_array(weights[name])

    for node in graph.node:
        sources = [made.get(name) for name in node.input[:2]]
        if node.op_type != "Conv" or len(node.input) < 3 or None in sources:
            continue
        if any(s is None or s.op_type != "DequantizeLinear" for s in sources):
            continue
        given, weight = sources
        assert given is not None
        assert weight is not None
        scale = array(weight.input[1])
        least = np.abs(array(node.input[2])) / (array(given.input[1]) * 2.0**30)
        lifted = np.maximum(scale, least).astype(np.float32)
        if np.array_equal(lifted, scale):
            continue
        values = array(weight.input[0])
        factor = (scale / lifted).reshape(-1, *[1] * (values.ndim - 1))
        values = np.round(values * factor).astype(np.int8)
        weights[weight.input[0]].CopyFrom(numpy_helper.from_array(values, weight.input[0]))
        weights[weight.input[1]].CopyFrom(numpy_helper.from_array(lifted, weight.input[1]))


def _chain(name: str, helpers: dict[str, onnx.NodeProto]) -> list[onnx.NodeProto]:
    """The quantizing nodes that a tensor still needs; each is given out once."""
    node = helpers.pop(name, None)
    return [] if node is None else [*_chain(node.input[0], helpers), node]
