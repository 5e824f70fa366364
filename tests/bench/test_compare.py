"""Verdicts: only where there are samples, and only between measurements of the same."""

from __future__ import annotations

import copy

import pytest

from colordeploy.bench.compare import MINIMUM_SAMPLES, compare
from colordeploy.bench.machine import machine
from colordeploy.bench.measure import Measured
from colordeploy.bench.report import record_of

KEY = {"model": "m", "scenario": "single", "size": "8x8"}
SERVER = {"scenario": "server"}
FAST, SLOW = [100, 101, 102, 103] * 25, [120, 121, 122, 123] * 25


def run(times, key=KEY, **more):
    return record_of({**KEY, **key}, Measured({"end_to_end": times}, queries=len(times)), **more)


def file(*runs, **machine_of):
    return {"complete": True, "machine": {**machine(), **machine_of}, "runs": list(runs)}


def test_what_got_slower():
    first, second = file(run(FAST)), file(run(SLOW))
    (change,) = compare(first, second).changes
    assert change.ratio == pytest.approx(1.2, abs=0.02)
    assert change.slower(0.05)
    assert not change.slower(0.3)
    assert "SLOWER" in change.text(0.05)
    assert compare(first, second).failures(0.05) == ["1 slower by more than 5 %"]
    assert compare(second, first).failures(0.0) == []
    assert compare(first, first).failures(0.0) == []


def test_few_samples_have_no_verdict():
    """Three cold starts of the same program were "1.076 times as slow"."""
    few, cold = MINIMUM_SAMPLES - 1, {"scenario": "cold"}
    first = file(run(FAST), run([100] * few, cold))
    comparison = compare(first, file(run(FAST), run([300] * few, cold)))
    assert comparison.failures(0.05) == []
    assert f"no verdict: {few} of {MINIMUM_SAMPLES} samples" in "\n".join(comparison.lines(0.05))
    only = compare(file(run([100] * few)), file(run([100] * few)))
    assert "nothing could be judged" in only.failures(0.05)[0]


def test_missing_runs_fail():
    other = run(FAST, {"size": "9x9"})
    comparison = compare(file(run(FAST), other), file(run(FAST)))
    assert comparison.failures(0.05) == ["1 difference of missing (--allow missing)"]
    assert any("9x9: not in the second file" in line for line in comparison.lines(0.05))
    assert comparison.failures(0.05, ["missing"]) == []
    assert compare(file(run(FAST)), file(run(FAST), other)).failures(0.05) == []  # one more
    lacking = copy.deepcopy(run(FAST))
    lacking["samples_ns"] = {"edit": FAST}
    assert "missing" in compare(file(run(FAST)), file(lacking)).failures(0.05)[0]
    twice = compare(file(run(FAST), run(FAST)), file(run(FAST)))
    assert "more than once in the first file" in twice.differences["missing"][0]
    interrupted = {**file(run(FAST)), "complete": False}
    assert "interrupted" in compare(file(run(FAST)), interrupted).differences["missing"][0]


def test_another_machine_fails():
    comparison = compare(file(run(FAST), cpu="A", cores=8), file(run(FAST), cpu="B", cores=8))
    assert comparison.differences["machine"] == ["cpu B instead of A"]
    assert "other machine: cpu B instead of A" in list(comparison.lines(0.05))
    assert comparison.failures(0.05) == ["1 difference of machine (--allow machine)"]
    assert comparison.failures(0.05, ["machine"]) == []
    gpu = compare(file(run(FAST), gpus=[{"name": "X"}]), file(run(FAST), gpus=[]))
    assert gpu.differences["machine"] == ["gpus none instead of X"]


def test_other_versions_fail_but_for_our_own():
    old = {"colordeploy": "1", "onnxruntime": "1.23"}
    new = {"colordeploy": "2", "onnxruntime": "1.24", "openvino": "2026.4"}
    comparison = compare(file(run(FAST), packages=old), file(run(FAST), packages=new))
    assert comparison.differences["versions"] == [
        "onnxruntime 1.24 instead of 1.23",
        "openvino 2026.4 instead of none",
    ]
    assert comparison.failures(0.05) == ["2 differences of versions (--allow versions)"]


def test_unequal_loads_are_not_compared():
    first, second = file(run(FAST, SERVER, rate=2.0)), file(run(SLOW, SERVER, rate=3.0))
    comparison = compare(first, second)
    assert not comparison.changes[0].judged
    assert "arrivals of 2 and 3 a second" in "\n".join(comparison.lines(0.05))
    assert compare(first, file(run(SLOW, SERVER, rate=2.02))).changes[0].slower(0.05)
    overloaded = run(SLOW, SERVER, rate=2.0)
    overloaded["overloaded"] = True
    assert "overloaded" in compare(first, file(overloaded)).changes[0].unlike


def test_other_graphs_are_told():
    first, second = file(run(FAST, graphs={"g": "a"})), file(run(FAST, graphs={"g": "b"}))
    comparison = compare(first, second)
    assert comparison.notes == ["m, single, 8x8: the graphs are other ones"]
    assert comparison.failures(0.05) == []
