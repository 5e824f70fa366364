"""Work in a thread of its own."""

from __future__ import annotations

import threading
import time

import pytest

from colordeploy.background import Background
from colordeploy.trace import recording, span


def test_work_beside_counts_apart():
    gate = threading.Event()

    def work():
        with span("searching"):
            gate.wait(5)
            time.sleep(0.02)
        return 7

    with recording() as spans:
        background = Background(work)
        with span("here"):
            time.sleep(0.01)
        gate.set()
        assert background.result() == 7
    assert spans.nanoseconds.keys() == {"here", "waiting for a thread", "searching (beside)"}
    assert 10e6 <= spans.nanoseconds["waiting for a thread"] < 30e6
    assert spans.nanoseconds["searching (beside)"] >= 30e6
    assert spans.nanoseconds["here"] < 20e6  # what another thread does is no part of it


def test_what_fails_beside_fails_here():
    def work():
        raise ValueError("beside")

    background = Background(work)
    for _ in range(2):
        with pytest.raises(ValueError, match="beside"):
            background.result()


def test_a_system_without_threads_left(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with recording() as spans:
        assert Background(lambda: 7).result() == 7
    assert "waiting for a thread" in spans.nanoseconds
