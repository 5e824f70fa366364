"""A bundle in INT8 out of one in float32: calibrated, searched, checked on other pictures.

Which layers stay in float32 is measured: each group of layers is tried alone on training pictures,
and those that spoil the colours most for the work they do are kept, as few as are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colordeploy.accuracy.golden import GraphCheck, verify
from colordeploy.accuracy.pictures import Fidelity, colored, compare
from colordeploy.accuracy.tolerances import MAXIMUM_MEAN_AB
from colordeploy.bundle import Bundle
from colordeploy.loading import graph_loader
from colordeploy.methods.model import ModelOptions
from colordeploy.models import model_of
from colordeploy.pictures.decoding import ImageLike
from colordeploy.runtime.graph import Graph, Target, load_graph

from .onnx_graph import ExportedGraph
from .quantize import QuantizedGraph
from .writer import Identity, write_bundle

Kept = Mapping[str, tuple[str, ...]]  # patterns of layers in float32, by graph

_PLAIN = Target(backend="onnxruntime", device="cpu")
_ON_CPU = ModelOptions("cpu")
_AIM = 0.5 * MAXIMUM_MEAN_AB  # on training pictures; others may be worse
_MINIMUM_WORK = 0.25  # of what could be in INT8: with less there is no speed to be had
_SEARCHED = 4  # pictures that each group of layers is tried on
_TOLERANCE = 1.5  # times the measured error of the golden vectors: devices round differently


@dataclass(frozen=True)
class Quantized:
    """What came of it.

    Attributes
    ----------
    work : float
        The share of multiplications in INT8, out of those that could have been.
    kept : mapping of graph to patterns
        Layers that stayed in float32, as the manifest's ``keep_fp32`` says it.
    fidelity : Fidelity
        Against float32, on the pictures of the check.
    checks : list of GraphCheck
        Against the golden vectors.
    """

    work: float
    kept: Kept
    fidelity: Fidelity
    checks: list[GraphCheck]


@dataclass
class _Mixed:
    """A bundle's graphs in INT8 but for the layers that are kept."""

    name: str
    graphs: Mapping[str, QuantizedGraph]
    kept: Kept

    def content(self, graph: str) -> bytes:
        return self.graphs[graph].mixed(self.kept.get(graph, ()))

    def load(self, graph: str) -> Graph:
        return load_graph(self.content(graph), _PLAIN, f"{self.name}/{graph}")


class _RecordedGraph:
    """A graph that keeps what it is given."""

    def __init__(self, graph: Graph, inputs: list[dict[str, NDArray[Any]]]) -> None:
        self._graph, self._inputs = graph, inputs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._graph, name)

    def run(self, inputs: Mapping[str, Any], **keywords: Any) -> Any:
        self._inputs.append({name: np.array(array) for name, array in inputs.items()})
        return self._graph.run(inputs, **keywords)


def quantize_bundle(
    bundle: Bundle,
    out: Path,
    calibration: Sequence[ImageLike],
    check: Sequence[ImageLike],
    *,
    identity: Identity | None = None,
    keep: Iterable[str] = (),
    say: Callable[[str], None] = lambda line: None,
) -> Quantized:
    """Write a bundle in INT8.

    Parameters
    ----------
    bundle : Bundle
        In float32.
    out : Path
        Folder or .zip, see `write_bundle`.
    calibration, check : sequence of pictures
        Disjoint: on the first ones ranges and layers are chosen, on the others the result is
        compared with float32.
    keep : iterable of str
        Patterns of weights or nodes that stay in float32 in any case.
    say : callable
        Told about every step.

    Raises
    ------
    ValueError
        When the bundle is not in float32, when no layer can be in INT8, and when the mean error is
        past `MAXIMUM_MEAN_AB`: the message names the groups of layers that make it.
    """
    if bundle.precision != "fp32":
        raise ValueError(f"{bundle.path} is in INT8 already; give the bundle it was made of")
    say(f"calibrating on {len(calibration)} pictures")
    feeds = recorded_inputs(bundle, calibration)
    mixed = _Mixed(
        bundle.manifest.name,
        {name: QuantizedGraph(bundle.graph(name), fed) for name, fed in feeds.items()},
        dict.fromkeys(feeds, tuple(keep)),
    )
    if not _work(mixed, mixed.kept):
        raise ValueError(f"{bundle.path} has no layer that INT8 could make faster")
    alone = _search(bundle, mixed, calibration[:_SEARCHED], say)
    found = _compared(bundle, mixed, check)
    excess = found.excess()
    if excess is not None:
        alone = alone or _errors_alone(bundle, mixed, calibration[:_SEARCHED], say)
        raise ValueError(
            f"{bundle.manifest.name} in INT8 is {excess}, {_worst(alone)}; {out} is not written. "
            "Keep these in float32 (--keep), or use half precision"
        )
    tolerances = {
        check.graph: max(check.tolerance, _TOLERANCE * check.largest_error)
        for check in verify(bundle, _PLAIN, mixed.load)
    }
    entries = bundle.manifest.graphs
    graphs = {
        name: (ExportedGraph(mixed.content(name), e.inputs, e.outputs), tolerances[name])
        for name, e in entries.items()
    }
    manifest = bundle.manifest
    identity = identity or Identity(f"{manifest.name}-int8", manifest.version, manifest.licence)
    checks = write_bundle(
        out,
        {
            **asdict(identity),
            "method": manifest.method,
            "trained_on": manifest.trained_on,
            "quality": {
                "against": f"{manifest.name} {manifest.version} in float32, ONNX Runtime",
                **asdict(found),
            },
            "parameters": {
                **manifest.parameters,
                "precision": "int8",
                "made_of": {
                    "name": manifest.name,
                    "version": manifest.version,
                    "graphs": {name: entry.sha256 for name, entry in entries.items()},
                },
                "keep_fp32": {name: list(kept) for name, kept in mixed.kept.items() if kept},
            },
        },
        graphs,
        bundle.golden(),
    )
    return Quantized(_share(mixed), mixed.kept, found, checks)


def recorded_inputs(
    bundle: Bundle, pictures: Sequence[ImageLike]
) -> dict[str, list[dict[str, NDArray[Any]]]]:
    """What every graph is given while pictures are coloured."""
    inputs: dict[str, list[dict[str, NDArray[Any]]]] = {}
    load = graph_loader(bundle, _PLAIN)

    def recorded(name: str) -> Any:
        return _RecordedGraph(load(name), inputs.setdefault(name, []))

    with model_of(bundle, recorded, _ON_CPU) as model:
        for picture in pictures:
            colored(model, picture)
    return inputs


def _compared(bundle: Bundle, mixed: _Mixed, pictures: Sequence[ImageLike]) -> Fidelity:
    with (
        model_of(bundle, graph_loader(bundle, _PLAIN), _ON_CPU) as exact,
        model_of(bundle, mixed.load, _ON_CPU) as other,
    ):
        return compare(exact, other, pictures)


def _work(mixed: _Mixed, kept: Kept) -> float:
    return sum(graph.work(kept.get(name, ())) for name, graph in mixed.graphs.items())


def _share(mixed: _Mixed) -> float:
    return _work(mixed, mixed.kept) / _work(mixed, {})


def _search(
    bundle: Bundle, mixed: _Mixed, pictures: Sequence[ImageLike], say: Callable[[str], None]
) -> dict[tuple[str, str], float]:
    """Keep as few groups as bring the colours near enough; errors of the groups alone."""
    error = _compared(bundle, mixed, pictures).mean
    say(f"all layers in INT8: off by {error:.3f} ab on average")
    if error <= _AIM:
        return {}
    alone = _errors_alone(bundle, mixed, pictures, say)
    asked = mixed.kept
    costs = {
        (name, group): _work(mixed, asked) - _work(mixed, {**asked, name: (*asked[name], group)})
        for name, group in alone
    }
    order = sorted(alone, key=lambda key: -alone[key] / costs[key])
    most, least = len(order), 1
    while True:
        count = (least + most) // 2
        mixed.kept = {
            name: (*given, *(group for graph, group in order[:count] if graph == name))
            for name, given in asked.items()
        }
        error = _compared(bundle, mixed, pictures).mean
        say(
            f"{count} of {len(order)} groups in float32: off by {error:.3f} ab, "
            f"{_share(mixed):.0%} of the work in INT8"
        )
        if least == most:
            break
        least, most = (least, count) if error <= _AIM else (count + 1, most)
    if _share(mixed) < _MINIMUM_WORK:
        raise ValueError(
            f"{bundle.manifest.name} holds in INT8 only with {_share(mixed):.0%} of the work in "
            f"it, which makes nothing faster; {_worst(alone)}. Use half precision"
        )
    return alone


def _errors_alone(
    bundle: Bundle, mixed: _Mixed, pictures: Sequence[ImageLike], say: Callable[[str], None]
) -> dict[tuple[str, str], float]:
    """The mean error when one group is in INT8 and all others in float32."""
    trial = _Mixed(mixed.name, mixed.graphs, {})
    nothing = {name: tuple(graph.groups) for name, graph in mixed.graphs.items()}
    errors = {}
    for name, graph in mixed.graphs.items():
        for group in graph.groups:
            others = tuple(other for other in graph.groups if other != group)
            trial.kept = {**nothing, name: (*mixed.kept[name], *others)}
            if graph.work(trial.kept[name]):
                errors[name, group] = _compared(bundle, trial, pictures).mean
                say(f"{name}/{group} alone: off by {errors[name, group]:.3f} ab")
    return errors


def _worst(alone: Mapping[tuple[str, str], float]) -> str:
    worst = sorted(alone.items(), key=lambda item: -item[1])[:3]
    return "by groups of layers alone: " + ", ".join(
        f"{graph}/{group} {error:.2f} ab" for (graph, group), error in worst
    )
