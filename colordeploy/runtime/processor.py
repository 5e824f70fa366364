"""What the processor can do, as Linux says it."""

from __future__ import annotations

import platform
from pathlib import Path

__all__ = ["cpu_field", "has_vnni"]

_CPUINFO = Path("/proc/cpuinfo")
_VNNI = {"avx512_vnni", "avx_vnni", "amx_int8"}


def cpu_field(name: str) -> str | None:
    """A field of the first processor in /proc/cpuinfo; None where there is none."""
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:
        return None
    return next((x.partition(":")[2].strip() for x in lines if x.startswith(name)), None)


def has_vnni() -> bool:
    """Whether products of 8 bits are summed in 32: x86-64 before VNNI sums pairs in 16 bits, which
    overflow. True where it cannot be told, and on other processors.
    """
    flags = cpu_field("flags")
    if flags is None or platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    return not _VNNI.isdisjoint(flags.split())
