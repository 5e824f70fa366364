from __future__ import annotations

import json

import pytest

from colordeploy.bench.measure import Measured
from colordeploy.bench.report import compare, machine, read_record, record_of, table
from colordeploy.errors import InputError

KEY = {"model": "m", "scenario": "single", "size": "8x8"}


def run(times, key=KEY, **more):
    measured = Measured({"end_to_end": times}, {"graph": times}, len(times), 2.0, **more)
    return record_of(key, measured, devices={"g": "cpu"})


def test_table_says_only_what_can_be_said():
    text = table(run([1_000_000] * 100))
    row = next(line for line in text.splitlines() if "end_to_end" in line)
    assert row.split() == ["end_to_end", "1.00", "1.00", "n/a", "1.00"]
    assert "graph g ran on cpu" in text
    assert "warning" not in text
    assert "varies" in table(run([1_000_000, 2_000_000] * 50))
    assert "other processes used 0.50 CPUs" in table(run([1_000_000] * 9, busy=0.5))


def test_compare_finds_what_got_slower():
    first = {"runs": [run([100, 101, 102, 103] * 25), run([5] * 9, {**KEY, "size": "9x9"})]}
    second = {"runs": [run([120, 121, 122, 123] * 25)]}
    (change,) = compare(first, second)
    assert change.ratio == pytest.approx(1.2, abs=0.02)
    assert change.slower(0.05)
    assert not change.slower(0.3)
    assert not compare(second, first)[0].slower(0.0)
    with pytest.raises(InputError, match="no run in common"):
        compare(first, {"runs": [run([1], {**KEY, "model": "other"})]})


def test_files(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"format": 1, "machine": machine(), "runs": [run([1, 2])]}))
    assert read_record(path)["runs"][0]["samples_ns"]["end_to_end"] == [1, 2]
    for content in ("{}", "[]", "nothing", json.dumps({"format": 99, "runs": []})):
        path.write_text(content)
        with pytest.raises(InputError, match=r"a\.json"):
            read_record(path)
    with pytest.raises(InputError, match="none"):
        read_record(tmp_path / "none.json")
    found = machine()
    assert found["packages"]["colordeploy"]
    assert {"cpu", "cores", "kernels", "system", "python", "commit"} <= found.keys()
