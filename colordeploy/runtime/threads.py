"""How many threads a graph gets on the CPU."""

from __future__ import annotations

import os

__all__ = ["graph_threads"]


def graph_threads(wanted: int | None) -> int:
    """Threads of a graph: the number asked for, or one for each core that this process may use."""
    if wanted is not None:
        return wanted
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not everywhere
        return os.cpu_count() or 1
