"""Records of runs: JSON that says what ran on what, tables, and comparisons for a team's CI."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BackendError, InputError
from ..runtime.driver import open_driver
from .measure import Measured
from .statistics import interval_of_ratio, percentile, variation

__all__ = ["Change", "compare", "machine", "read_record", "record_of", "table", "warnings_of"]

FORMAT = 1
_MOST_VARIATION = 0.025
_MOST_BUSY = 0.10  # CPU seconds a second
_PACKAGES = ("colordeploy", "numpy", "scipy", "pillow", "onnxruntime", "onnxruntime-gpu",
             "openvino", "tensorrt", "tensorrt-rtx")  # fmt: skip


def machine() -> dict[str, Any]:
    """What a figure depends on besides the code."""
    from ..native import instruction_set

    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(x.partition(":")[2].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "cpu": name,
        "cores": os.cpu_count(),
        "kernels": instruction_set(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "gpus": gpus(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "commit": _commit(),
    }


def gpus() -> list[dict[str, Any]]:
    """Names and memory of the GPUs; none without a driver."""
    try:
        return open_driver().describe()
    except BackendError:
        return []


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Of the source tree that the package runs from; None for an installed one."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    done = subprocess.run(
        ["git", "-C", str(folder), "describe", "--always", "--dirty"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or None


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
    if len(samples) > 1 and variation(samples) > _MOST_VARIATION:
        spread = 100 * variation(samples)
        found.append(f"{scope} varies: its coefficient of variation is {spread:.1f} %")
    if measured.busy > _MOST_BUSY:
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
        "warnings": warnings_of(measured, scope),
        "peak_rss_mib": peak_memory(),
        **more,
    }


def table(record: Mapping[str, Any]) -> str:
    """A run as lines of text."""
    key = ", ".join(str(value) for value in record["key"].values() if value is not None)
    lines = [f"{key}: {record['queries']} queries in {record['seconds']:.1f} s"]
    lines.append(f"  {'ms':24s}{'p50':>10s}{'p90':>10s}{'p99':>10s}{'mean':>10s}")
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
        lines.append(
            f"  end_to_end over the first backend's: {ratio:.3f} ({low:.3f} to {high:.3f})"
        )
    lines.append(f"  peak memory of the process so far {record['peak_rss_mib']:.0f} MiB")
    if record.get("device_memory_mib") is not None:
        lines.append(
            f"  GPU memory taken since before loading {record['device_memory_mib']:.0f} MiB"
        )
    lines += [f"  warning: {text}" for text in record["warnings"]]
    return "\n".join(lines)


def _cells(samples: Sequence[int]) -> list[str]:
    values = [percentile(samples, p) for p in (50, 90, 99)]
    texts = ["n/a" if value is None else f"{value / 1e6:.2f}" for value in values]
    return [f"{text:>10s}" for text in (*texts, f"{np.mean(samples) / 1e6:.2f}")]


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
        raise InputError(f"{path} was not written by `colordeploy bench --json` of this version")
    return values


@dataclass(frozen=True)
class Change:
    """How a scope of a run changed.

    Attributes
    ----------
    key : str
    scope : str
    ratio, low, high : float
        Of the medians, second over first, and its 95 % interval.
    """

    key: str
    scope: str
    ratio: float
    low: float
    high: float

    def slower(self, threshold: float) -> bool:
        """Whether it is slower by more than a threshold, whatever the noise."""
        return self.low > 1 + threshold


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Change]:
    """What changed between two files, for runs and scopes that both have.

    Raises
    ------
    InputError
        When they have no run in common.
    """
    before = {json.dumps(run["key"], sort_keys=True): run for run in first["runs"]}
    changes = []
    for run in second["runs"]:
        other = before.get(json.dumps(run["key"], sort_keys=True))
        if other is None:
            continue
        key = ", ".join(str(value) for value in run["key"].values() if value is not None)
        for scope, samples in run["samples_ns"].items():
            if scope in other["samples_ns"]:
                changes.append(
                    Change(key, scope, *interval_of_ratio(other["samples_ns"][scope], samples))
                )
    if not changes:
        raise InputError("the two files have no run in common (same model, scenario, size, ...)")
    return changes
