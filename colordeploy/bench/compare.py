"""Two files of ``bench --json``: what became slower, and whether they can be compared at all."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .statistics import interval_of_ratio

__all__ = ["ALLOWANCES", "MINIMUM_SAMPLES", "Change", "Comparison", "compare"]

MINIMUM_SAMPLES = 10
"""Of a scope, in either file; below there is no verdict: a bootstrap of three samples is no
interval."""

ALLOWANCES = ("machine", "versions", "missing")
"""Differences that fail a comparison unless they are allowed."""

_MACHINE = ("cpu", "cores", "affinity", "processors", "governor", "kernels", "gpus")
_SAME_RATE = 0.05  # share by which arrivals of the same load may differ


@dataclass(frozen=True)
class Change:
    """How a scope of a run changed.

    Attributes
    ----------
    key, scope : str
    ratio, low, high : float
        Of the medians, second over first, and its 95 % interval.
    samples : int
        Of the file that has fewer.
    unlike : str
        Why the two are not measurements of the same; empty when they are.
    """

    key: str
    scope: str
    ratio: float
    low: float
    high: float
    samples: int
    unlike: str = ""

    @property
    def judged(self) -> bool:
        """Whether there is a verdict at all."""
        return self.samples >= MINIMUM_SAMPLES and not self.unlike

    def slower(self, threshold: float) -> bool:
        """Whether it is slower by more than a threshold, whatever the noise."""
        return self.judged and self.low > 1 + threshold

    def text(self, threshold: float) -> str:
        """One line: the ratio, its interval, the verdict."""
        line = f"{self.key}: {self.scope} {self.ratio:.3f} ({self.low:.3f} to {self.high:.3f})"
        if self.unlike:
            return f"{line}  no verdict: {self.unlike}"
        if not self.judged:
            return f"{line}  no verdict: {self.samples} of {MINIMUM_SAMPLES} samples"
        return line + ("  SLOWER" if self.slower(threshold) else "")


@dataclass(frozen=True)
class Comparison:
    """What two files say of each other.

    Attributes
    ----------
    changes : list of Change
        Of runs and scopes that both have.
    differences : dict
        By the names of `ALLOWANCES`: what is another machine, another version, or not there.
    notes : list of str
        What else differs, such as the graphs of a model: worth knowing, and no failure.
    """

    changes: list[Change]
    differences: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def lines(self, threshold: float) -> Iterator[str]:
        """All of it as text."""
        yield from self.notes
        for kind, found in self.differences.items():
            yield from (f"other {kind}: {text}" if kind != "missing" else text for text in found)
        yield from (change.text(threshold) for change in self.changes)

    def failures(self, threshold: float, allowed: Collection[str] = ()) -> list[str]:
        """Why the comparison fails, a line each; none when it passes.

        Parameters
        ----------
        threshold : float
            Share by which a run may be slower.
        allowed : collection of str
            Of `ALLOWANCES`.
        """
        found = [
            f"{len(texts)} difference{'s'[: len(texts) > 1]} of {kind} (--allow {kind})"
            for kind, texts in self.differences.items()
            if texts and kind not in allowed
        ]
        slower = sum(change.slower(threshold) for change in self.changes)
        if slower:
            found.append(f"{slower} slower by more than {100 * threshold:g} %")
        if not any(change.judged for change in self.changes):
            found.append(
                f"nothing could be judged: no run in common with {MINIMUM_SAMPLES} samples"
            )
        return found


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> Comparison:
    """Compare two contents of files; `first` is the baseline.

    Runs are matched by their keys: model (its name, wherever the bundle lies), scenario, sizes,
    backend and so on.
    """
    found = Comparison(
        [],
        {
            "machine": _unequal(first, second, _MACHINE),
            "versions": _versions(first["machine"], second["machine"]),
            "missing": [],
        },
    )
    missing = found.differences["missing"]
    if not second.get("complete", True):
        missing.append("the second bench was interrupted")
    for content, which in ((first, "first"), (second, "second")):
        missing += _ambiguous(content["runs"], which)
    after = {_key(run): run for run in second["runs"]}
    for run in first["runs"]:
        name = _title(run)
        other = after.get(_key(run))
        if other is None:
            missing.append(f"{name}: not in the second file")
            continue
        if run.get("graphs") != other.get("graphs"):
            found.notes.append(f"{name}: the graphs are other ones")
        unlike = _unlike(run, other)
        for scope, samples in run["samples_ns"].items():
            now = other["samples_ns"].get(scope)
            if not now:
                missing.append(f"{name}: {scope} is not in the second file")
                continue
            ratio = interval_of_ratio(samples, now)
            found.changes.append(Change(name, scope, *ratio, min(len(samples), len(now)), unlike))
    return found


def _ambiguous(runs: Sequence[Mapping[str, Any]], which: str) -> Iterator[str]:
    """Runs that nothing tells apart: which of them is meant nobody knows."""
    seen: set[str] = set()
    for run in runs:
        key = _key(run)
        if key in seen:
            yield f"{_title(run)}: more than once in the {which} file"
        seen.add(key)


def _title(run: Mapping[str, Any]) -> str:
    return ", ".join(str(value) for value in run["key"].values() if value is not None)


def _key(run: Mapping[str, Any]) -> str:
    return json.dumps(run["key"], sort_keys=True)


def _unlike(run: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Why two runs of the same key did not do the same work."""
    for side, name in ((run, "first"), (other, "second")):
        if side.get("overloaded"):
            return f"the server of the {name} file was overloaded"
    before, now = run.get("rate"), other.get("rate")
    if before and now and abs(now / before - 1) > _SAME_RATE:
        return f"arrivals of {before:.3g} and {now:.3g} a second; give the same --rate"
    return ""


def _unequal(
    first: Mapping[str, Any], second: Mapping[str, Any], names: Collection[str]
) -> list[str]:
    before, now = first["machine"], second["machine"]
    return [
        f"{name} {_shown(now.get(name))} instead of {_shown(before.get(name))}"
        for name in names
        if before.get(name) != now.get(name)
    ]


def _versions(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Of all but this package, whose versions are what is compared."""
    sides = [
        {"python": side["python"], "system": side["system"], **side["packages"]}
        for side in (before, now)
    ]
    for side in sides:
        side.pop("colordeploy", None)
    return [
        f"{name} {_shown(sides[1].get(name))} instead of {_shown(sides[0].get(name))}"
        for name in sorted({*sides[0], *sides[1]})
        if sides[0].get(name) != sides[1].get(name)
    ]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(gpu.get("name", gpu)) for gpu in value) or "none"
    return "none" if value is None else str(value)
