"""Golden vectors: a bundle's graphs against what they computed in training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..bundle import Bundle
from ..errors import BundleError
from ..loading import graph_loader
from ..methods.method import GraphLoader
from ..runtime.graph import Graph, Target
from .tolerances import HALF_ON_DEVICE

__all__ = ["GoldenErrors", "GraphCheck", "golden_errors", "verify"]


@dataclass(frozen=True)
class GoldenErrors:
    """Errors of one graph over its golden vectors.

    Attributes
    ----------
    cases : int
    absolute : float
        Largest difference over all cases and outputs; NaN when there is one.
    relative : float
        The largest of each output's difference over its largest golden value.
    """

    cases: int
    absolute: float
    relative: float


@dataclass(frozen=True)
class GraphCheck:
    """How far a graph's outputs on this device are from its golden vectors.

    Attributes
    ----------
    graph : str
    device : str
    cases : int
        Golden inputs that were run.
    largest_error : float
        Largest difference over all cases and outputs: absolute in float32, in half precision as a
        share of the output's largest value.
    tolerance : float
        The bundle's own in float32, `HALF_ON_DEVICE` in half precision.
    precision : str
        That it was run in.
    """

    graph: str
    device: str
    cases: int
    largest_error: float
    tolerance: float
    precision: str = "fp32"

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; NaN is not."""
        return self.cases > 0 and self.largest_error <= self.tolerance


def golden_errors(bundle: Bundle, name: str, graph: Graph) -> GoldenErrors:
    """Run a graph on the golden inputs of a bundle's graph.

    Raises
    ------
    BundleError
        For golden vectors that do not fit the graph.
    """
    entry, golden = bundle.manifest.graphs[name], bundle.golden()
    cases = sorted({key.split("/")[1] for key in golden if key.startswith(f"{name}/")})
    errors: dict[str, float] = {}
    sizes: dict[str, float] = {}
    for case in cases:
        try:
            inputs = {t.name: golden[f"{name}/{case}/input/{t.name}"] for t in entry.inputs}
            expected = {t.name: golden[f"{name}/{case}/output/{t.name}"] for t in entry.outputs}
        except KeyError as error:
            raise BundleError(f"{bundle.path}: golden.npz lacks {error}") from None
        outputs = graph.run(inputs)
        for key, value in expected.items():
            if key not in outputs or value.size == 0:
                raise BundleError(f"{bundle.path}: output {key!r} of {name!r} proves nothing")
            if outputs[key].shape != value.shape:
                raise BundleError(
                    f"{bundle.path}: output {key!r} of {name!r} has shape {outputs[key].shape}, "
                    f"the golden one {value.shape}"
                )
            difference = np.abs(outputs[key].astype(np.float64) - value).max()
            errors[key] = float(np.maximum(errors.get(key, 0.0), difference))  # keeps NaN
            sizes[key] = max(sizes.get(key, 0.0), float(np.abs(value).max()))
    shares = [error / max(sizes[key], 1e-12) for key, error in errors.items()]
    return GoldenErrors(
        len(cases),
        float(np.max(list(errors.values()), initial=0.0)),
        float(np.max(shares, initial=0.0)),
    )


def verify(bundle: Bundle, target: Target, load: GraphLoader | None = None) -> list[GraphCheck]:
    """Run every graph on its golden inputs.

    Parameters
    ----------
    target : Target
        Where to run them.
    load : callable, optional
        Loads a graph of the bundle by name instead.

    Raises
    ------
    BundleError
        For damaged files or golden vectors that do not fit the graphs.
    """
    loader = load or graph_loader(bundle, target)
    checks = []
    for name, entry in bundle.manifest.graphs.items():
        graph = loader(name)
        try:
            found = golden_errors(bundle, name, graph)
            half = graph.precision in HALF_ON_DEVICE
            checks.append(
                GraphCheck(
                    name,
                    graph.device,
                    found.cases,
                    found.relative if half else found.absolute,
                    HALF_ON_DEVICE.get(graph.precision, entry.tolerance),
                    graph.precision,
                )
            )
        finally:
            graph.close()
    return checks
