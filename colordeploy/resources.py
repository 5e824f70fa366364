"""What this process may use: processors and memory, whatever the machine has.

Linux' control groups (containers, `systemd-run`, batch systems) and the limits of the process
(`ulimit`) are heeded; elsewhere the machine's own figures count.
"""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

__all__ = ["free_memory", "give_back_freed", "processors"]

_ROOT = Path("/")


def processors(root: Path = _ROOT) -> int:
    """How many processors this process may keep busy: its affinity, and its groups' quota.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` are.
    """
    try:
        present = len(os.sched_getaffinity(0))
    except AttributeError:  # not everywhere
        present = os.cpu_count() or 1
    for folder in _groups(root, "cpu"):
        quota = _quota(folder)
        if quota is not None:
            present = min(present, max(1, math.ceil(quota)))
    return present


def free_memory(root: Path = _ROOT) -> int | None:
    """Bytes that this process may still take; None where that is not known.

    The least of what the machine has free, what the control groups allow and what ``ulimit -v``
    and ``ulimit -d`` allow. Memory that only caches files counts as free.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` are.
    """
    found = [*_of_groups(root), *_of_limits(root)]
    machine = _kilobytes(root / "proc" / "meminfo", "MemAvailable:")
    if machine is None:
        machine = _installed()
    if machine is not None:
        found.append(machine)
    return max(0, min(found)) if found else None


def give_back_freed() -> None:
    """Give memory that was freed, and lies between what is in use, back to the system.

    Pillow holds a picture in blocks of 16 MB, which the C library keeps when they are freed in
    another thread than the first: 400 MB after a photo of 100 megapixels.
    """
    with suppress(AttributeError, OSError, TypeError):  # other C libraries have no such call
        ctypes.CDLL(None).malloc_trim(0)


def _installed() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not everywhere
        return None


def _quota(folder: Path) -> float | None:
    """Processors that a group may keep busy."""
    words = _words(folder / "cpu.max") or [
        *_words(folder / "cpu.cfs_quota_us"),
        *_words(folder / "cpu.cfs_period_us"),
    ]
    if len(words) != 2 or words[0] in ("max", "-1"):
        return None
    try:
        return float(words[0]) / float(words[1])
    except (ValueError, ZeroDivisionError):
        return None


def _of_groups(root: Path) -> Iterator[int]:
    """What each group over this process may still take."""
    for folder in _groups(root, "memory"):
        for limit, used, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            most, taken = _number(folder / limit), _number(folder / used)
            if most is not None and taken is not None:
                yield most - taken + (_field(folder / "memory.stat", cache) or 0)


def _of_limits(root: Path) -> Iterator[int]:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    status = root / "proc" / "self" / "status"
    for limit, used in ((resource.RLIMIT_AS, "VmSize:"), (resource.RLIMIT_DATA, "VmData:")):
        most, taken = resource.getrlimit(limit)[0], _kilobytes(status, used)
        if most != resource.RLIM_INFINITY and taken is not None:
            yield most - taken


@lru_cache(maxsize=8)  # a process hardly ever moves to another group
def _groups(root: Path, controller: str) -> tuple[Path, ...]:
    """Folders of the control groups that this process is in, its own before the outer ones."""
    top = root / "sys" / "fs" / "cgroup"
    found: dict[Path, None] = {}
    for line in _text(root / "proc" / "self" / "cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        # Version 2 has one tree, at the top or, beside version 1, below "unified".
        for tree in (controllers, controller) if controllers else ("", "unified"):
            # In a container the path is often that on the host, which does not exist inside.
            parts = Path(path.lstrip("/")).parts
            for depth in range(len(parts), -1, -1):
                folder = (top / tree).joinpath(*parts[:depth])
                if folder.is_dir():
                    found[folder] = None
    return tuple(found)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _words(path: Path) -> list[str]:
    return _text(path).split()


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None  # "max" is none


def _field(path: Path, name: str) -> int | None:
    for line in _text(path).splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == name and words[1].isdecimal():
            return int(words[1])
    return None


def _kilobytes(path: Path, name: str) -> int | None:
    found = _field(path, name)
    return None if found is None else 1024 * found
