"""Progress and cancellation of one call."""

from __future__ import annotations

from collections.abc import Callable
from threading import BoundedSemaphore
from typing import TypeAlias, TypedDict

from ..cancellation import CancelToken

__all__ = ["CallKeywords", "Progress", "Steps"]

Progress: TypeAlias = Callable[[float, str], None]
"""Called with the share done in [0, 1] and what is being done."""

_WAIT = 0.02  # seconds between looks at a token while waiting for a turn


class CallKeywords(TypedDict, total=False):
    """Keyword arguments of every call that takes long.

    Attributes
    ----------
    cancel : CancelToken or None
        Ends the call with `errors.Cancelled` when it is cancelled, from any thread.
    progress : callable or None
        Called with the share done in [0, 1] and what is being done; its errors end the call.
    """

    cancel: CancelToken | None
    progress: Progress | None


class Steps:
    """The steps of one call: each is reported, and none begins after a cancellation."""

    def __init__(self, cancel: CancelToken | None = None, progress: Progress | None = None) -> None:
        self.cancel = cancel
        self._progress = progress

    def __call__(self, done: float, what: str) -> None:
        """Say how far the call is and what comes now.

        Raises
        ------
        Cancelled
            When the call's token was cancelled.
        """
        if self.cancel is not None:
            self.cancel.raise_if_cancelled()
        if self._progress is not None:
            self._progress(done, what)

    def wait_for(self, turns: BoundedSemaphore) -> None:
        """Take one of the turns, or end with `Cancelled` while waiting for it."""
        if turns.acquire(blocking=False):
            return
        self(0.0, "waiting for a turn")
        if self.cancel is None:
            turns.acquire()
            return
        while not turns.acquire(timeout=_WAIT):
            self.cancel.raise_if_cancelled()
