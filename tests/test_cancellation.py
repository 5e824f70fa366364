from __future__ import annotations

import signal
import threading

import pytest

import colordeploy
from colordeploy import CancelToken
from colordeploy.errors import Cancelled, ColorDeployError


def test_a_token_is_cancelled_for_good():
    token = CancelToken()
    token.raise_if_cancelled()
    assert not token.cancelled
    token.cancel()
    token.cancel()
    assert token.cancelled
    assert token.is_set()
    with pytest.raises(Cancelled):
        token.raise_if_cancelled()
    assert issubclass(Cancelled, ColorDeployError)
    assert colordeploy.errors.Cancelled is Cancelled


def test_callbacks_are_called_once_and_only_within_their_block():
    token, called = CancelToken(), []
    with token.calling(lambda: called.append("early")):
        pass
    with token.calling(lambda: called.append("outer")):
        with token.calling(lambda: called.append("inner")):
            token.cancel()
            token.cancel()
        assert called == ["outer", "inner"]
    with pytest.raises(Cancelled), token.calling(lambda: called.append("late")):
        raise AssertionError("the block of a cancelled token does not run")
    assert called == ["outer", "inner"]


def test_a_block_ends_after_its_callback():
    """Otherwise a callback could stop what the next user of the same thing does."""
    token, order = CancelToken(), []
    inside, go_on = threading.Event(), threading.Event()

    def slow():
        inside.set()
        go_on.wait(10)
        order.append("callback")

    with token.calling(slow):
        canceller = threading.Thread(target=token.cancel)
        canceller.start()
        assert inside.wait(10)
        threading.Timer(0.05, go_on.set).start()
    order.append("after the block")
    canceller.join()
    assert order == ["callback", "after the block"]


def test_a_signal_handler_may_cancel_while_a_callback_runs():
    token, called = CancelToken(), []

    def interrupted():
        called.append("callback")
        signal.raise_signal(signal.SIGUSR1)  # in the middle of `cancel`, with its lock held

    before = signal.signal(signal.SIGUSR1, lambda *_: token.cancel())
    try:
        with token.calling(interrupted):
            token.cancel()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert token.cancelled
    assert called == ["callback"]
