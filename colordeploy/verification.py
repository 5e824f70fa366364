"""Whether a bundle's graphs compute here what they computed in training: its golden vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .bundle import Bundle
from .errors import BundleError
from .runtime.graph import Graph, Target

__all__ = ["HALF_TOLERANCE", "GraphCheck", "Loader", "verify"]

# Of half precision's error on a device over the golden vectors, as shares of an output's largest
# value; what is built for TensorRT has to meet less (`colordeploy.engines`). OpenVINO rounds what
# goes into a softmax too. The vectors are noise at small sizes; what colours do on real pictures is
# `colordeploy.fidelity`'s to say.
HALF_TOLERANCE = {"fp16": 0.02, "bf16": 0.15}


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
        The bundle's own in float32, `HALF_TOLERANCE` in half precision.
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


Loader = Callable[[Bundle, str, Target], Graph]


def verify(bundle: Bundle, target: Target, load: Loader = Bundle.load) -> list[GraphCheck]:
    """Run every graph on its golden inputs.

    Parameters
    ----------
    load : callable
        Loads a graph of the bundle by name.

    Raises
    ------
    BundleError
        For damaged files or golden vectors that do not fit the graphs.
    """
    golden = bundle.golden()
    checks = []
    for name, entry in bundle.manifest.graphs.items():
        graph = load(bundle, name, target)
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
                        f"{bundle.path}: output {key!r} of {name!r} has shape "
                        f"{outputs[key].shape}, the golden one {value.shape}"
                    )
                difference = np.abs(outputs[key].astype(np.float64) - value).max()
                errors[key] = float(np.maximum(errors.get(key, 0.0), difference))  # keeps NaN
                sizes[key] = max(sizes.get(key, 0.0), float(np.abs(value).max()))
        tolerance = HALF_TOLERANCE.get(graph.precision, entry.tolerance)
        if graph.precision in HALF_TOLERANCE:
            errors = {key: error / max(sizes[key], 1e-12) for key, error in errors.items()}
        largest = float(np.max(list(errors.values()), initial=0.0))
        checks.append(
            GraphCheck(name, graph.device, len(cases), largest, tolerance, graph.precision)
        )
        graph.close()
    return checks
