"""What a factorization needs to know of a picture's size, for the last few sizes."""

from __future__ import annotations

import threading
from collections import OrderedDict

from ..errors import InputError
from . import _core

__all__ = ["drop_plans", "plan_of"]

_MAXIMUM_PIXELS = 1 << 28  # four edges a pixel are counted in 32 bits
_KEPT = 4

_plans: OrderedDict[tuple[int, int, int], _core.Plan] = OrderedDict()
_lock = threading.Lock()


def plan_of(
    height: int, width: int, global_step: int, cancel: _core.CancelFlag | None = None
) -> _core.Plan:
    """Elimination order and index lists; they depend on the size alone."""
    if height * width > _MAXIMUM_PIXELS:
        raise InputError(
            f"{height}x{width} pixels are more than the {_MAXIMUM_PIXELS} that can be solved for; "
            "use a smaller working size"
        )
    key = height, width, global_step
    with _lock:
        if key in _plans:
            _plans.move_to_end(key)
            return _plans[key]
    plan = _core.Plan(height, width, global_step, cancel)
    with _lock:
        _plans[key] = plan
        while len(_plans) > _KEPT:
            _plans.popitem(last=False)
    return plan


def drop_plans() -> int:
    """Forget all plans; returns their bytes. Those in use live on with who uses them."""
    with _lock:
        dropped = sum(plan.nbytes for plan in _plans.values())
        _plans.clear()
    return dropped
