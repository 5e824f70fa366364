"""From a bundle and a GPU to loaded engines: those of the cache that fit, or new ones."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Literal

from ..bundle import Bundle
from ..cancellation import CancelToken
from ..errors import BackendError
from ..runtime.gpu import CudaDevice, open_device
from ..runtime.graph import Graph, Target
from ..runtime.tensorrt.cache import CachedEngines, EngineCache
from ..runtime.tensorrt.flavor import Flavor, find_flavor
from ..runtime.tensorrt.kernels import KernelCache
from ..runtime.tensorrt.runner import TensorRTGraph
from .build import build_engines
from .identity import misfit
from .shapes import extent, serves_default

__all__ = ["BuildPolicy", "EngineLoader"]

logger = logging.getLogger("colordeploy")

BuildPolicy = Literal["missing", "never", "always"]


class EngineLoader:
    """Loads a bundle's graphs as engines, all of them from one file of the cache.

    Engines count as fitting when they were built from these graphs, in the precision asked for
    ("auto" is the bundle's own), for this GPU, TensorRT and system. Of several the widest range
    of sizes is taken, then the newest. What does not load here is passed over, and said; nothing
    is ever removed.

    Parameters
    ----------
    bundle : Bundle
    target : Target
    build : {"missing", "never", "always"}
        Whether engines may be built: when none fits that serves the bundle's working size, never,
        or in any case.
    cache : EngineCache, optional
    progress : callable, optional
        Called with the share done in [0, 1] and what is being built.
    cancel : CancelToken, optional
        Ends a build.

    Raises
    ------
    BackendError
        Without TensorRT or a GPU, here; when loading, when engines can neither be found nor built.
    """

    def __init__(
        self,
        bundle: Bundle,
        target: Target,
        build: BuildPolicy = "missing",
        cache: EngineCache | None = None,
        progress: Callable[[float, str], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        self._bundle, self._target, self._build = bundle, target, build
        self._cache = cache or EngineCache()
        self._progress, self._cancel = progress, cancel
        self._flavor: Flavor = find_flavor()
        self._device: CudaDevice = open_device(target.index)
        self._precision = bundle.precision if target.precision == "auto" else target.precision
        bundle.require_precision(self._precision)
        self._file: CachedEngines | None = None
        self._ready: dict[str, Graph] = {}

    def __call__(self, graph: str) -> Graph:
        """A graph of the bundle, ready to run."""
        if self._file is None:
            self._file = self._chosen()
        return self._ready.pop(graph, None) or self._load(self._file, graph)

    def close(self) -> None:
        """Free the engines that were loaded and not asked for."""
        while self._ready:
            self._ready.popitem()[1].close()

    def _chosen(self) -> CachedEngines:
        found, passed_over = self._fitting()
        if self._build == "always":
            return self._new()
        for file in found:
            if self._build == "missing" and not serves_default(file.parts, self._bundle):
                passed_over.append(f"{file.path.name} serves {extent(file.parts)} only")
                continue
            reason = self._opened(file)
            if reason is None:
                return file
            logger.warning("engines %s are passed over: %s", file.path, reason)
            passed_over.append(f"{file.path.name}: {reason}")
        name = f"engines of {self._bundle.manifest.name} in {self._precision}"
        if self._build == "never":
            raise BackendError(
                f"there are no {name} in {self._cache.folder} that run on this "
                f"{self._device.name} ({self._device.architecture}) with {self._flavor.name} "
                f"{self._flavor.version}"
                + "".join(f"; {reason}" for reason in passed_over)
                + ". Build them with `colordeploy engine build`, or load with build='missing'"
            )
        logger.warning("%s are missing and are built now, which may take minutes", name)
        return self._new(passed_over)

    def _fitting(self) -> tuple[list[CachedEngines], list[str]]:
        """Files of the cache that fit, the best first, and why others of this model do not."""
        found, others = [], []
        for file in self._cache.entries():
            if file.fault and file.path.name.startswith(f"{self._bundle.manifest.name}-"):
                others.append(f"{file.path.name}: {file.fault}")
            if file.parts.get("model") != self._bundle.manifest.name:
                continue
            reason = misfit(file.parts, self._bundle, self._flavor, self._device, self._precision)
            if reason is None:
                found.append(file)
            else:
                others.append(f"{file.path.name}: {reason}")
        found.sort(key=lambda file: (extent(file.parts).area, file.built), reverse=True)
        return found, others

    def _new(self, passed_over: list[str] | None = None) -> CachedEngines:
        graphs = list(self._bundle.manifest.graphs)

        def report(graph: str, phase: str, done: int, steps: int) -> None:
            if self._progress is not None:
                share = (graphs.index(graph) + done / max(1, steps)) / len(graphs)
                self._progress(share, f"building the engine of {graph}: {phase}")

        waited = [0.0]

        def waiting(seconds: float) -> None:
            if seconds >= waited[0]:
                waited[0] = seconds + 30
                logger.warning("another process builds these engines; waited %.0f s", seconds)
            if self._progress is not None:
                self._progress(0.0, "another process builds these engines; waiting")

        file, _ = build_engines(
            self._bundle, self._flavor, self._cache, precision=self._precision,
            device=self._device, progress=report, waiting=waiting, cancel=self._cancel,
            anew=self._build == "always",
        )  # fmt: skip
        reason = self._opened(file)
        if reason is not None:
            raise BackendError("; ".join([reason, *(passed_over or [])]))
        return file

    def _opened(self, file: CachedEngines) -> str | None:
        """Load all graphs of a file; why that did not work, with none of them loaded then."""
        with ExitStack() as opened:
            for graph in self._bundle.manifest.graphs:
                try:
                    self._ready[graph] = self._load(file, graph)
                except BackendError as error:
                    self._ready.clear()
                    return str(error)
                opened.callback(self._ready[graph].close)
            opened.pop_all()
        logger.info("engines %s serve %s", file.path, extent(file.parts))
        return None

    def _load(self, file: CachedEngines, graph: str) -> Graph:
        bundle, stripped = self._bundle, file.parts["options"]["stripped"]
        return TensorRTGraph(
            file.read(graph),
            self._flavor,
            self._device,
            f"{bundle.manifest.name}/{graph}",
            self._precision,
            cuda_graphs=self._target.options.cuda_graph is not False,
            weights=bundle.graph_in(graph, self._precision) if stripped else None,
            kernels=KernelCache(file.path, graph, self._device),
            version_compatible=file.parts["options"]["version_compatible"],
        )
