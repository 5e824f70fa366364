"""What this process may use: processors and memory, whatever the machine has.

Linux' control groups (containers, `systemd-run`, batch systems) and the limits of the process
(`ulimit`) are heeded; elsewhere the machine's own figures count.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

from . import _core

__all__ = ["cores", "free_memory", "give_back_freed", "processors"]

_ROOT = Path("/")
_TOPOLOGY = Path("/sys/devices/system/cpu")


def processors(root: Path = _ROOT) -> int:
    """How many processors this process may keep busy: its affinity, and its groups' quota.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` are.
    """
    return _core.processors(os.fspath(root))


def cores(topology: Path = _TOPOLOGY) -> int:
    """Cores that this process's processors belong to.

    Two hardware threads of one core have one set of multipliers between them, so they count as one.

    Parameters
    ----------
    topology : Path
        Where Linux describes its processors.
    """
    try:
        numbers = sorted(os.sched_getaffinity(0))
    except AttributeError:  # not everywhere
        numbers = []
    return _core.cores(numbers, os.fspath(topology))


def free_memory(root: Path = _ROOT) -> int | None:
    """Bytes that this process may still take; None where that is not known.

    The least of what the machine has free, what the control groups allow and what ``ulimit -v``
    and ``ulimit -d`` allow. Memory that only caches files counts as free.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` are.
    """
    return _core.free_memory(os.fspath(root))


def give_back_freed() -> None:
    """Give memory that was freed, and lies between what is in use, back to the system.

    Pillow holds a picture in blocks of 16 MB, which the C library keeps when they are freed in
    another thread than the first: 400 MB after a photo of 100 megapixels.
    """
    with suppress(AttributeError, OSError, TypeError):  # other C libraries have no such call
        ctypes.CDLL(None).malloc_trim(0)
