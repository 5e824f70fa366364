"""Building the engines of all graphs of a model, as one transaction."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from ..accuracy.precision import check_precision
from ..bundle import Bundle
from ..cancellation import CancelToken
from ..errors import InputError
from ..files import write_whole
from ..runtime.gpu import Device
from ..runtime.precision import HALVES
from ..runtime.tensorrt.build import BuildOptions, Profile, build_engine
from ..runtime.tensorrt.cache import TIMINGS, CachedEngines, EngineCache, NewPlan
from ..runtime.tensorrt.flavor import Flavor
from .identity import engine_parts, gpu_kind
from .shapes import Sizes, default_sizes, profiles_of

__all__ = ["BuildReport", "build_engines"]

logger = logging.getLogger("colordeploy")

BuildReport = Callable[[str, str, int, int], None]
"""Called with a graph's name, a phase, steps done and steps in all."""


def build_engines(
    bundle: Bundle,
    flavor: Flavor,
    cache: EngineCache,
    *,
    precision: str | None = None,
    sizes: Sequence[Sizes] = (),
    options: BuildOptions | None = None,
    device: Device | None = None,
    progress: BuildReport | None = None,
    waiting: Callable[[float], None] | None = None,
    cancel: CancelToken | None = None,
    anew: bool = False,
) -> tuple[CachedEngines, bool]:
    """Build the engines of a bundle's graphs, or find them in the cache.

    They enter the cache together, when the last one is built.

    Parameters
    ----------
    precision : {"fp32", "fp16", "bf16", "int8"}, optional
        Half precisions are checked first, see `check_precision`; int8 is for bundles in INT8. By
        default the graphs are built as they are.
    sizes : sequence of Sizes, optional
        By default see `default_sizes`.
    device : Device, optional
        The GPU to build for where the options name no architecture; by default the first.
    progress : callable, optional
        See `BuildReport`; what it raises ends the build.
    waiting : callable, optional
        Called again and again, with the seconds so far, while another process builds the same.
    cancel : CancelToken, optional
    anew : bool
        Build although they are in the cache.

    Returns
    -------
    (CachedEngines, bool)
        The file, and whether it was built now.

    Raises
    ------
    BackendError
        See `build_engine`, `Bundle.require_precision` and `check_precision`; nothing is kept then.
    Cancelled
        When the token was cancelled.
    """
    precision = precision or bundle.precision
    bundle.require_precision(precision)
    options = (options or BuildOptions()).checked(flavor)
    served = list(sizes) or default_sizes(bundle)
    profiles = {graph: profiles_of(bundle, graph, served) for graph in bundle.manifest.graphs}
    gpu = gpu_kind(flavor, options, device)
    parts = engine_parts(bundle, flavor, served, profiles, options, gpu, precision)
    where = gpu.name or ", ".join(gpu.architectures)

    def build() -> dict[str, NewPlan]:
        logger.info(
            "building engines of %s in %s for %s with %s %s, into %s",
            bundle.manifest.name, precision, where, flavor.name, flavor.version, cache.folder,
        )  # fmt: skip
        timings = _TimingCache(cache, f"{flavor.name}-{flavor.version}-{where}")
        return {
            graph: _built(
                bundle,
                graph,
                flavor,
                profiles[graph],
                options,
                precision,
                timings,
                progress,
                cancel,
            )
            for graph in profiles
        }

    return cache.get_or_build(parts, build, waiting=waiting, cancel=cancel, anew=anew)


def _built(
    bundle: Bundle,
    graph: str,
    flavor: Flavor,
    profiles: list[Profile],
    options: BuildOptions,
    precision: str,
    timings: _TimingCache,
    progress: BuildReport | None,
    cancel: CancelToken | None,
) -> NewPlan:
    began = time.perf_counter()
    name = f"{bundle.manifest.name}/{graph}"
    if cancel is not None:
        cancel.raise_if_cancelled()
    error = check_precision(bundle, graph, precision) if precision in HALVES else None

    def report(phase: str, done: int, steps: int) -> None:
        if progress is not None:
            progress(graph, phase, done, steps)

    built = build_engine(
        flavor, bundle.graph_in(graph, precision), profiles, options, name, report,
        cancel=cancel, timing_cache=timings.read(),
    )  # fmt: skip
    timings.write(built.timing_cache)
    seconds = time.perf_counter() - began
    logger.info("engine of %s: %.1f MiB in %.1f s", name, len(built.plan) / 2**20, seconds)
    return NewPlan(built.plan, error, round(seconds, 3))


class _TimingCache:
    """What full TensorRT measured on a kind of GPU: later builds need not measure it again."""

    def __init__(self, cache: EngineCache, kind: str) -> None:
        digest = hashlib.sha256(kind.encode()).hexdigest()[:16]
        self._path = cache.folder / f"timings-{digest}{TIMINGS}"

    def read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError:
            return b""

    def write(self, content: bytes) -> None:
        if content:
            with suppress(OSError, InputError):  # nothing depends on it but time
                write_whole(self._path, content)
