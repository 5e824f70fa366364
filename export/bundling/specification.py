"""What a bundle is made of: a specification for each graph, and one function that writes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from colordeploy.accuracy.golden import GraphCheck

from ..training import checkpoint
from .onnx_graph import ExportedGraph, export_graph
from .writer import Identity, write_bundle

Dimensions = Mapping[int, str]  # axis to the name of a free dimension
Tensors = Mapping[str, Tensor]

MAP: Dimensions = {0: "batch", 2: "height", 3: "width"}
BATCH: Dimensions = {0: "batch"}


@dataclass(frozen=True)
class GraphSpec:
    """One graph.

    Attributes
    ----------
    name : str
    module : Module
        Called with the inputs by name; gives a tensor or a tuple of them, float32.
    inputs : mapping of input name to free dimensions
    outputs : mapping of output name to free dimensions
        In the module's order; those whose dimensions follow from the inputs' may be empty.
    tolerance : float
        Largest difference of a runtime from PyTorch.
    """

    name: str
    module: nn.Module
    inputs: Mapping[str, Dimensions]
    outputs: Mapping[str, Dimensions]
    tolerance: float

    def run(self, inputs: Tensors) -> dict[str, Tensor]:
        """The outputs by name."""
        with torch.no_grad():
            found = self.module(**inputs)
        found = found if isinstance(found, tuple) else (found,)
        return dict(zip(self.outputs, found, strict=True))


@dataclass(frozen=True)
class BundleSpec:
    """All graphs of a method's network, ready for inference.

    Attributes
    ----------
    method : str
    graphs : sequence of GraphSpec
    example : mapping of graph name to inputs
        What each is traced with: a batch of two, sides that differ.
    cases : mapping of case name to a mapping of graph name to inputs
        Golden vectors are made of these.
    parameters : mapping
        For the manifest, without the working size.
    multiples : mapping of dimension name to int
        Free dimensions that must be whole multiples.
    divisors : mapping of tensor name to int
        How many times smaller those dimensions are in a tensor.
    half : bool
        Large weights are rounded to float16 (see `round_weights`) and stored so.
    origin : str
        Where weights that were not trained here come from, for the manifest.
    """

    method: str
    graphs: Sequence[GraphSpec]
    example: Mapping[str, Tensors]
    cases: Mapping[str, Mapping[str, Tensors]]
    parameters: Mapping[str, Any]
    multiples: Mapping[str, int]
    divisors: Mapping[str, int] = field(default_factory=dict)
    half: bool = True
    origin: str = ""

    def graph(self, name: str) -> GraphSpec:
        """The graph of that name; KeyError when there is none."""
        return {graph.name: graph for graph in self.graphs}[name]

    def exported(self, name: str) -> ExportedGraph:
        """One graph as ONNX."""
        graph = self.graph(name)
        return export_graph(
            graph.module,
            dict(self.example[name]),
            {tensor: dict(axes) for tensor, axes in graph.inputs.items()},
            list(graph.outputs),
            dict(self.multiples),
            divisors=self.divisors,
            output_dimensions={out: axes for out, axes in graph.outputs.items() if axes},
            half=self.half,
        )

    def golden(self) -> dict[str, NDArray[Any]]:
        """Inputs and PyTorch's outputs of every case, as `write_bundle` names them."""
        arrays: dict[str, NDArray[Any]] = {}
        for case, graphs in self.cases.items():
            for name, inputs in graphs.items():
                outputs = self.graph(name).run(inputs)
                for kind, tensors in (("input", inputs), ("output", outputs)):
                    for tensor, value in tensors.items():
                        arrays[f"{name}/{case}/{kind}/{tensor}"] = value.numpy().copy()
        return arrays


def write(
    spec: BundleSpec,
    out: Path,
    identity: Identity,
    *,
    trained_on: str,
    quality: Mapping[str, Any] | None = None,
    working_size: int = 256,
) -> list[GraphCheck]:
    """Write a bundle, see `write_bundle`.

    Parameters
    ----------
    trained_on : str
        What pictures, under which licences, and where an encoder's weights come from.
    quality : mapping, optional
        Measured figures.
    working_size : int
        Short side at which the networks see a picture unless told otherwise.
    """
    manifest = {
        **asdict(identity),
        "method": spec.method,
        "trained_on": "; ".join(part for part in (trained_on, spec.origin) if part),
        "quality": dict(quality or {}),
        "parameters": {**spec.parameters, "working_size": working_size},
    }
    graphs = {graph.name: (spec.exported(graph.name), graph.tolerance) for graph in spec.graphs}
    return write_bundle(out, manifest, graphs, spec.golden())


# Which module knows what a checkpoint of each training holds; `from_checkpoint` in there.
_TRAININGS = {"lga": "lga", "disco": "disco", "anchored": "anchored", "rasc": "rasc",
              "regional": "regional", "sscn": "sscn", "matched": "matched"}  # fmt: skip


def bundle(
    method: str,
    path: Path,
    out: Path,
    identity: Identity,
    *,
    quality: Path | None = None,
    working_size: int = 256,
) -> list[GraphCheck]:
    """Export the averaged weights of a checkpoint; what it was trained on is said in there.

    Parameters
    ----------
    method : str
        "lga", "disco", "rasc" or "sscn".
    quality : Path, optional
        JSON of ``python -m export evaluate METHOD --json``, for the manifest.

    Raises
    ------
    ValueError
        When the checkpoint is of another method.
    """
    state = checkpoint.load(path)
    training = str(state.get("method"))
    if training not in _TRAININGS:
        raise ValueError(f"{path} is a checkpoint of {training!r}, which makes no bundle")
    make: Callable[[Path, Mapping[str, Any]], BundleSpec] = import_module(
        f".{_TRAININGS[training]}", __package__
    ).from_checkpoint
    spec = make(path, state)
    if spec.method != method:
        raise ValueError(f"{path} is a checkpoint of {spec.method}, not of {method}")
    measured = json.loads(quality.read_text()) if quality else None
    return write(
        spec, out, identity, trained_on=state["data"], quality=measured, working_size=working_size
    )
