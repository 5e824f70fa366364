"""How many threads a graph gets on the CPU."""

from __future__ import annotations

import os
from pathlib import Path

from ..resources import processors

__all__ = ["graph_threads"]

_TOPOLOGY = Path("/sys/devices/system/cpu")


def graph_threads(wanted: int | None, topology: Path = _TOPOLOGY) -> int:
    """Threads of a graph: the number asked for, or one for each core that this process may use.

    Two hardware threads of one core have one set of multipliers between them, so they count as one.

    Parameters
    ----------
    wanted : int or None
    topology : Path
        Where Linux describes its processors.
    """
    if wanted is not None:
        return wanted
    return max(1, min(processors(), _cores(topology)))


def _cores(topology: Path) -> int:
    """Cores that this process's processors belong to."""
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # not everywhere
        return os.cpu_count() or 1
    cores = set()
    for number in allowed:
        path = topology / f"cpu{number}" / "topology" / "thread_siblings_list"
        try:
            cores.add(path.read_text().strip())
        except OSError:
            cores.add(str(number))
    return len(cores)
