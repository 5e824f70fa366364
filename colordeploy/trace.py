"""Where time goes: named spans, noted only while somebody records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType

__all__ = ["Recording", "current_recording", "recording", "span"]


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
def recording(into: Recording | None = None) -> Iterator[Recording]:
    """Note the spans of this thread (or task) until the end of the block.

    Parameters
    ----------
    into : Recording, optional
        Go on with this one instead of a new one.
    """
    made = Recording() if into is None else into
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
