from __future__ import annotations

import json

import pytest

from colordeploy.bench.machine import machine
from colordeploy.bench.measure import Measured
from colordeploy.bench.report import Record, read_record, record_of, table
from colordeploy.errors import InputError

KEY = {"model": "m", "scenario": "single", "size": "8x8"}


def run(times, key=KEY, **more):
    samples = {"end_to_end": times}
    measured = Measured(samples, {"graph": times}, queries=len(times), seconds=2.0, **more)
    return record_of(key, measured, devices={"g": "cpu"})


def test_table_says_only_what_can_be_said():
    text = table(run([1_000_000] * 100))
    row = next(line for line in text.splitlines() if "end_to_end" in line)
    assert row.split() == ["end_to_end", "1.00", "1.00", "n/a", "n/a", "1.00"]
    assert "graph g ran on cpu" in text
    assert "warning" not in text
    assert "varies" in table(run([1_000_000, 2_000_000] * 50))
    assert "other processes used 0.50 CPUs" in table(run([1_000_000] * 9, busy=0.5))


def test_the_devices_time_is_named():
    times = {"graph g, computing": [3_000_000] * 100}
    record = run([1_000_000] * 100, device_stages=times)
    assert record["device_stages_ns"] == times
    lines = table({**record, "device_memory_mib": 12.3}).splitlines()
    heading = lines.index("  of device, by the GPU's clock:")
    assert lines[heading + 1].split() == [
        "graph",
        "g,",
        "computing",
        *["3.00", "3.00", "n/a", "n/a", "3.00"],
    ]
    assert "  GPU memory taken since before loading 12 MiB" in lines
    text = table(run([1_000_000] * 100))
    assert "GPU" not in text


def test_files(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"format": 2, "machine": machine(), "runs": [run([1, 2])]}))
    assert read_record(path)["runs"][0]["samples_ns"]["end_to_end"] == [1, 2]
    for content in ("{}", "[]", "nothing", json.dumps({"format": 99, "runs": []})):
        path.write_text(content)
        with pytest.raises(InputError, match=r"a\.json"):
            read_record(path)
    with pytest.raises(InputError, match="none"):
        read_record(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"machine": None}, "which Python"),
        ({"machine": {"python": "3", "system": "x"}}, "packages"),
        ({"runs": {}}, "runs is no list"),
        ({"runs": [{}]}, r"runs\[0\] has no key"),
        ({"runs": [{"key": KEY, "samples_ns": [1]}]}, "samples_ns is no object"),
        ({"runs": [{"key": KEY, "samples_ns": {"edit": []}}]}, r"samples_ns\.edit is no list"),
        ({"runs": [{"key": KEY, "samples_ns": {"edit": ["1"]}}]}, "no list of nanoseconds"),
        ({"runs": [{"key": KEY, "samples_ns": {"edit": [0]}}]}, "no list of nanoseconds"),
        ({"runs": [{"key": KEY, "samples_ns": {}, "rate": "2"}]}, "rate is no number"),
    ],
)
def test_a_file_that_lacks_what_is_compared_is_refused(tmp_path, change, fault):
    path = tmp_path / "a.json"
    whole = {"format": 2, "machine": machine(), "runs": [run([1, 2])]}
    path.write_text(json.dumps({**whole, **change}))
    with pytest.raises(InputError, match=fault):
        read_record(path)


def test_a_file_is_whole_after_each_run(tmp_path):
    path = tmp_path / "a.json"
    record = Record(path)
    record.add(run([1, 2]))
    found = read_record(path)
    assert (len(found["runs"]), found["complete"]) == (1, False)
    record.complete()
    assert read_record(path)["complete"]
    Record(None).add(run([1]))
