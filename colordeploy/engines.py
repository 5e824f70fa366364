"""From a bundle to TensorRT engines: shapes, precision and its check, the cache."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bundle import Bundle, TensorEntry
from .errors import BackendError
from .runtime.gpu import open_device
from .runtime.graph import Graph, Target, load_graph
from .runtime.precision import HALVES, halved, layer_groups
from .runtime.tensorrt.build import BuildOptions, Profile, build_engine
from .runtime.tensorrt.cache import EngineCache
from .runtime.tensorrt.flavor import Flavor, find_flavor
from .runtime.tensorrt.runner import TensorRTGraph

__all__ = [
    "Built",
    "Sizes",
    "build_engines",
    "check_precision",
    "load_engine",
    "load_halved",
    "parse_profile",
    "parse_size",
]

# Of the error against float32, as shares of an output's largest value over the golden vectors.
MOST_ERROR = {"fp16": 0.02, "bf16": 0.06}
_SIZE = re.compile(r"(\d+)x(\d+)")
_LARGEST = 4  # times the working size, by default
_MOST_REGIONS = 2048
_MOST_BATCH = 4


@dataclass(frozen=True)
class Sizes:
    """Heights and widths of the working pictures that an engine serves.

    Attributes
    ----------
    least, best, most : (height, width)
    """

    least: tuple[int, int]
    best: tuple[int, int]
    most: tuple[int, int]


@dataclass(frozen=True)
class Built:
    """One graph's engine.

    Attributes
    ----------
    graph : str
    size : int
        Of the plan, in bytes.
    new : bool
        False: it was in the cache.
    error : float or None
        Of reduced precision, see `check_precision`.
    """

    graph: str
    size: int
    new: bool
    error: float | None


def parse_size(text: str) -> tuple[int, int]:
    """Height and width out of "480x640".

    Raises
    ------
    BackendError
        When it is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match or not int(match[1]) or not int(match[2]):
        raise BackendError(f"a size is HEIGHTxWIDTH in pixels, such as 256x384, not {text!r}")
    return int(match[1]), int(match[2])


def parse_profile(text: str) -> Sizes:
    """Sizes out of "64x64,256x384,1024x1024": the smallest, the usual, the largest."""
    parts = text.split(",")
    if len(parts) != 3:
        raise BackendError(
            f"a profile is the smallest, the usual and the largest size, such as "
            f"64x64,256x384,1024x1024, not {text!r}"
        )
    return Sizes(*(parse_size(part) for part in parts))


def default_sizes(bundle: Bundle) -> Sizes:
    """From one multiple of the network to four times its working size."""
    step, working = _multiple(bundle), bundle.whole_parameter("working_size", least=1)
    best = -(-working // step) * step
    return Sizes((step, step), (best, best), (_LARGEST * best, _LARGEST * best))


def _multiple(bundle: Bundle) -> int:
    name = "cell" if "cell" in bundle.manifest.parameters else "multiple"
    return bundle.whole_parameter(name, least=1)


def profiles_of(bundle: Bundle, graph: str, sizes: list[Sizes]) -> list[Profile]:
    """A graph's input shapes for working pictures of certain sizes, padded to its multiple.

    Raises
    ------
    BackendError
        When a graph has a free dimension that nothing is known of.
    """
    step = _multiple(bundle)

    def padded(size: tuple[int, int]) -> tuple[int, int]:
        return -(-size[0] // step) * step, -(-size[1] // step) * step

    def shape(entry: TensorEntry, size: tuple[int, int], rank: int) -> tuple[int, ...]:
        height, width = padded(size)
        places = max(1, height * width // 16)
        free = {
            "batch": (1, 1, _MOST_BATCH)[rank],
            "height": height,
            "width": width,
            "selected": (1, min(512, places), places)[rank],
            "regions": (1, 166, _MOST_REGIONS)[rank],
        }
        result = []
        for dimension in entry.shape:
            name, _, divisor = str(dimension).partition("/")
            if isinstance(dimension, int):
                result.append(dimension)
            elif name in free:
                result.append(max(1, free[name] // int(divisor or 1)))
            else:
                raise BackendError(
                    f"{bundle.path}: graph {graph!r} has a free dimension {dimension!r} that this "
                    "version does not know; update colordeploy"
                )
        return tuple(result)

    inputs = bundle.manifest.graphs[graph].inputs
    return [
        Profile(
            {t.name: shape(t, s.least, 0) for t in inputs},
            {t.name: shape(t, s.best, 1) for t in inputs},
            {t.name: shape(t, s.most, 2) for t in inputs},
        )
        for s in sizes
    ]


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
        When it is past `MOST_ERROR`; the message names the parts of the network that make it.
    """
    content, keep = bundle.graph(graph), bundle.kept_layers(graph)
    error = _error(bundle, graph, halved(content, precision, keep, simulate=True))
    if error <= MOST_ERROR[precision]:
        return error
    groups = layer_groups(content)
    shares = {
        group: _error(
            bundle,
            graph,
            halved(
                content,
                precision,
                (*keep, *(f"{other}*" for other in groups if other != group)),
                simulate=True,
            ),
        )
        for group in groups
    }
    worst = sorted(shares.items(), key=lambda item: -item[1])[:3]
    raise BackendError(
        f"{bundle.path}: graph {graph!r} in {precision} is off by {100 * error:.2g} % (allowed: "
        f"{100 * MOST_ERROR[precision]:.2g} %); by part of the network: "
        + ", ".join(f"{name} {100 * value:.2g} %" for name, value in worst)
        + ". Use another precision, or keep these parts in float32 (parameter keep_fp32)"
    )


def _error(bundle: Bundle, graph: str, content: bytes) -> float:
    entry, golden = bundle.manifest.graphs[graph], bundle.golden()
    cases = sorted({key.split("/")[1] for key in golden if key.startswith(f"{graph}/")})
    loaded = load_graph(content, Target(device="cpu"), graph)
    largest: dict[str, float] = {}
    errors: dict[str, float] = {}
    for case in cases:
        outputs = loaded.run(
            {t.name: golden[f"{graph}/{case}/input/{t.name}"] for t in entry.inputs}
        )
        for tensor in entry.outputs:
            expected: NDArray[Any] = golden[f"{graph}/{case}/output/{tensor.name}"]
            off = float(np.abs(outputs[tensor.name].astype(np.float64) - expected).max())
            errors[tensor.name] = float(np.maximum(errors.get(tensor.name, 0.0), off))
            size = float(np.abs(expected).max())
            largest[tensor.name] = max(largest.get(tensor.name, 0.0), size)
    loaded.close()
    return max(error / max(largest[name], 1e-12) for name, error in errors.items())


def engine_parts(
    bundle: Bundle,
    graph: str,
    flavor: Flavor,
    profiles: list[Profile],
    options: BuildOptions,
    precision: str,
) -> dict[str, Any]:
    """All that an engine depends on, for `engine_key`."""
    return {
        "model": bundle.manifest.name,
        "model_version": bundle.manifest.version,
        "graph": graph,
        "sha256": bundle.manifest.graphs[graph].sha256,
        "kept": hashlib.sha256(repr(bundle.kept_layers(graph)).encode()).hexdigest()[:12],
        "precision": precision,
        "profiles": [
            {name: [list(p.least[name]), list(p.best[name]), list(p.most[name])] for name in p.best}
            for p in profiles
        ],
        "options": {**options.to_dict(), "architectures": list(options.architectures)},
        "flavor": flavor.name,
        "flavor_version": flavor.version,
        "colordeploy": version("colordeploy"),
    }


def graph_in(bundle: Bundle, graph: str, precision: str) -> tuple[bytes, float | None]:
    """A graph in a precision that was checked, and its error, see `check_precision`.

    Parameters
    ----------
    precision : {"fp32", "fp16", "bf16"}
    """
    if precision not in HALVES:
        return bundle.graph(graph), None
    error = check_precision(bundle, graph, precision)
    return halved(bundle.graph(graph), precision, bundle.kept_layers(graph)), error


def load_halved(bundle: Bundle, graph: str, target: Target) -> Graph:
    """A graph of which most is in float16, for ONNX Runtime on a GPU; see `halved`."""
    content = halved(bundle.graph(graph), target.precision, bundle.kept_layers(graph))
    return load_graph(content, target, f"{bundle.manifest.name}/{graph}")


def load_engine(
    bundle: Bundle, graph: str, target: Target, cache: EngineCache | None = None
) -> Graph:
    """An engine of the cache that fits this GPU and TensorRT, or one that is built now.

    The newest one of the target's precision is taken ("auto": of any), whatever sizes it was built
    for. One that does not load is removed and built again, with a warning.

    Raises
    ------
    BackendError
        Without TensorRT, pycuda or a GPU, and when an engine can neither be loaded nor built.
    """
    cache = cache or EngineCache()
    flavor, device = find_flavor(), open_device(target.index)
    name = f"{bundle.manifest.name}/{graph}"
    cuda_graphs = target.options.cuda_graph is not False
    wanted = {
        "sha256": bundle.manifest.graphs[graph].sha256,
        "flavor": flavor.name,
        "flavor_version": flavor.version,
        "colordeploy": version("colordeploy"),
    }
    if target.precision != "auto":
        wanted["precision"] = target.precision
    for parts in cache.find(wanted):
        built_for = parts["options"]["architectures"]
        if built_for and device.architecture not in built_for:
            continue
        plan = cache.get(parts)
        try:
            if plan is not None:
                return TensorRTGraph(
                    plan, flavor, device, name, parts["precision"], cuda_graphs=cuda_graphs
                )
            reason = "its file is damaged"
        except BackendError as error:
            reason = str(error)
        cache.drop(parts)
        warnings.warn(f"an engine of {name} is built again: {reason}", stacklevel=2)
    profiles = profiles_of(bundle, graph, [default_sizes(bundle)])
    options = BuildOptions()
    precision = bundle.precision if target.precision == "auto" else target.precision
    bundle.require_precision(precision)
    parts = engine_parts(bundle, graph, flavor, profiles, options, precision)

    def build() -> bytes:
        content, _ = graph_in(bundle, graph, precision)
        return build_engine(flavor, content, profiles, options, name)

    plan, _ = cache.get_or_build(parts, build)
    return TensorRTGraph(plan, flavor, device, name, precision, cuda_graphs=cuda_graphs)


def build_engines(
    bundle: Bundle,
    flavor: Flavor,
    cache: EngineCache,
    *,
    precision: str | None = None,
    sizes: list[Sizes] | None = None,
    options: BuildOptions | None = None,
    progress: Callable[[str, str, int, int], bool] | None = None,
    waiting: Callable[[str], None] | None = None,
) -> Iterator[Built]:
    """Build, or find in the cache, the engine of every graph of a bundle, one by one.

    Parameters
    ----------
    precision : {"fp32", "fp16", "bf16", "int8"}, optional
        Half precisions are checked first, see `check_precision`; int8 is for bundles in INT8. By
        default the graphs are built as they are.
    sizes : list of Sizes, optional
        See `default_sizes`.
    progress : callable, optional
        Called with graph, phase, steps done and in all; False cancels.
    waiting : callable, optional
        Called with a graph that another process is building already.

    Raises
    ------
    BackendError
        See `build_engine`, `Bundle.require_precision` and `check_precision`.
    """
    precision = precision or bundle.precision
    bundle.require_precision(precision)
    options = options or BuildOptions()
    options = BuildOptions(
        **{**options.to_dict(), "architectures": flavor.check_architectures(options.architectures)}
    )
    for graph in bundle.manifest.graphs:
        profiles = profiles_of(bundle, graph, sizes or [default_sizes(bundle)])
        parts = engine_parts(bundle, graph, flavor, profiles, options, precision)
        error = None

        def build(graph: str = graph, profiles: list[Profile] = profiles) -> bytes:
            nonlocal error
            content, error = graph_in(bundle, graph, precision)
            name = f"{bundle.manifest.name}/{graph}"
            report = None
            if progress is not None:
                shown = progress

                def report(phase: str, done: int, all_: int) -> bool:
                    return shown(graph, phase, done, all_)

            return build_engine(flavor, content, profiles, options, name, report)

        def wait(graph: str = graph) -> None:
            if waiting is not None:
                waiting(graph)

        plan, new = cache.get_or_build(parts, build, waiting=wait)
        yield Built(graph, len(plan), new, error)
