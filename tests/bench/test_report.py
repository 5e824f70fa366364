from __future__ import annotations

import json

import pytest

from colordeploy.bench import report
from colordeploy.bench.measure import Measured
from colordeploy.bench.report import compare, machine, read_record, record_of, table
from colordeploy.errors import InputError

KEY = {"model": "m", "scenario": "single", "size": "8x8"}


def run(times, key=KEY, **more):
    samples = {"end_to_end": times}
    measured = Measured(samples, {"graph": times}, queries=len(times), seconds=2.0, **more)
    return record_of(key, measured, devices={"g": "cpu"})


def test_table_says_only_what_can_be_said():
    text = table(run([1_000_000] * 100))
    row = next(line for line in text.splitlines() if "end_to_end" in line)
    assert row.split() == ["end_to_end", "1.00", "1.00", "n/a", "1.00"]
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
    assert lines[heading + 1].split() == ["graph", "g,", "computing", "3.00", "3.00", "n/a", "3.00"]
    assert "  GPU memory taken since before loading 12 MiB" in lines
    text = table(run([1_000_000] * 100))
    assert "GPU" not in text


def test_the_machine_names_its_gpus(monkeypatch):
    class Driver:
        def describe(self):
            return [{"name": "A GPU", "memory_mib": 1024, "driver_cuda": "13.0"}]

    monkeypatch.setattr(report, "open_driver", Driver)
    assert machine()["gpus"][0]["name"] == "A GPU"


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
