"""Work in a thread of its own, begun at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from .trace import Recording, current_recording, recording, span

__all__ = ["Background"]

_T = TypeVar("_T")


class Background(Generic[_T]):
    """Work in a thread of its own, begun at once; where no thread can be had, done at once.

    Its spans are recorded with the mark " (beside)": their time is not part of the whole. Whoever
    drops it without asking for the result leaves the thread to end by itself.
    """

    def __init__(self, work: Callable[[], _T]) -> None:
        self._recorded = current_recording() is not None
        self._spans: Recording | None = None
        self._future: Future[_T] = Future()
        try:
            threading.Thread(
                target=self._run, args=(work,), name="colordeploy", daemon=True
            ).start()
        except RuntimeError:  # the system has no thread left
            self._run(work)

    def _run(self, work: Callable[[], _T]) -> None:
        try:
            if not self._recorded:
                self._future.set_result(work())
                return
            with recording() as spans:
                result = work()
            self._spans = spans
            self._future.set_result(result)
        except BaseException as error:  # for whoever asks
            self._future.set_exception(error)

    def result(self) -> _T:
        """What came out; waiting for it is a span. Raises what the work raised."""
        with span("waiting for a thread"):
            found = self._future.result()
        into = current_recording()
        if into is not None and self._spans is not None:
            into.add(self._spans, " (beside)")
        return found
