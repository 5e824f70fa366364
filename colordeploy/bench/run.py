"""A run of the bench: check the model, measure it, and say what was measured on what."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ..accuracy.golden import verify
from ..bundle import find_bundle
from ..errors import BackendError
from ..methods import find_method
from ..models import load
from ..runtime.driver import open_driver
from ..runtime.graph import Target
from . import measure
from .measure import Measured, Rules
from .report import record_of
from .statistics import interval_of_ratio
from .workload import Job, jobs, method_of

__all__ = ["Plan", "measured_runs"]

_TO_FIND_RATE = Rules(duration=1.0, queries=5, warm_up=0.0, warm_up_queries=1)


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes
    ----------
    model : str
        Name or bundle.
    size : (height, width)
        Of the pictures.
    scenario : {"single", "offline", "server"}
    working_size : int, "native" or None
        See `prepare`.
    batch : int
        Pictures in work at once (offline, server).
    rate : float or None
        Arrivals a second (server); None: half of what one stream gives.
    targets : tuple of Target
        Several are measured in turns and compared with the first.
    rules : Rules
    cold : int
        Fresh processes for the cold start.
    seed : int
    """

    model: str
    size: tuple[int, int] = (1024, 768)
    scenario: str = "single"
    working_size: Any = None
    batch: int = 1
    rate: float | None = None
    targets: tuple[Target, ...] = (Target(),)
    rules: Rules = field(default_factory=Rules)
    cold: int = 3
    seed: int = 0

    def key(self, target: Target) -> dict[str, Any]:
        """What tells this run's record from others."""
        return {
            "model": self.model,
            "scenario": self.scenario,
            "size": f"{self.size[0]}x{self.size[1]}",
            "working_size": self.working_size,
            "batch": self.batch,
            "rate": self.rate,
            "backend": target.backend,
            "device": target.device,
            "precision": target.precision,
            "threads": target.threads,
        }


def measured_runs(plan: Plan) -> list[dict[str, Any]]:
    """Records of a plan: one for each target, warm, then cold.

    Raises
    ------
    BackendError
        When a graph is off its golden vectors or a timed picture is a wrong one: no time is told
        then.
    """
    hashes = _verified(plan)
    with _plain(plan) as plain:
        work = jobs(method_of(plain), plan.size, plan.seed)
        wanted = measure.expected(plain, work, plan.working_size)
    free = _free_memory(plan.targets[0])
    models = {target: _loaded(plan, target) for target in plan.targets}
    try:
        found = _measured(plan, models, work, wanted)
        left = _free_memory(plan.targets[0])
        records = []
        for target, measured in found.items():
            devices = {name: graph.device for name, graph in models[target].graphs.items()}
            record = record_of(
                plan.key(target),
                measured,
                devices=devices,
                graphs=hashes,
                engines=_engines(models[target]),
                device_memory_mib=None if free is None or left is None else (free - left) / 2**20,
            )
            if target != plan.targets[0]:
                samples = [found[t].samples["end_to_end"] for t in (plan.targets[0], target)]
                record["against_first"] = interval_of_ratio(*samples)
            records.append(record)
    finally:
        for model in models.values():
            model.close()
    for target in plan.targets if plan.cold else ():
        measured = measure.cold_start(plan.model, target, plan.size, plan.cold)
        records.append(record_of({**plan.key(target), "scenario": "cold"}, measured))
    return records


def _loaded(plan: Plan, target: Target) -> Any:
    """The model, set up so that a GPU's time can be told where graphs run one after another."""
    options = target.options
    timed = plan.scenario == "single" and not _without_networks(plan.model)
    if timed and target.runtime == "onnxruntime" and target.device != "cpu":
        options = replace(options, timed=True)
    return load(
        plan.model,
        backend=target.backend,
        device=target.device,
        threads=target.threads,
        precision=target.precision,
        options=options,
    )


def _plain(plan: Plan) -> Any:
    """The model as every timed picture is checked against it: float32 on the CPU."""
    threads = plan.targets[0].threads
    if _without_networks(plan.model):
        return load(plan.model, device="cpu", threads=threads)
    return load(plan.model, backend="onnxruntime", device="cpu", threads=threads)


def _without_networks(model: str) -> bool:
    method = find_method(model)
    return method is not None and not method.bundled


def _free_memory(target: Target) -> int | None:
    """Of the GPU that a run may use; the whole of it, so other processes count too."""
    if target.device == "cpu":
        return None
    try:
        return open_driver().free_memory(target.index)
    except BackendError:
        return None


def _engines(model: Any) -> dict[str, str]:
    """SHA-256 of the engines that really ran; graphs without one are left out."""
    graphs = model.graphs.items()
    return {name: graph.sha256 for name, graph in graphs if hasattr(graph, "sha256")}


def _measured(
    plan: Plan, models: dict[Target, Any], work: list[Job], wanted: list[Any]
) -> dict[Target, Measured]:
    size, rules = plan.working_size, plan.rules
    if plan.scenario == "single":
        return measure.single(models, work, wanted, rules, size)
    found = {}
    for target, model in models.items():
        if plan.scenario == "offline":
            found[target] = measure.offline(model, work, wanted, rules, plan.batch, size)
            continue
        rate = plan.rate
        if rate is None:
            alone = measure.single({target: model}, work, wanted, _TO_FIND_RATE, size)[target]
            samples = sorted(alone.samples["end_to_end"])
            rate = 0.5e9 / samples[len(samples) // 2]
        found[target] = measure.server(
            model, work, wanted, rules, rate, plan.batch, size, plan.seed
        )
    return found


def _verified(plan: Plan) -> dict[str, str]:
    """SHA-256 of the graphs, after a look at their golden vectors."""
    if _without_networks(plan.model):
        return {}
    bundle = find_bundle(plan.model)
    for target in plan.targets:
        for check in verify(bundle, target):
            if not check.passed:
                raise BackendError(
                    f"{plan.model}/{check.graph} is off by {check.largest_error:.2e} from its "
                    f"golden vectors on {check.device} (allowed: {check.tolerance:.2e}); no time "
                    "is told for wrong pictures"
                )
    return {graph: entry.sha256 for graph, entry in bundle.manifest.graphs.items()}
