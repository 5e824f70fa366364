from __future__ import annotations

import threading
import time

import pytest

from colordeploy.trace import current_recording, recording, span


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


def test_a_recording_goes_on():
    with recording() as spans, span("first"):
        pass
    with span("unrecorded"):
        pass
    with recording(spans) as again, span("second"):
        pass
    assert again is spans
    assert spans.nanoseconds.keys() == {"first", "second"}


def test_a_gpu_is_asked_when_the_recorded_work_fails():
    asked = []

    def work():
        with recording() as spans:
            spans.add_device_late(lambda: asked.append(True) or {})
            raise ValueError("work")

    with pytest.raises(ValueError, match="work"):
        work()
    assert asked == [True]
