"""A run of the bench: check the models, measure them, and say what was measured on what."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..accuracy.golden import verify
from ..batch.plan import MAXIMUM_WORKERS
from ..bundle import find_bundle
from ..errors import BackendError, InputError
from ..loading import on_cpu
from ..methods import find_method
from ..models import load
from ..native.checks import thread_count
from ..runtime.driver import open_driver
from ..runtime.graph import Target
from . import measure
from .measure import Measured, Rules
from .report import record_of
from .statistics import highest_percentile, interval_of_ratio, percentile
from .workload import Job, jobs, method_of

__all__ = ["Plan", "Subject", "at_once", "groups", "measured_runs"]

_TO_FIND_RATE = Rules(duration=1.0, queries=5, warm_up=0.0, warm_up_queries=1)


@dataclass(frozen=True)
class Subject:
    """One of the things that are compared.

    Attributes
    ----------
    model : str
        Name or path of a bundle.
    target : Target
    """

    model: str
    target: Target


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes
    ----------
    models : tuple of str
        Names or bundles, all of one method, which get the same pictures and guidance.
    size : (height, width)
        Of the pictures.
    scenario : {"single", "offline", "server"}
    working_size : int, "native" or None
        See `prepare`.
    batch : int
        Pictures in work at once (offline, server).
    rate : float or None
        Arrivals a second (server); None: half of what one stream gives.
    latency_bound : float or None
        Milliseconds that a server's latency is to stay within.
    targets : tuple of Target
        Every model is measured on each, all in turns, and compared with the first.
    rules : Rules
    cold : int
        Fresh processes for the cold start.
    seed : int
    """

    models: tuple[str, ...]
    size: tuple[int, int] = (1024, 768)
    scenario: str = "single"
    working_size: Any = None
    batch: int = 1
    rate: float | None = None
    latency_bound: float | None = None
    targets: tuple[Target, ...] = (Target(),)
    rules: Rules = field(default_factory=Rules)
    cold: int = 3
    seed: int = 0

    @property
    def subjects(self) -> list[Subject]:
        """All pairs of a model and a target."""
        return [Subject(model, target) for model in self.models for target in self.targets]

    @cached_property
    def names(self) -> dict[str, str]:
        """What models are called in records: by their own names, not by their paths.

        Of several bundles of one name the later ones are told by their versions, or by what is in
        them where those are the same, too.
        """
        found: dict[str, str] = {}
        for model in self.models:
            wanted = [_name(model)]
            if not _without_networks(model):
                manifest = find_bundle(model).manifest
                wanted.append(f"{wanted[0]} {manifest.version}")
                content = "".join(sorted(entry.sha256 for entry in manifest.graphs.values()))
                wanted.append(f"{wanted[1]} {hashlib.sha256(content.encode()).hexdigest()[:8]}")
                wanted += (f"{wanted[2]} again {i}" for i in range(1, len(self.models)))
            found[model] = next(name for name in wanted if name not in found.values())
        return found

    def key(self, subject: Subject) -> dict[str, Any]:
        """What tells this run's record from others; for the model see `names`."""
        target = subject.target
        return {
            "model": self.names[subject.model],
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


def at_once(
    scenario: str, batch: int | None, threads: int | None, device: str
) -> tuple[int, int | None]:
    """Pictures in work at once and threads for each, where they are not given.

    Two pictures with a thread each are done sooner than one after the other with two: graphs of
    this size do not keep several processors busy all the time.

    Parameters
    ----------
    scenario : {"single", "offline", "server"}
    batch, threads : int or None
        None: for throughput (`offline`) a picture for each thread on the CPU, and threads shared
        out among the pictures.
    device : str

    Returns
    -------
    (batch, threads)
        None for threads means all of them.
    """
    if scenario == "single" or not on_cpu(device):
        return batch or 1, threads
    there = thread_count(None)
    if batch is None:
        batch = min(there, MAXIMUM_WORKERS) if scenario == "offline" and threads is None else 1
    if threads is None and batch > 1:
        threads = max(1, there // batch)
    return batch, threads


def groups(models: Sequence[str]) -> list[tuple[str, ...]]:
    """Models by their methods, in the order given: those of one method can take turns."""
    found: dict[str, list[str]] = {}
    for model in dict.fromkeys(models):
        method = model if _without_networks(model) else find_bundle(model).manifest.method
        found.setdefault(method, []).append(model)
    return [tuple(names) for names in found.values()]


def measured_runs(plan: Plan) -> Iterator[dict[str, Any]]:
    """Records of a plan: one for each subject, warm, then cold.

    Raises
    ------
    BackendError
        When a graph is off its golden vectors or a timed picture is a wrong one: no time is told
        then.
    InputError
        When more queries are to arrive than can be answered.
    KeyboardInterrupt
        After the records of what was measured until Ctrl-C.
    """
    subjects = plan.subjects
    hashes = {model: _verified(model, plan.targets) for model in plan.models}
    wanted: dict[Subject, list[Any]] = {}
    work: list[Job] = []
    for name in plan.models:
        with _plain(name, plan) as plain:
            work = work or jobs(method_of(plain), plan.size, plan.seed)
            pictures = measure.expected(plain, work, plan.working_size)
        wanted.update({s: pictures for s in subjects if s.model == name})
    free = _free_memory(plan.targets[0])
    with ExitStack() as opened:
        models = {s: opened.enter_context(_loaded(plan, s)) for s in subjects}
        found, rates = _measured(plan, models, work, wanted)
        left = _free_memory(plan.targets[0])
        taken = None if free is None or left is None else (free - left) / 2**20
        for subject, measured in found.items():
            more: dict[str, Any] = {
                "bundle": _identity(subject.model),
                "devices": {n: graph.device for n, graph in models[subject].graphs.items()},
                "graphs": hashes[subject.model],
                "engines": _engines(models[subject]),
                "device_memory_mib": taken,
                "rate": rates.get(subject),
                "bound": _bound(plan, measured),
            }
            if subject != subjects[0]:
                samples = [found[s].samples["end_to_end"] for s in (subjects[0], subject)]
                more["against_first"] = interval_of_ratio(*samples)
            yield record_of(plan.key(subject), measured, **more)
    if any(measured.interrupted for measured in found.values()):
        raise KeyboardInterrupt
    for subject in subjects if plan.cold else ():
        measured = measure.cold_start(subject.model, subject.target, plan.size, plan.cold)
        key = {**plan.key(subject), "scenario": "cold"}
        yield record_of(key, measured, bundle=_identity(subject.model))


def _name(model: str) -> str:
    return model if _without_networks(model) else find_bundle(model).manifest.name


def _identity(model: str) -> dict[str, str]:
    """What was measured, for a reader of the file."""
    if _without_networks(model):
        return {"name": model}
    manifest = find_bundle(model).manifest
    return {"name": manifest.name, "version": manifest.version, "method": manifest.method}


def _loaded(plan: Plan, subject: Subject) -> Any:
    """The model, set up so that a GPU's time can be told where graphs run one after another."""
    target = subject.target
    options = target.options
    timed = plan.scenario == "single" and not _without_networks(subject.model)
    if timed and target.runtime == "onnxruntime" and target.device != "cpu":
        options = replace(options, timed=True)
    return load(
        subject.model,
        backend=target.backend,
        device=target.device,
        threads=target.threads,
        precision=target.precision,
        options=options,
    )


def _plain(model: str, plan: Plan) -> Any:
    """The model as every timed picture is checked against it: float32 on the CPU."""
    threads = plan.targets[0].threads
    if _without_networks(model):
        return load(model, device="cpu", threads=threads)
    return load(model, backend="onnxruntime", device="cpu", threads=threads)


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
    plan: Plan, models: Mapping[Subject, Any], work: list[Job], wanted: Mapping[Subject, list[Any]]
) -> tuple[dict[Subject, Measured], dict[Subject, float]]:
    """Measured by subject, and arrivals a second where there are any."""
    size, rules = plan.working_size, plan.rules
    if plan.scenario == "single":
        return measure.single(dict(models), work, wanted, rules, size), {}
    found: dict[Subject, Measured] = {}
    rates: dict[Subject, float] = {}
    for subject, model in models.items():
        pictures = wanted[subject]
        if plan.scenario == "offline":
            found[subject] = measure.offline(model, work, pictures, rules, plan.batch, size)
            continue
        rate = rates[subject] = _rate(plan, model, work, pictures)
        found[subject] = measure.server(
            model, work, pictures, rules, rate, plan.batch, size, plan.seed
        )
    return found, rates


def _rate(plan: Plan, model: Any, work: list[Job], wanted: list[Any]) -> float:
    """Arrivals a second: those of the plan, or half of what one stream gives."""
    alone = measure.single({0: model}, work, {0: wanted}, _TO_FIND_RATE, plan.working_size)[0]
    samples = sorted(alone.samples["end_to_end"])
    capacity = 1e9 / samples[len(samples) // 2]
    if plan.rate is None:
        return 0.5 * capacity
    if plan.rate > capacity * plan.batch:
        raise InputError(
            f"{plan.rate:g} queries a second are more than the {capacity * plan.batch:.3g} that "
            f"{plan.batch} at once can be at best ({capacity:.3g} one after another); give a lower "
            "--rate, or more at once by --batch"
        )
    return plan.rate


def _bound(plan: Plan, measured: Measured) -> dict[str, Any] | None:
    """Whether a server's latency was within the bound, at the percentile that samples allow."""
    latency = measured.samples.get("latency")
    if plan.latency_bound is None or not latency:
        return None
    p = highest_percentile(len(latency))
    found = (percentile(latency, p) or 0) / 1e6
    return {
        "milliseconds": plan.latency_bound,
        "percentile": p,
        "found_ms": found,
        "within": found <= plan.latency_bound and not measured.overloaded,
    }


def _verified(model: str, targets: Sequence[Target]) -> dict[str, str]:
    """SHA-256 of the graphs, after a look at their golden vectors."""
    if _without_networks(model):
        return {}
    bundle = find_bundle(model)
    for target in targets:
        for check in verify(bundle, target):
            if not check.passed:
                raise BackendError(
                    f"{model}/{check.graph} is off by {check.largest_error:.2e} from its "
                    f"golden vectors on {check.device} (allowed: {check.tolerance:.2e}); no time "
                    "is told for wrong pictures"
                )
    return {graph: entry.sha256 for graph, entry in bundle.manifest.graphs.items()}
