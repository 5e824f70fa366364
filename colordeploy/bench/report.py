"""Records of runs: JSON (its form is docs/bench.schema.json) and tables."""

from __future__ import annotations

import json
import math
import resource
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..files import write_whole
from .machine import machine
from .measure import Measured
from .statistics import PERCENTILES, percentile, variation

__all__ = ["FORMAT", "Record", "read_record", "record_of", "table", "warnings_of"]

FORMAT = 2
"""Of the JSON file; a file of another format is refused."""

_MAXIMUM_VARIATION = 0.025
_MAXIMUM_BUSY = 0.10  # CPU seconds a second


def peak_memory() -> float:
    """Of this process so far, in MiB."""
    try:  # ru_maxrss also knows the peak of the process that started this one
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(x.split()[1]) for x in lines if x.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def warnings_of(measured: Measured, scope: str) -> list[str]:
    """Why figures of a run may not hold."""
    found = []
    samples = measured.samples.get(scope, [])
    if len(samples) > 1 and variation(samples) > _MAXIMUM_VARIATION:
        spread = 100 * variation(samples)
        found.append(f"{scope} varies: its coefficient of variation is {spread:.1f} %")
    if measured.overloaded:
        found.append("overloaded: queries came faster than they were done, and the run was ended")
    if measured.busy > _MAXIMUM_BUSY:
        found.append(f"other processes used {measured.busy:.2f} CPUs meanwhile")
    return found


def record_of(key: Mapping[str, Any], measured: Measured, **more: Any) -> dict[str, Any]:
    """A run for the JSON file: its key, raw nanoseconds, and what else is known of it.

    Parameters
    ----------
    key : mapping
        What tells runs apart: model, scenario, size, backend and so on.
    """
    scope = "latency" if "latency" in measured.samples else "end_to_end"
    if scope not in measured.samples:
        scope = "cold start"
    return {
        "key": dict(key),
        "scope": scope,
        "samples_ns": measured.samples,
        "stages_ns": measured.stages,
        "device_stages_ns": measured.device_stages,
        "queries": measured.queries,
        "seconds": measured.seconds,
        "interrupted": measured.interrupted,
        "overloaded": measured.overloaded,
        "warnings": warnings_of(measured, scope),
        "peak_rss_mib": peak_memory(),
        **more,
    }


def table(record: Mapping[str, Any]) -> str:
    """A run as lines of text."""
    key = ", ".join(str(value) for value in record["key"].values() if value is not None)
    lines = [f"{key}: {record['queries']} queries in {record['seconds']:.1f} s"]
    heads = "".join(f"{f'p{p}':>10s}" for p in PERCENTILES)
    lines.append(f"  {'ms':24s}{heads}{'mean':>10s}")
    for name, samples in record["samples_ns"].items():
        lines.append(f"  {name:24s}" + "".join(_cells(samples)))
    for name, samples in record["stages_ns"].items():
        lines.append(f"    {name:22s}" + "".join(_cells(samples)))
    if record["device_stages_ns"]:
        lines.append("  of device, by the GPU's clock:")
    for name, samples in record["device_stages_ns"].items():
        lines.append(f"    {name:22s}" + "".join(_cells(samples)))
    if record["key"].get("scenario") == "offline":
        lines.append(f"  throughput {record['queries'] / record['seconds']:.2f} pictures/s")
    for graph, device in record.get("devices", {}).items():
        lines.append(f"  graph {graph} ran on {device}")
    if "against_first" in record:
        ratio, low, high = record["against_first"]
        lines.append(f"  end_to_end over the first one's: {ratio:.3f} ({low:.3f} to {high:.3f})")
    if record.get("bound"):
        lines.append("  " + bound_text(record["bound"]))
    lines.append(f"  peak memory of the process so far {record['peak_rss_mib']:.0f} MiB")
    if record.get("device_memory_mib") is not None:
        lines.append(
            f"  GPU memory taken since before loading {record['device_memory_mib']:.0f} MiB"
        )
    if record["interrupted"]:
        lines.append("  interrupted: these are the queries until then")
    lines += [f"  warning: {text}" for text in record["warnings"]]
    return "\n".join(lines)


def bound_text(bound: Mapping[str, Any]) -> str:
    """Whether a server's latency was within what was asked for."""
    found = f"p{bound['percentile']} of the latency {bound['found_ms']:.1f} ms"
    verdict = "within" if bound["within"] else "OVER"
    return f"{found}, {verdict} the bound of {bound['milliseconds']:g} ms"


def _cells(samples: Sequence[int]) -> list[str]:
    values = [percentile(samples, p) for p in PERCENTILES]
    texts = ["n/a" if value is None else f"{value / 1e6:.2f}" for value in values]
    return [f"{text:>10s}" for text in (*texts, f"{np.mean(samples) / 1e6:.2f}")]


class Record:
    """The content of a JSON file, written whole after each run: an interruption loses none.

    Parameters
    ----------
    path : Path or None
        None: nothing is written.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.content: dict[str, Any] = {
            "format": FORMAT, "complete": False, "machine": machine(), "runs": [],
        }  # fmt: skip

    def add(self, run: Mapping[str, Any]) -> None:
        """Keep a run."""
        self.content["runs"].append(run)
        self._write()

    def complete(self) -> None:
        """Say that no run is missing."""
        self.content["complete"] = True
        self._write()

    def _write(self) -> None:
        if self.path is not None:
            write_whole(self.path, (json.dumps(self.content, indent=1) + "\n").encode())


def read_record(path: Path) -> dict[str, Any]:
    """A file that ``bench --json`` wrote.

    Raises
    ------
    InputError
        When it is none.
    """
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON of `colordeploy bench`: {error}") from None
    if not isinstance(values, dict) or values.get("format") != FORMAT or "runs" not in values:
        raise InputError(
            f"{path} was not written by `colordeploy bench --json` of this version (format "
            f"{FORMAT}); measure again"
        )
    fault = _fault(values)
    if fault:
        raise InputError(f"{path}: {fault}, so this is no file of `colordeploy bench --json`")
    return values


def _fault(values: Mapping[str, Any]) -> str | None:
    """What a comparison needs and is not there, in words."""
    machine_of, runs = values.get("machine"), values["runs"]
    if not isinstance(machine_of, dict) or not {"python", "system"} <= machine_of.keys():
        return "machine does not say which Python and system"
    if not isinstance(machine_of.get("packages"), dict):
        return "machine.packages is no object"
    if not isinstance(runs, list):
        return "runs is no list"
    for i, run in enumerate(runs):
        if not isinstance(run, dict) or not isinstance(run.get("key"), dict):
            return f"runs[{i}] has no key"
        samples = run.get("samples_ns")
        if not isinstance(samples, dict):
            return f"runs[{i}].samples_ns is no object"
        for scope, times in samples.items():
            if not _are_times(times):
                return f"runs[{i}].samples_ns.{scope} is no list of nanoseconds"
        rate = run.get("rate")
        if not (rate is None or _is_number(rate)):
            return f"runs[{i}].rate is no number"
    return None


def _are_times(times: Any) -> bool:
    return isinstance(times, list) and bool(times) and all(_is_number(t) and t > 0 for t in times)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
