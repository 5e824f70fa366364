from __future__ import annotations

import threading
import time

import pytest

from colordeploy.trace import Beside, current_recording, recording, span


def test_spans_count_for_themselves():
    with recording() as spans, span("outer"):
        time.sleep(0.01)
        for _ in range(2):
            with span("inner"):
                time.sleep(0.02)
    assert set(spans.nanoseconds) == {"outer", "inner"}
    assert 10e6 <= spans.nanoseconds["outer"] < 20e6
    assert 40e6 <= spans.nanoseconds["inner"] < 60e6


def test_nobody_records():
    with span("alone"):
        pass
    with recording() as spans:
        thread = threading.Thread(target=lambda: span("elsewhere").__enter__())
        thread.start()
        thread.join()
    assert spans.nanoseconds == {}


def test_an_error_ends_a_span():
    with recording() as spans:
        try:
            with span("failing"):
                raise ValueError
        except ValueError:
            pass
    assert "failing" in spans.nanoseconds


def test_a_gpu_is_asked_when_the_recording_ends():
    asked = []

    def late():
        asked.append(True)
        return {"computing": 5}

    assert current_recording() is None
    with recording() as spans:
        current_recording().add_device({"computing": 2, "copying": 3})
        current_recording().add_device_late(late)
        assert not asked
        assert spans.device == {"computing": 2, "copying": 3}
    assert spans.device == {"computing": 7, "copying": 3}
    assert asked == [True]
    assert current_recording() is None


def test_work_beside_counts_apart():
    gate = threading.Event()

    def work():
        with span("searching"):
            gate.wait(5)
            time.sleep(0.02)
        return 7

    with recording() as spans:
        beside = Beside(work)
        with span("here"):
            time.sleep(0.01)
        gate.set()
        assert beside.result("it") == 7
    assert spans.nanoseconds.keys() == {"here", "waiting for it", "searching (beside)"}
    assert 10e6 <= spans.nanoseconds["waiting for it"] < 30e6
    assert spans.nanoseconds["searching (beside)"] >= 30e6
    assert spans.nanoseconds["here"] < 20e6  # what another thread does is no part of it


def test_what_fails_beside_fails_here():
    def work():
        raise ValueError("beside")

    beside = Beside(work)
    for _ in range(2):
        with pytest.raises(ValueError, match="beside"):
            beside.result("it")


def test_a_system_without_threads_left(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with recording() as spans:
        assert Beside(lambda: 7).result("it") == 7
    assert "waiting for it" in spans.nanoseconds
