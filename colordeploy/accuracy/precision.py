"""Whether a bundle's graphs may be in reduced precision, by their golden vectors."""

from __future__ import annotations

from ..bundle import Bundle
from ..errors import BackendError
from ..runtime.graph import Target, load_graph
from ..runtime.precision import halved, layer_groups
from .golden import golden_errors
from .tolerances import HALF_SIMULATED

__all__ = ["check_precision"]

_CPU = Target(backend="onnxruntime", device="cpu")


def check_precision(bundle: Bundle, graph: str, precision: str) -> float:
    """How far a graph in half precision is from the golden vectors.

    Half precision is simulated: results are rounded after each node, sums are in float32.

    Returns
    -------
    float
        Largest error of all outputs, each relative to its largest golden value.

    Raises
    ------
    BackendError
        When it is past `HALF_SIMULATED`; the message names the parts of the network that make it.
    """
    content, keep = bundle.graph(graph), bundle.kept_layers(graph)
    error = _error(bundle, graph, precision, content, keep)
    if error <= HALF_SIMULATED[precision]:
        return error
    groups = layer_groups(content)
    shares = {
        group: _error(
            bundle,
            graph,
            precision,
            content,
            (*keep, *(f"{other}*" for other in groups if other != group)),
        )
        for group in groups
    }
    worst = sorted(shares.items(), key=lambda item: -item[1])[:3]
    raise BackendError(
        f"{bundle.path}: graph {graph!r} in {precision} is off by {100 * error:.2g} % (allowed: "
        f"{100 * HALF_SIMULATED[precision]:.2g} %); by part of the network: "
        + ", ".join(f"{name} {100 * value:.2g} %" for name, value in worst)
        + ". Use another precision, or keep these parts in float32 (parameter keep_fp32)"
    )


def _error(
    bundle: Bundle, graph: str, precision: str, content: bytes, keep: tuple[str, ...]
) -> float:
    simulated = halved(content, precision, keep, simulate=True)
    loaded = load_graph(simulated, _CPU, f"{bundle.manifest.name}/{graph}")
    try:
        return golden_errors(bundle, graph, loaded).relative
    finally:
        loaded.close()
