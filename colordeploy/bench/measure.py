"""Runs: single stream, offline, server (MLPerf Inference's scenarios), warm and cold."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..accuracy.tolerances import MINIMUM_PSNR, MINIMUM_PSNR_HALF
from ..errors import BackendError
from ..runtime.graph import Target
from ..trace import Recording, recording
from .workload import Job

__all__ = ["Measured", "Rules", "check", "cold_start", "offline", "server", "single"]

_MAXIMUM_BEHIND = 50  # queries for each worker of a server
_Name = TypeVar("_Name", bound=Hashable)


@dataclass(frozen=True)
class Rules:
    """When a run may end.

    Attributes
    ----------
    duration : float
        Seconds at least.
    queries : int
        At least.
    warm_up : float
        Seconds, and `warm_up_queries` at least, before anything counts.
    """

    duration: float = 10.0
    queries: int = 10
    warm_up: float = 1.0
    warm_up_queries: int = 3


@dataclass
class Measured:
    """What a run gave, in nanoseconds.

    Attributes
    ----------
    samples : dict of scope to list
        "end_to_end", "prepare", "render", "edit"; for `sscn` also "reference"; where a GPU was at
        work also "device" and "edit_device", what it took by its own clock.
    stages : dict of name to list
        Spans of the end-to-end part, see `colordeploy.trace`.
    device_stages : dict of name to list
        Parts of "device".
    queries : int
    seconds : float
        Of the whole run, warm-up left out.
    busy : float
        CPU seconds of other processes in each second of the run; NaN where that cannot be told.
    interrupted : bool
        It was ended by Ctrl-C; what was measured until then is here.
    overloaded : bool
        A server that fell too far behind, which ended the run.
    """

    samples: dict[str, list[int]] = field(default_factory=dict)
    stages: dict[str, list[int]] = field(default_factory=dict)
    device_stages: dict[str, list[int]] = field(default_factory=dict)
    queries: int = 0
    seconds: float = 0.0
    busy: float = float("nan")
    interrupted: bool = False
    overloaded: bool = False

    def add(self, scopes: dict[str, int], spans: Recording | None = None) -> None:
        _append(self.samples, scopes)
        if spans is not None:
            _append(self.stages, spans.nanoseconds)
            _append(self.device_stages, spans.device)


def _append(lists: dict[str, list[int]], values: dict[str, int]) -> None:
    for name, value in values.items():
        lists.setdefault(name, []).append(value)


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """In dB, at most 100."""
    error = float(np.square((a.astype(np.float32) - b) / 255).mean())
    return -10 * float(np.log10(max(error, 1e-10)))


def expected(model: Any, jobs: Sequence[Job], size: Any) -> list[NDArray[np.uint8]]:
    """Pictures of the plain path, to check timed ones against."""
    return [query(model, job, size, edits=False)[0] for job in jobs]


def check(model: Any, found: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> None:
    """Compare a model's timed picture with the plain path's.

    Raises
    ------
    BackendError
        When it is a wrong picture: then there is no time to tell.
    """
    value = psnr(found, wanted) if found.shape == wanted.shape else float("nan")
    exact = all(graph.precision == "fp32" for graph in model.graphs.values())
    minimum = MINIMUM_PSNR if exact else MINIMUM_PSNR_HALF
    if not value >= minimum:
        raise BackendError(
            f"the timed picture is a wrong one (PSNR {value:.1f} dB against the plain path, at "
            f"least {minimum:g} are due); no time is told for it"
        )


def query(
    model: Any, job: Job, size: Any, *, edits: bool = True
) -> tuple[NDArray[np.uint8], dict[str, int], Recording]:
    """Colour one picture, then edit it; the picture, times of the scopes, those of the stages."""
    scopes: dict[str, int] = {}
    with recording() as spans:
        begin = time.perf_counter_ns()
        canvas = model.prepare(job.picture, size=size)
        scopes["prepare"] = time.perf_counter_ns() - begin
    guidance = job.guidance(model, canvas)  # what the user does takes no time here
    with recording(spans):
        begin = time.perf_counter_ns()
        encoded = job.encoded(model, guidance)
        middle = time.perf_counter_ns()
        picture = canvas.render(encoded)
        scopes["render"] = time.perf_counter_ns() - middle
    if job.method.encode_guidance is not None:
        scopes["reference"] = middle - begin
    scopes = {"end_to_end": sum(scopes.values()), **scopes}
    if spans.device:
        scopes["device"] = sum(spans.device.values())
    if edits:
        edited = job.edit(model, canvas, guidance)
        with recording() as edit_spans:
            begin = time.perf_counter_ns()
            canvas.render(edited)
            scopes["edit"] = time.perf_counter_ns() - begin
        if edit_spans.device:
            scopes["edit_device"] = sum(edit_spans.device.values())
    return picture, scopes, spans


def single(
    models: dict[_Name, Any],
    jobs: Sequence[Job],
    wanted: Mapping[_Name, Sequence[NDArray[np.uint8]]],
    rules: Rules,
    size: Any = None,
) -> dict[_Name, Measured]:
    """One query after another; several models take turns (A B A B), so that they can be compared.

    Parameters
    ----------
    models : dict
    jobs : sequence of Job
    wanted : mapping
        Pictures of the plain path, for each model.

    Raises
    ------
    BackendError
        See `check`.
    """
    results = {name: Measured() for name in models}
    turns = itertools.cycle(range(len(jobs)))
    for _ in _until(rules.warm_up * len(models), rules.warm_up_queries):
        i = next(turns)
        for name, model in models.items():
            check(model, query(model, jobs[i], size)[0], wanted[name][i])
    busy = _Busy()
    began = time.perf_counter()
    interrupted = False
    try:
        for _ in _until(rules.duration * len(models), rules.queries):
            i = next(turns)
            for name, model in models.items():
                found, scopes, spans = query(model, jobs[i], size)
                check(model, found, wanted[name][i])
                results[name].add(scopes, spans)
    except KeyboardInterrupt:
        if not all(result.samples for result in results.values()):
            raise
        interrupted = True
    for result in results.values():
        result.queries = len(result.samples["end_to_end"])
        result.seconds = time.perf_counter() - began
        result.busy = busy.others()
        result.interrupted = interrupted
    return results


def offline(
    model: Any,
    jobs: Sequence[Job],
    wanted: Sequence[NDArray[np.uint8]],
    rules: Rules,
    batch: int,
    size: Any = None,
) -> Measured:
    """Throughput with `batch` pictures in work at any time."""
    _warm_up(model, jobs, rules, size)
    result, busy = Measured(), _Busy()
    counter = itertools.count()
    lock = threading.Lock()
    began = time.perf_counter()

    def work() -> None:
        while True:
            i = next(counter)
            if i >= rules.queries and time.perf_counter() - began >= rules.duration:
                return
            found, scopes, spans = query(model, jobs[i % len(jobs)], size, edits=False)
            check(model, found[::4, ::4], wanted[i % len(jobs)][::4, ::4])  # it takes time too
            with lock:
                result.add(scopes, spans)

    _run_all([work] * batch)
    result.queries = len(result.samples["end_to_end"])
    result.seconds = time.perf_counter() - began
    result.busy = busy.others()
    return result


def server(
    model: Any,
    jobs: Sequence[Job],
    wanted: Sequence[NDArray[np.uint8]],
    rules: Rules,
    rate: float,
    workers: int,
    size: Any = None,
    seed: int = 0,
) -> Measured:
    """Queries arrive at random, `rate` a second (a Poisson process); latency counts from there.

    A server that falls far behind is overloaded: its latency says how long the run was, and
    nothing else, so the run ends there.
    """
    _warm_up(model, jobs, rules, size)
    count = max(rules.queries, int(rules.duration * rate))
    arrivals = np.cumsum(np.random.default_rng(seed).exponential(1 / rate, count))
    result, busy = Measured(), _Busy()
    lock = threading.Lock()
    began = time.perf_counter()

    def work(i: int) -> None:
        found, scopes, spans = query(model, jobs[i % len(jobs)], size, edits=False)
        waited = time.perf_counter() - began - arrivals[i]
        check(model, found[::4, ::4], wanted[i % len(jobs)][::4, ::4])
        with lock:
            result.add({**scopes, "latency": int(1e9 * waited)}, spans)

    with ThreadPoolExecutor(workers) as pool:
        futures: list[Future[None]] = []
        for i in range(count):
            time.sleep(max(0.0, began + arrivals[i] - time.perf_counter()))
            if i - sum(future.done() for future in futures) > _MAXIMUM_BEHIND * workers:
                result.overloaded = True
                break
            futures.append(pool.submit(work, i))
        for future in futures:
            future.result()
    result.queries, result.seconds = len(futures), time.perf_counter() - began
    result.busy = busy.others()
    return result


def _warm_up(model: Any, jobs: Sequence[Job], rules: Rules, size: Any) -> None:
    """One query after another, as long as the rules say."""
    turns = itertools.cycle(jobs)
    for _ in _until(rules.warm_up, rules.warm_up_queries):
        query(model, next(turns), size, edits=False)


def _run_all(works: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(work) for work in works]:
            future.result()


def _until(duration: float, count: int) -> Iterator[int]:
    """Count turns until both a duration and a number are met."""
    began = time.perf_counter()
    for i in itertools.count():
        if i >= count and time.perf_counter() - began >= duration:
            return
        yield i


class _Busy:
    """How much the machine does besides this process."""

    def __init__(self) -> None:
        self._at, self._own, self._all = time.perf_counter(), _own_seconds(), _all_seconds()

    def others(self) -> float:
        """CPU seconds of other processes in each second since this was made."""
        if self._all is None:
            return float("nan")
        everything = (_all_seconds() or 0.0) - self._all
        own = _own_seconds() - self._own
        return max(0.0, everything - own) / max(time.perf_counter() - self._at, 1e-9)


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system


def _all_seconds() -> float | None:
    try:
        first = Path("/proc/stat").read_text().splitlines()[0].split()
    except OSError:
        return None
    user, nice, system, _idle, _wait, irq, soft = (int(v) for v in first[1:8])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


_COLD = """
import json, sys, time
begin = time.perf_counter_ns()
import colordeploy
imported = time.perf_counter_ns()
model = colordeploy.load(*sys.argv[1:4], int(sys.argv[4]) or None, sys.argv[7])
loaded = time.perf_counter_ns()
from colordeploy.bench.workload import jobs, method_of
(job, *_) = jobs(method_of(model), (int(sys.argv[5]), int(sys.argv[6])))
ready = time.perf_counter_ns()
canvas = model.prepare(job.picture)
prepared = time.perf_counter_ns()
guidance = job.guidance(model, canvas)
given = time.perf_counter_ns()
canvas.render(job.encoded(model, guidance))
first = time.perf_counter_ns() - given + prepared - ready
print(json.dumps({"import": imported - begin, "load": loaded - imported,
                  "first picture": first, "cold start": loaded - begin + first}))
"""


def cold_start(model: str, target: Target, size: tuple[int, int], times: int) -> Measured:
    """Import, load and first picture, each time in a fresh process.

    Raises
    ------
    BackendError
        When such a process fails.
    """
    result = Measured()
    for _ in range(times):
        where = (target.backend, target.device, str(target.threads or 0))
        arguments = [model, *where, *map(str, size), target.precision]
        done = subprocess.run(
            [sys.executable, "-c", _COLD, *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BackendError(f"a cold start failed: {done.stderr.strip()[-300:]}")
        result.add(json.loads(done.stdout))
        result.queries += 1
    return result
