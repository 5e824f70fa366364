"""An ONNX graph in half precision: float16 or bfloat16 where it holds, float32 where it must.

TensorRT takes its precision from the graph (strongly typed networks), so this is where it is
decided. Inputs and outputs stay float32. Needs the package ``onnx``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from ..errors import BackendError

__all__ = ["HALVES", "RECIPE", "halved", "layer_groups"]

# Counted up when graphs in half precision come out another way: engines of before do not fit then.
RECIPE = 2

HALVES = ("fp16", "bf16")
# Sums of many terms, quotients of close ones and exponentials: off by visible amounts in half.
KEPT_OPERATORS = (
    "Softmax",
    "LogSoftmax",
    "LayerNormalization",
    "InstanceNormalization",
    "ReduceSum",
    "ReduceMean",
    "ReduceSumSquare",
    "ReduceL2",
    "Exp",
    "Log",
    "Pow",
    "Reciprocal",
    "Sqrt",
    "Div",
)
# What feeds these directly stays too: squares overflow in float16, and the small number that
# keeps a denominator above zero vanishes (lga's norms became infinite on flat pictures).
_SENSITIVE = {"Sqrt", "Reciprocal", "Log", "Div", "ReduceSum", "ReduceMean"}
# Both sides of a comparison must be rounded alike, or equal ones are not.
_SENSITIVE |= {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}
_FEEDERS = {"Add", "Sub", "Mul", "Clip", "Max", "Min", "Abs", "ReduceMax", "ReduceMin"}
_FEEDERS |= {"MatMul"}  # a sum over all pixels before it is divided by their number
# TensorRT for RTX 1.7 has no transposed convolution in bfloat16.
_KEPT_IN_BF16 = ("ConvTranspose",)
# Their types are fixed, or have nothing to do with half precision.
_FIXED = {
    "Cast",
    "Constant",
    "ConstantOfShape",
    "DequantizeLinear",
    "If",
    "Loop",
    "QuantizeLinear",
    "Range",
    "Scan",
    "Shape",
    "Size",
}
_FLOAT_INPUTS = {"Resize": {1, 2}, "Upsample": {1}}  # float32 whatever the others are


def halved(
    content: bytes, precision: str, keep: Iterable[str] = (), *, simulate: bool = False
) -> bytes:
    """A graph in half precision.

    Parameters
    ----------
    content : bytes
        ONNX file in float32; weights may be stored as float16 with a cast.
    precision : {"fp16", "bf16"}
    keep : iterable of str
        Patterns (``*``, ``?``) of node names that stay in float32, besides `KEPT_OPERATORS`.
    simulate : bool
        Compute in float32 and round every result of a half-precision node: what a GPU that
        accumulates in float32 does, on a machine that has no half-precision kernels.

    Raises
    ------
    BackendError
        Without the package ``onnx``, and for weights that float16 cannot hold.
    """
    if precision not in HALVES:
        raise BackendError(f"half precision is one of {', '.join(HALVES)}, not {precision!r}")
    try:
        import onnx
    except ImportError:
        raise BackendError(
            "changing a graph's precision needs the package onnx; pip install onnx"
        ) from None
    model = onnx.load_model_from_string(content)
    _Halving(onnx, model, precision, tuple(keep), simulate).run()
    result: bytes = model.SerializeToString()
    return result


def layer_groups(content: bytes, depth: int = 2) -> list[str]:
    """Patterns of node names, a group for each part of the network, by the modules' names.

    Parameters
    ----------
    depth : int
        So many parts of a dotted or slashed name make a group.
    """
    import onnx

    graph = onnx.load_model_from_string(content).graph
    weights = {i.name for i in graph.initializer}
    groups: dict[str, None] = {}
    for node in graph.node:
        if node.op_type != "Cast":
            named = [name for name in node.input if name in weights and "." in name]
            if named:
                groups[".".join(named[0].split(".")[:depth])] = None
    return list(groups)


@dataclass
class _Halving:
    onnx: Any
    model: Any
    precision: str
    keep: tuple[str, ...]
    simulate: bool
    nodes: list[Any] = field(default_factory=list)
    # Tensors that are float32 in the original, and under which names they exist by now.
    names: dict[str, dict[bool, str]] = field(default_factory=dict)
    weights: dict[str, Any] = field(default_factory=dict)
    feeding: set[str] = field(default_factory=set)  # tensors that sensitive nodes read

    def run(self) -> None:
        graph = self.model.graph
        self.weights = self._weights()
        self.feeding = {
            name for node in graph.node if node.op_type in _SENSITIVE for name in node.input
        }
        floats = self._floats()
        self.names = {name: {False: name} for name in floats}
        for node in list(graph.node):
            self._add(node, floats)
        for output in graph.output:
            if output.name in floats:
                self._fetch(output.name, half=False)
        del graph.node[:]
        graph.node.extend(self.nodes)
        del graph.value_info[:]
        self._drop_unused()

    @property
    def _half(self) -> int:
        kinds = self.onnx.TensorProto
        return int(kinds.FLOAT16 if self.precision == "fp16" else kinds.BFLOAT16)

    def _weights(self) -> dict[str, Any]:
        """Float32 values of constants: weights, and those that are cast from float16."""
        onnx, graph = self.onnx, self.model.graph
        kinds = onnx.TensorProto
        stored = {w.name: w for w in graph.initializer}
        found = {n: w for n, w in stored.items() if w.data_type == kinds.FLOAT}
        for node in graph.node:
            if node.op_type == "Cast" and node.input[0] in stored:
                source = stored[node.input[0]]
                if source.data_type == kinds.FLOAT16 and node.attribute[0].i == kinds.FLOAT:
                    found[node.output[0]] = source
        return {
            name: np.asarray(onnx.numpy_helper.to_array(weight), np.float32)
            for name, weight in found.items()
        }

    def _floats(self) -> set[str]:
        onnx = self.onnx
        shown = onnx.shape_inference.infer_shapes(self.model).graph
        values = (*shown.value_info, *shown.input, *shown.output)
        typed = {v.name for v in values if v.type.tensor_type.elem_type == onnx.TensorProto.FLOAT}
        return typed | self.weights.keys()

    def _halves(self, node: Any, floats: set[str]) -> bool:
        """Whether a node runs in half precision."""
        if node.op_type in _FIXED or node.op_type in KEPT_OPERATORS:
            return False
        if node.op_type in _FEEDERS and any(name in self.feeding for name in node.output):
            return False
        if self.precision == "bf16" and node.op_type in _KEPT_IN_BF16:
            return False
        if any(fnmatchcase(name, pattern) for pattern in self.keep for name in _names(node)):
            return False
        return any(name in floats for name in node.output)

    def _add(self, node: Any, floats: set[str]) -> None:
        half = self._halves(node, floats)
        if self.simulate:
            self._add_simulated(node, floats, half)
            return
        fixed = _FLOAT_INPUTS.get(node.op_type, set())
        inputs = [
            self._fetch(name, half=half and i not in fixed) if name in floats else name
            for i, name in enumerate(node.input)
        ]
        changed = self.onnx.NodeProto()
        changed.CopyFrom(node)
        del changed.input[:]
        changed.input.extend(inputs)
        if half:
            del changed.output[:]
            for name in node.output:
                if name in floats:
                    self.names[name] = {True: f"{name}.{self.precision}"}
                    name = self.names[name][True]
                changed.output.append(name)
        self.nodes.append(changed)

    def _add_simulated(self, node: Any, floats: set[str], half: bool) -> None:
        if not half:
            self.nodes.append(node)
            return
        changed = self.onnx.NodeProto()
        changed.CopyFrom(node)
        del changed.output[:]
        self.nodes.append(changed)
        for name in node.output:
            if name not in floats:
                changed.output.append(name)
                continue
            exact = f"{name}.exact"
            changed.output.append(exact)
            self._cast(exact, f"{name}.{self.precision}", self._half)
            self._cast(f"{name}.{self.precision}", name, self.onnx.TensorProto.FLOAT)

    def _fetch(self, tensor: str, *, half: bool) -> str:
        """The tensor's name in a precision; a cast is added when it does not exist yet."""
        known = self.names[tensor]
        if half not in known:
            target = f"{tensor}.{self.precision}" if half else tensor
            if half and tensor in self.weights:
                self._store(tensor, target)
                known[half] = target
                return target
            kind = self._half if half else self.onnx.TensorProto.FLOAT
            self._cast(known[not half], target, kind)
            known[half] = target
        return known[half]

    def _store(self, weight: str, target: str) -> None:
        values = self.weights[weight]
        if self.precision == "bf16":
            import ml_dtypes  # comes with onnx

            stored = values.astype(ml_dtypes.bfloat16)
        else:
            with np.errstate(over="ignore"):
                stored = values.astype(np.float16)
            if not np.isfinite(stored).all():
                raise BackendError(
                    f"{weight} holds {np.abs(values).max():.3g}, which float16 cannot; use bf16, "
                    "or keep that layer in float32"
                )
        self.model.graph.initializer.append(self.onnx.numpy_helper.from_array(stored, target))

    def _drop_unused(self) -> None:
        """Casts and constants that nothing reads any more."""
        graph = self.model.graph
        outputs = {output.name for output in graph.output}
        used = outputs | {name for node in graph.node for name in node.input}
        nodes = [n for n in graph.node if n.op_type != "Cast" or n.output[0] in used]
        used = outputs | {name for node in nodes for name in node.input}
        weights = [w for w in graph.initializer if w.name in used]
        del graph.node[:], graph.initializer[:]
        graph.node.extend(nodes)
        graph.initializer.extend(weights)

    def _cast(self, source: str, target: str, kind: int) -> None:
        self.nodes.append(self.onnx.helper.make_node("Cast", [source], [target], to=kind))


def _names(node: Any) -> tuple[str, ...]:
    """What a pattern may name a node by: its own name, and those of its weights."""
    return (node.name, *node.input)
