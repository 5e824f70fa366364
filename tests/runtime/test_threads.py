"""Threads of a graph by affinity, quota and cores."""

from __future__ import annotations

import os

import pytest

from colordeploy.runtime import threads as module
from colordeploy.runtime.threads import graph_threads


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Eight processors, two to a core."""
    for number in range(8):
        folder = tmp_path / f"cpu{number}" / "topology"
        folder.mkdir(parents=True)
        first = number // 2 * 2
        (folder / "thread_siblings_list").write_text(f"{first}-{first + 1}\n")

    def allow(processors, quota=99):
        monkeypatch.setattr(os, "sched_getaffinity", lambda who: set(processors), raising=False)
        monkeypatch.setattr(module, "processors", lambda: min(quota, len(processors)))
        return graph_threads(None, tmp_path)

    return allow


def test_one_for_each_core(machine):
    assert machine(range(8)) == 4
    assert machine([0, 1]) == 1
    assert machine([0, 2, 4]) == 3
    assert machine([5]) == 1


def test_a_quota_counts(machine):
    assert machine(range(8), quota=2) == 2
    assert machine(range(8), quota=6) == 4


def test_what_is_asked_for(machine, tmp_path):
    machine(range(8))
    assert graph_threads(7, tmp_path) == 7


def test_machines_that_do_not_say(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "sched_getaffinity", lambda who: {3, 7}, raising=False)
    monkeypatch.setattr(module, "processors", lambda: 2)
    assert graph_threads(None, tmp_path / "nothing") == 2
