"""Where time goes: named spans, noted only while somebody records."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Generic, TypeVar

__all__ = ["Beside", "Recording", "current_recording", "recording", "span"]

_T = TypeVar("_T")


class Recording:
    """Nanoseconds by name; a span inside of another counts for itself only.

    Attributes
    ----------
    nanoseconds : dict of str to int
        By the host's clock.
    device : dict of str to int
        By the GPU's, complete when the recording has ended.
    """

    def __init__(self) -> None:
        self.nanoseconds: dict[str, int] = {}
        self.device: dict[str, int] = {}
        self.inner: list[int] = [0]  # of the spans that are open, time spent in others
        self._late: list[Callable[[], Mapping[str, int]]] = []

    def add(self, other: Recording, mark: str) -> None:
        """Note what another thread did meanwhile, with a mark behind the names."""
        for name, value in other.nanoseconds.items():
            name = f"{name}{mark}"
            self.nanoseconds[name] = self.nanoseconds.get(name, 0) + value

    def add_device(self, times: Mapping[str, int]) -> None:
        """Note what a GPU worked."""
        for name, value in times.items():
            self.device[name] = self.device.get(name, 0) + value

    def add_device_late(self, times: Callable[[], Mapping[str, int]]) -> None:
        """Note what a GPU may still be at work on; asked for when the recording ends."""
        self._late.append(times)

    def end(self) -> None:
        """Wait for the GPU to have done what was recorded."""
        while self._late:
            self.add_device(self._late.pop()())


_current: ContextVar[Recording | None] = ContextVar("colordeploy_recording", default=None)


@contextmanager
def recording() -> Iterator[Recording]:
    """Note the spans of this thread (or task) until the end of the block."""
    made = Recording()
    token = _current.set(made)
    try:
        yield made
    finally:
        _current.reset(token)
    made.end()


def current_recording() -> Recording | None:
    """Who records this thread (or task)."""
    return _current.get()


class span:  # noqa: N801 - used like a function
    """A part of the work, for `recording`; next to free when nobody records."""

    __slots__ = ("_begin", "_name", "_recording")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._recording = _current.get()
        if self._recording is not None:
            self._recording.inner.append(0)
            self._begin = time.perf_counter_ns()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._recording is None:
            return
        spent = time.perf_counter_ns() - self._begin
        own = spent - self._recording.inner.pop()
        self._recording.inner[-1] += spent
        known = self._recording.nanoseconds
        known[self._name] = known.get(self._name, 0) + own


class Beside(Generic[_T]):
    """Work in a thread of its own, begun at once.

    Its spans are recorded with the mark " (beside)": their time is not part of the whole.
    """

    def __init__(self, work: Callable[[], _T]) -> None:
        self._recorded = current_recording() is not None
        self._spans: Recording | None = None
        self._found: list[_T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), name="colordeploy")
        try:
            self._thread.start()
        except RuntimeError:  # the system has no thread left
            self._run(work)

    def _run(self, work: Callable[[], _T]) -> None:
        try:
            if not self._recorded:
                self._found.append(work())
                return
            with recording() as self._spans:
                self._found.append(work())
        except BaseException as error:  # for whoever asks
            self._error = error

    def result(self, name: str) -> _T:
        """What came out; waiting for it is a span. Raises what the work raised."""
        with span(f"waiting for {name}"):
            if self._thread.ident is not None:
                self._thread.join()
        into = current_recording()
        if into is not None and self._spans is not None:
            into.add(self._spans, " (beside)")
        if self._error is not None:
            raise self._error
        return self._found[0]
