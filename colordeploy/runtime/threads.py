"""How many threads a graph gets on the CPU."""

from __future__ import annotations

from ..resources import processors

__all__ = ["graph_threads"]


def graph_threads(wanted: int | None) -> int:
    """Threads of a graph: the number asked for, or one for each core that this process may use."""
    return processors() if wanted is None else wanted
