"""Calls of the core that can be stopped from another thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..cancellation import CancelToken
from ..errors import Cancelled
from . import _core

__all__ = ["Cancel", "CancelFlag", "stoppable"]

CancelFlag = _core.CancelFlag
Cancel = CancelToken | _core.CancelFlag | None


@contextmanager
def stoppable(cancel: Cancel) -> Iterator[_core.CancelFlag | None]:
    """The flag for the core to look at, without the interpreter; its exception becomes `Cancelled`.

    Raises
    ------
    Cancelled
        At once where `cancel` is set already.
    """
    try:
        if isinstance(cancel, CancelToken):
            flag = _core.CancelFlag()
            with cancel.calling(flag.set):
                yield flag
        else:
            yield cancel
    except _core.Cancelled:
        raise Cancelled("cancelled") from None
