"""What a graph's parts take on a GPU, by the GPU's own clock."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from ..trace import current_recording

__all__ = ["Laps", "Marks"]


class Marks(Protocol):
    """Events in a stream that note the time."""

    def mark(self, stream: int) -> int:
        """Handle of a new event that notes when a stream has done all it has to do by now."""

    def elapsed(self, begin: int, end: int) -> int:
        """Nanoseconds between two marks; waits for the second."""

    def drop_mark(self, event: int) -> None:
        """Free a mark."""


class Laps:
    """Times of the parts of a run, by events between them in its stream.

    Does nothing when nobody records. The host never waits before the recording ends, so what is
    measured runs as it does unmeasured.

    Parameters
    ----------
    marks : Marks
    stream : int
    name : str
        What the parts' names begin with.
    current : callable, optional
        A context in which the marks can be used, where a thread has to do something for that.
    """

    def __init__(
        self,
        marks: Marks,
        stream: int,
        name: str,
        current: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._marks, self._stream, self._name, self._current = marks, stream, name, current
        self._recording = current_recording()
        self._parts: list[tuple[str, int]] = []  # a part and the mark at its end
        if self._recording is not None:
            self._recording.add_device_late(self._read)
            self.skip()

    def lap(self, part: str) -> None:
        """A part ends here; it began where the one before ended."""
        if self._recording is not None:
            with self._current():
                self._parts.append((part, self._marks.mark(self._stream)))

    def skip(self) -> None:
        """Leave out the time since the last part: waiting, and work of the host."""
        self.lap("")

    def _read(self) -> dict[str, int]:
        times: dict[str, int] = {}
        with self._current():
            for (_, begin), (part, end) in zip(self._parts, self._parts[1:], strict=False):
                if part:
                    name = f"{self._name}, {part}"
                    times[name] = times.get(name, 0) + self._marks.elapsed(begin, end)
            for _, event in self._parts:
                self._marks.drop_mark(event)
        return times
