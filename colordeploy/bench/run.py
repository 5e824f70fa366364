"""A run of the bench: check the model, measure it, and say what was measured on what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..bundle import find_bundle, verify
from ..errors import BackendError
from ..methods.model import loader_for
from ..models import load
from ..runtime.graph import parse_target
from . import measure
from .measure import Measured, Rules
from .report import record_of
from .statistics import interval_of_ratio
from .workload import Job, jobs

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
    backends : tuple of str
        Several are measured in turns and compared with the first.
    device, precision : str
    threads : int or None
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
    backends: tuple[str, ...] = ("auto",)
    device: str = "auto"
    precision: str = "fp32"
    threads: int | None = None
    rules: Rules = field(default_factory=Rules)
    cold: int = 3
    seed: int = 0

    def key(self, backend: str) -> dict[str, Any]:
        """What tells this run's record from others."""
        return {
            "model": self.model,
            "scenario": self.scenario,
            "size": f"{self.size[0]}x{self.size[1]}",
            "working_size": self.working_size,
            "batch": self.batch,
            "rate": self.rate,
            "backend": backend,
            "device": self.device,
            "precision": self.precision,
            "threads": self.threads,
        }


def measured_runs(plan: Plan) -> list[dict[str, Any]]:
    """Records of a plan: one for each backend, warm, then cold.

    Raises
    ------
    BackendError
        When a graph is off its golden vectors or a timed picture is a wrong one: no time is told
        then.
    """
    hashes = _verified(plan)
    with load(plan.model, "onnxruntime", "cpu", plan.threads) as plain:
        work = jobs(plain.method, plan.size, plan.seed)
        wanted = measure.expected(plain, work, plan.working_size)
    models = {
        backend: load(plan.model, backend, plan.device, plan.threads) for backend in plan.backends
    }
    try:
        found = _measured(plan, models, work, wanted)
        records = []
        for backend, measured in found.items():
            devices = {name: graph.device for name, graph in models[backend].graphs.items()}
            record = record_of(plan.key(backend), measured, devices=devices, graphs=hashes)
            if backend != plan.backends[0]:
                samples = [found[b].samples["end_to_end"] for b in (plan.backends[0], backend)]
                record["against_first"] = interval_of_ratio(*samples)
            records.append(record)
    finally:
        for model in models.values():
            model.close()
    for backend in plan.backends if plan.cold else ():
        measured = measure.cold_start(
            plan.model, backend, plan.device, plan.threads, plan.size, plan.cold
        )
        records.append(record_of({**plan.key(backend), "scenario": "cold"}, measured))
    return records


def _measured(
    plan: Plan, models: dict[str, Any], work: list[Job], wanted: list[Any]
) -> dict[str, Measured]:
    size, rules = plan.working_size, plan.rules
    if plan.scenario == "single":
        return measure.single(models, work, wanted, rules, size)
    found = {}
    for backend, model in models.items():
        if plan.scenario == "offline":
            found[backend] = measure.offline(model, work, wanted, rules, plan.batch, size)
            continue
        rate = plan.rate
        if rate is None:
            alone = measure.single({backend: model}, work, wanted, _TO_FIND_RATE, size)[backend]
            samples = sorted(alone.samples["end_to_end"])
            rate = 0.5e9 / samples[len(samples) // 2]
        found[backend] = measure.server(
            model, work, wanted, rules, rate, plan.batch, size, plan.seed
        )
    return found


def _verified(plan: Plan) -> dict[str, str]:
    """SHA-256 of the graphs, after a look at their golden vectors."""
    if plan.model == "levin":
        return {}
    bundle = find_bundle(plan.model)
    for backend in plan.backends:
        target = parse_target(backend, plan.device, plan.threads)
        for check in verify(bundle, target, loader_for(target)):
            if not check.passed:
                raise BackendError(
                    f"{plan.model}/{check.graph} is off by {check.largest_error:.2e} from its "
                    f"golden vectors on {check.device} (allowed: {check.tolerance:.2e}); no time "
                    "is told for wrong pictures"
                )
    return {graph: entry.sha256 for graph, entry in bundle.manifest.graphs.items()}
