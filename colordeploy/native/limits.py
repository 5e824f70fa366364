"""Whether the work fits into the memory that this process may use, and what to say when not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..errors import SolverError
from ..resources import free_memory
from . import _core

__all__ = ["require_memory", "within_memory"]

_T = TypeVar("_T")
_ADVICE = (
    "use a smaller working size (size= of prepare, --size on the command line) or, where "
    "native.propagate is called, a larger global_step"
)
# To take less anew needs no look at the system, which takes as long as a small solution.
_SMALL = 64 << 20


def require_memory(height: int, width: int, step: int, *, single: bool = False) -> None:
    """Refuse what cannot fit, before anything is planned or allocated.

    The operating system would rather kill the process than say no.

    Raises
    ------
    SolverError
    """
    needed = _core.estimated_bytes(height, width, step, single)
    idle = _core.idle_bytes()  # ours already
    if needed - idle < _SMALL:
        return
    free = free_memory()
    if free is None:
        return
    free += idle
    if needed > free:
        raise SolverError(
            f"solving for {height}x{width} pixels takes about {needed / 2**30:.1f} GiB, more than "
            f"the {free / 2**30:.1f} GiB that this process may still use; {_ADVICE}"
        )


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
    except MemoryError as error:
        raise SolverError(f"out of memory while {what}; {_ADVICE}") from error
