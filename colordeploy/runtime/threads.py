"""How many threads a graph gets on the CPU."""

from __future__ import annotations

from pathlib import Path

from ..native.resources import cores, processors

__all__ = ["graph_threads"]

_TOPOLOGY = Path("/sys/devices/system/cpu")


def graph_threads(wanted: int | None, topology: Path = _TOPOLOGY) -> int:
    """Threads of a graph: the number asked for, or one for each core that this process may use.

    Parameters
    ----------
    wanted : int or None
    topology : Path
        Where Linux describes its processors.
    """
    return max(1, min(processors(), cores(topology))) if wanted is None else wanted
