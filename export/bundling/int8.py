"""A bundle in INT8 out of one in float32: calibrated, searched, checked on other pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colordeploy.accuracy.golden import GraphCheck, verify
from colordeploy.accuracy.pictures import Fidelity, colored
from colordeploy.bundle import Bundle
from colordeploy.loading import graph_loader
from colordeploy.models import model_of
from colordeploy.pictures.decoding import ImageLike
from colordeploy.runtime.graph import Graph

from .onnx_graph import ExportedGraph
from .quantize import QuantizedGraph
from .sensitivity import ON_CPU, PLAIN, SEARCHED, Kept, Mixed, Search
from .unfinished import Unfinished, digest
from .writer import Identity, write_bundle

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

    An interrupted search goes on where it was when it is called again, see `Unfinished`.

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
    kept = tuple(keep)
    with Unfinished(out, digest(bundle, calibration, kept)) as unfinished:
        mixed = _quantized(bundle, calibration, kept, unfinished, say)
        search = Search(mixed, calibration[:SEARCHED], unfinished, say)
        search.run()
        found = search.check(check)
        excess = found.excess()
        if excess is not None:
            raise ValueError(
                f"{bundle.manifest.name} in INT8 is {excess}, {search.worst()}; {out} is not "
                "written. Keep these in float32 (--keep), or use half precision"
            )
        tolerances = {
            check.graph: max(check.tolerance, _TOLERANCE * check.largest_error)
            for check in verify(bundle, PLAIN, mixed.load)
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
        return Quantized(mixed.share, mixed.kept, found, checks)


def recorded_inputs(
    bundle: Bundle, pictures: Sequence[ImageLike]
) -> dict[str, list[dict[str, NDArray[Any]]]]:
    """What every graph is given while pictures are coloured."""
    inputs: dict[str, list[dict[str, NDArray[Any]]]] = {}
    load = graph_loader(bundle, PLAIN)

    def recorded(name: str) -> Any:
        return _RecordedGraph(load(name), inputs.setdefault(name, []))

    with model_of(bundle, recorded, ON_CPU) as model:
        for picture in pictures:
            colored(model, picture)
    return inputs


def _quantized(
    bundle: Bundle,
    calibration: Sequence[ImageLike],
    keep: tuple[str, ...],
    unfinished: Unfinished,
    say: Callable[[str], None],
) -> Mixed:
    """The bundle's graphs in INT8, or what an interrupted run left of them."""
    made = unfinished.graphs(bundle.manifest.graphs)
    pictures = calibration if made is None else calibration[:SEARCHED]
    if made is None:
        say(f"calibrating on {len(pictures)} pictures")
    else:
        say("going on where an earlier search was interrupted")
    feeds = recorded_inputs(bundle, pictures)
    graphs = {
        name: QuantizedGraph(bundle.graph(name), fed, made[name] if made else None)
        for name, fed in feeds.items()
    }
    if made is None:
        unfinished.keep({name: graph.whole for name, graph in graphs.items()})
    firsts = {name: fed[:SEARCHED] for name, fed in feeds.items()}
    mixed = Mixed(bundle, graphs, firsts, dict.fromkeys(feeds, keep))
    if not mixed.work():
        raise ValueError(f"{bundle.path} has no layer that INT8 could make faster")
    return mixed
