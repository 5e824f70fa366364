from __future__ import annotations

import os

from colordeploy.bench import machine as module
from colordeploy.bench.machine import machine


def test_the_machine_names_its_gpus(monkeypatch):
    class Driver:
        def describe(self):
            return [{"name": "A GPU", "memory_mib": 1024, "driver_cuda": "13.0"}]

    monkeypatch.setattr(module, "open_driver", Driver)
    assert machine()["gpus"][0]["name"] == "A GPU"


def test_what_of_it_may_be_used(monkeypatch, tmp_path):
    found = machine()
    assert found["packages"]["numpy"]
    assert found["affinity"] == len(os.sched_getaffinity(0))
    assert 1 <= found["processors"] <= found["affinity"]
    (tmp_path / "governor").write_text("powersave\n")
    monkeypatch.setattr(module, "_GOVERNOR", tmp_path / "governor")
    assert machine()["governor"] == "powersave"
    monkeypatch.setattr(module, "_GOVERNOR", tmp_path / "none")
    assert machine()["governor"] is None
