"""Whether the work fits into the memory that this process may use, and what to say when not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from . import _core

__all__ = ["require_memory", "within_memory"]

_T = TypeVar("_T")


def require_memory(height: int, width: int, step: int, *, single: bool = False) -> None:
    """Refuse what cannot fit, before anything is planned or allocated.

    The operating system would rather kill the process than say no.

    Raises
    ------
    SolverError
    """
    _core.require_memory(height, width, step, single)


def within_memory(what: str, call: Callable[[], _T]) -> _T:
    """Result of a call of the core; when memory runs out, once more without idle memory.

    Raises
    ------
    SolverError
        When memory runs out all the same. `what` says what was done, and for how large a picture.
    """
    try:
        try:
            return call()
        except MemoryError:
            if _core.trim() == 0:
                raise
            return call()
    except MemoryError:
        _core.out_of_memory(what)
