"""What a factorization needs to know of a picture's size, for the last few sizes."""

from __future__ import annotations

from . import _core

__all__ = ["drop_plans", "plan_of"]


def plan_of(
    height: int, width: int, global_step: int, cancel: _core.CancelFlag | None = None
) -> _core.Plan:
    """Elimination order and index lists; they depend on the size alone.

    Raises
    ------
    InputError
        For more pixels than can be solved for.
    """
    return _core.plan_of(height, width, global_step, cancel)


def drop_plans() -> int:
    """Forget all plans; returns their bytes. Those in use live on with who uses them."""
    return _core.drop_plans()
