"""Memory that the core keeps for the next piece of work, one store for the whole process."""

from __future__ import annotations

from ..errors import InputError
from . import _core
from .checks import whole_number
from .device import drop_device_plans
from .plans import drop_plans

__all__ = ["idle_bytes", "idle_limit", "set_idle_limit", "trim"]


def idle_bytes() -> int:
    """Bytes that nobody uses and that are kept for the next piece of work.

    Touching new memory costs more than what is computed in it, so what one solution returns the
    next one gets, whatever its size. Before an allocation fails, idle memory is given back.
    """
    return _core.idle_bytes()


def idle_limit() -> int:
    """The most idle bytes that this process keeps when nothing is in use."""
    return _core.idle_limit()


def set_idle_limit(nbytes: int) -> None:
    """Bound the idle memory of this process; what is above goes back to the system at once.

    While systems are alive, as much as they hold may be idle besides, so that the next picture
    of that size needs no new memory.

    Parameters
    ----------
    nbytes : int
        64 MiB unless set; 0 keeps nothing at all. With less than a solution takes (55 MB at
        256x256 in single precision), the first one after a pause pays for new memory.
    """
    number = whole_number("nbytes", nbytes)
    if not 0 <= number < 2**63:
        raise InputError(f"nbytes must be at least 0 and below 2^63, not {number}")
    _core.set_idle_limit(number)


def trim() -> int:
    """Give all idle memory back to the system, and forget plans of sizes; returns the bytes.

    Nothing in use is touched. The next solution of a size plans anew and pays for new memory.
    """
    drop_device_plans()  # their bytes are the GPU's
    return drop_plans() + _core.trim()
