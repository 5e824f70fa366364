"""How large a picture may be: a limit in pixels, and the memory that is there."""

from __future__ import annotations

import math
import os
from pathlib import Path

from ..errors import InputError

__all__ = ["MAX_PIXELS", "available_memory", "check_pixels", "of_cgroups"]

MAX_PIXELS = 500_000_000  # by default; a 16-bit scan of 200 megapixels is real, a bomb is larger
_LEFT = 64 << 20  # bytes that are left to the rest of the process


def check_pixels(
    width: int, height: int, name: str, max_pixels: int | None, bytes_per_pixel: float
) -> None:
    """Refuse a picture that is empty or too large, before anything of it is decoded.

    Parameters
    ----------
    width, height : int
    name : str
        Of the file, for the message.
    max_pixels : int, optional
        By default `MAX_PIXELS`.
    bytes_per_pixel : float
        What decoding takes at its highest.

    Raises
    ------
    InputError
    """
    if width < 1 or height < 1:
        raise InputError(f"{name} is empty: {width}x{height} pixels")
    limit = MAX_PIXELS if max_pixels is None else max_pixels
    if width * height > limit:
        raise InputError(
            f"{name} has {width}x{height} pixels ({width * height / 1e6:.0f} megapixels), more "
            f"than the limit of {limit / 1e6:g} megapixels; make it smaller, or raise the limit "
            "(max_pixels=, on the command line --max-megapixels) if you trust the file"
        )
    needed, there = width * height * bytes_per_pixel, available_memory()
    if needed + _LEFT > there:
        raise InputError(
            f"reading {name} ({width}x{height} pixels) takes about {needed / 2**30:.2g} GiB of "
            f"memory, and {max(0.0, there) / 2**30:.2g} GiB are left to this process; make the "
            "picture smaller, or raise the limit of the container, of `ulimit -v`, or the memory"
        )


def available_memory() -> float:
    """Bytes that this process may still take: of the machine, its cgroups (v1, v2) and ulimit."""
    return min(
        _of_machine(), of_cgroups(Path("/sys/fs/cgroup"), _own_cgroups()), _of_address_space()
    )


def _of_machine() -> float:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return math.inf


def _own_cgroups() -> list[str]:
    try:
        return Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []


def of_cgroups(root: Path, lines: list[str]) -> float:
    """Bytes that the cgroups of a process leave, the least of all above it.

    Page cache that goes when it is needed counts as free.

    Parameters
    ----------
    root : path
        Where cgroups are mounted.
    lines : list of str
        Of ``/proc/PID/cgroup``.
    """
    left = math.inf
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, names = root, ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            base, names = root / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        group = base / path.lstrip("/")
        for folder in (group, *group.parents):
            limit, used = (_number(folder / name) for name in names)
            if limit is not None and used is not None:
                left = min(left, limit - used + _cached(folder))
            if folder == base:
                break
    return left


def _number(path: Path) -> float | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return float(text) if text.isdigit() else None  # "max" is no limit


def _cached(folder: Path) -> float:
    """Bytes of page cache in a cgroup that go when they are needed."""
    try:
        for line in (folder / "memory.stat").read_text().splitlines():
            name, _, value = line.partition(" ")
            if name in ("inactive_file", "total_inactive_file"):
                return float(value)
    except (OSError, ValueError):
        pass
    return 0.0


def _of_address_space() -> float:
    """What ``ulimit -v`` leaves."""
    try:
        import resource  # not on every platform

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit == resource.RLIM_INFINITY:
            return math.inf
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return float(limit - pages * os.sysconf("SC_PAGE_SIZE"))
    except (ImportError, OSError, ValueError, IndexError):
        return math.inf
