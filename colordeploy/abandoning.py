"""Work that its caller can leave behind when it is cancelled."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

from .cancellation import CancelToken
from .errors import Cancelled

__all__ = ["abandonable"]

_T = TypeVar("_T")
_GRACE = 0.01  # seconds in which cancelled work may end by itself


def abandonable(work: Callable[[], _T], cancel: CancelToken | None) -> _T:
    """Do work that cannot be stopped at once; when it is cancelled its caller does not wait for it.

    Kernels of a runtime look at a cancellation between each other only, and a single one may take
    long; NumPy and Pillow never look. So the work is done in a thread of its own, which goes on to
    the next such look after its caller was told. What it reads must not be written to meanwhile,
    and it must write to nothing that the caller gave it.

    Parameters
    ----------
    work : callable
    cancel : CancelToken or None
        None: the work is done here, and waited for.

    Raises
    ------
    Cancelled
        Soon after the token was cancelled.
    """
    if cancel is None:
        return work()
    cancel.raise_if_cancelled()
    results: list[_T] = []
    errors: list[BaseException] = []
    ended, left = threading.Event(), threading.Event()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            result = context.run(work)
            if not left.is_set():
                results.append(result)
        except BaseException as error:  # for the caller, if it still waits
            # One that nobody takes would keep itself and all of the work's memory by its traceback.
            if not left.is_set():
                errors.append(error)
        ended.set()

    thread = threading.Thread(target=run, name="colordeploy")
    try:
        thread.start()
    except RuntimeError:  # the system has no thread left
        return work()
    with cancel.calling(ended.set):
        ended.wait()
    if cancel.cancelled:
        thread.join(_GRACE)
    if not results and not errors:
        left.set()
        raise Cancelled("cancelled")
    if errors:
        raise errors.pop()
    return results.pop()
