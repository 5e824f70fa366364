"""One PyTorch module as one ONNX graph with free sizes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from colordeploy.manifest import TensorEntry

HALF_SUFFIX = ".half"  # of the names of weights stored as float16
_HALF_FROM = 1024  # weights of fewer elements are not worth it


@dataclass(frozen=True)
class ExportedGraph:
    content: bytes
    inputs: tuple[TensorEntry, ...]
    outputs: tuple[TensorEntry, ...]


def export_graph(
    module: nn.Module,
    example: dict[str, Tensor],
    free: dict[str, dict[int, str]],
    outputs: list[str],
    multiples: dict[str, int],
    *,
    divisors: Mapping[str, int] | None = None,
    output_dimensions: Mapping[str, Mapping[int, str]] | None = None,
    half: bool = True,
) -> ExportedGraph:
    """Export a module.

    Parameters
    ----------
    module : Module
    example : mapping of input name to tensor
    free : mapping of input name to {axis: dimension name}
        Dimensions that may change from call to call.
    outputs : list of str
        Names of the outputs.
    multiples : mapping of dimension name to int
        Free dimensions that must be whole multiples.
    divisors : mapping of input or output name to int
        How many times smaller those dimensions with multiples are in a tensor, e.g. in a map of
        superpixels; divides the multiples.
    output_dimensions : mapping of output name to {axis: dimension name}
        For outputs in `divisors`.
    half : bool
        Store large weights as float16; they must be rounded to it, see `round_weights`.
    """
    smaller = dict(divisors or {})
    units = {
        name: torch.export.Dim(f"{name}_units" if multiples.get(name, 1) > 1 else name, min=1)
        for names in free.values()
        for name in names.values()
    }

    def dimension_of(tensor: str, name: str) -> object:
        count = multiples.get(name, 1) // (smaller.get(tensor, 1) if name in multiples else 1)
        return units[name] * count if count > 1 else units[name]

    def shown(tensor: str, name: str) -> str:
        divisor = smaller.get(tensor, 1) if name in multiples else 1
        return f"{name}/{divisor}" if divisor > 1 else name

    shapes = {
        tensor: {axis: dimension_of(tensor, name) for axis, name in names.items()}
        for tensor, names in free.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            _Positional(module, list(example)).eval(),
            tuple(example.values()),
            input_names=list(example),
            output_names=outputs,
            dynamic_shapes=(tuple(shapes[name] for name in example),),
            dynamo=True,
            opset_version=20,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    larger = [(name, multiple) for name, multiple in multiples.items() if multiple > 1]
    expressions = {f"{multiple}*{name}_units": name for name, multiple in larger}
    for value in model.graph.output:
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param:
                dimension.dim_param = expressions.get(dimension.dim_param, dimension.dim_param)
    for value in model.graph.output:
        for axis, name in (output_dimensions or {}).get(value.name, {}).items():
            value.type.tensor_type.shape.dim[axis].dim_param = shown(value.name, name)
    for value in model.graph.input:  # plain names instead of the exporter's expressions
        for axis, name in free[value.name].items():
            value.type.tensor_type.shape.dim[axis].dim_param = shown(value.name, name)
    for node in model.graph.node:  # the exporter writes stack traces of the exporting machine
        del node.metadata_props[:]
        node.doc_string = ""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        del value.metadata_props[:]
    del model.graph.value_info[:]  # shapes with the exporter's expressions
    if half:
        store_half(model.graph)
    onnx.checker.check_model(model, full_check=True)
    buffer = io.BytesIO()
    onnx.save(model, buffer)
    return ExportedGraph(
        buffer.getvalue(), _entries(model.graph.input), _entries(model.graph.output)
    )


class _Positional(nn.Module):
    """A module called with tensors by position: the exporter knows no ``**maps``."""

    def __init__(self, module: nn.Module, names: list[str]) -> None:
        super().__init__()
        for name, child in module.named_children():  # keeps the weights' names
            self.add_module(name, child)
        self._call, self._names = module.forward, names

    def forward(self, *tensors: Tensor) -> object:
        return self._call(**dict(zip(self._names, tensors, strict=True)))


def round_weights(module: nn.Module) -> None:
    """Round large weights to what float16 can hold, which is how `export_graph` stores them."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.numel() >= _HALF_FROM:
                parameter.copy_(parameter.half())


def store_half(graph: onnx.GraphProto, *, all_rounded: bool = True) -> None:
    """Store large weights as float16 and cast them back: half the file, computed in float32.

    The values do not change (see `round_weights`); runtimes fold the casts when they load.

    Parameters
    ----------
    all_rounded : bool
        Fail when one is not rounded; otherwise it stays float32.
    """
    casts = []
    for initializer in graph.initializer:
        values = onnx.numpy_helper.to_array(initializer)
        if values.dtype != np.float32 or values.size < _HALF_FROM:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            if not all_rounded:
                continue
            raise ValueError(f"{initializer.name} is not rounded to float16")
        name = initializer.name
        initializer.CopyFrom(onnx.numpy_helper.from_array(half, name + HALF_SUFFIX))
        casts.append(
            onnx.helper.make_node("Cast", [name + HALF_SUFFIX], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _entries(values: object) -> tuple[TensorEntry, ...]:
    entries = []
    for value in values:  # type: ignore[attr-defined]
        tensor = value.type.tensor_type
        shape = tuple(d.dim_param or d.dim_value for d in tensor.shape.dim)
        kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        entries.append(TensorEntry(value.name, str(kind), shape))
    return tuple(entries)
