"""Work that its caller can leave behind."""

from __future__ import annotations

import threading
import time

import pytest

from colordeploy import CancelToken
from colordeploy.abandoning import abandonable
from colordeploy.errors import Cancelled
from colordeploy.trace import recording, span


def test_results_and_errors_come_through():
    token = CancelToken()
    assert abandonable(lambda: 7, token) == abandonable(lambda: 7, None) == 7
    for cancel in (token, None):
        with pytest.raises(ZeroDivisionError):
            abandonable(lambda: 1 // 0, cancel)


def test_cancelled_work_is_not_waited_for():
    token, go_on, ended = CancelToken(), threading.Event(), threading.Event()

    def work():
        go_on.wait(20)
        ended.set()

    threading.Timer(0.05, token.cancel).start()
    begin = time.perf_counter()
    with pytest.raises(Cancelled):
        abandonable(work, token)
    assert time.perf_counter() - begin < 5
    assert not ended.is_set()
    go_on.set()
    assert ended.wait(20)  # it goes on to its end


def test_work_that_ends_on_the_cancellation_says_so_itself():
    token = CancelToken()

    def work():
        while not token.cancelled:
            time.sleep(0.001)
        raise Cancelled("cancelled between two steps")

    threading.Timer(0.02, token.cancel).start()
    with pytest.raises(Cancelled, match=r"^cancelled"):
        abandonable(work, token)


def test_cancelled_before():
    token, begun = CancelToken(), []
    token.cancel()
    with pytest.raises(Cancelled):
        abandonable(lambda: begun.append(1), token)
    assert begun == []


def test_spans_are_recorded_as_here():
    def work():
        with span("inside"):
            pass

    with recording() as spans:
        abandonable(work, CancelToken())
    assert "inside" in spans.nanoseconds


def test_without_threads(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert abandonable(lambda: 7, CancelToken()) == 7
