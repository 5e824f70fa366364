"""Stop work from another thread: what `load`, `prepare` and `render` look at while they run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from .errors import Cancelled

__all__ = ["CancelToken"]


class CancelToken:
    """A request to stop, made in one thread and heeded in others.

    One token may be given to several calls; once cancelled it stays so, and calls that are given
    it afterwards raise at once. All methods are safe to use from any thread and from a signal
    handler.

    Examples
    --------
    >>> token = CancelToken()
    >>> token.cancelled
    False
    >>> token.cancel()
    >>> token.raise_if_cancelled()
    Traceback (most recent call last):
    ...
    colordeploy.errors.Cancelled: cancelled
    """

    def __init__(self) -> None:
        self._set = False
        # Reentrant, because a signal handler may cancel while its own thread is in here.
        self._lock = threading.RLock()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._numbers = count()

    def cancel(self) -> None:
        """Ask every call that was given this token to stop; returns before they have."""
        with self._lock:
            if self._set:
                return
            self._set = True
            for callback in list(self._callbacks.values()):
                callback()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._set

    def is_set(self) -> bool:
        """Whether `cancel` was called; named as `threading.Event` names it."""
        return self._set

    def raise_if_cancelled(self) -> None:
        """Raise `Cancelled` once `cancel` was called, for use between steps of the work."""
        if self._set:
            raise Cancelled("cancelled")

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Have a callback called on `cancel` while the block runs, to stop what cannot look itself.

        Parameters
        ----------
        callback : callable
            Called at most once, in the thread that cancels, with this token's lock held: it must
            be quick, raise nothing and wait for nobody. When the block has ended it does not run,
            nor will it.

        Raises
        ------
        Cancelled
            At once, when the token is cancelled already.
        """
        with self._lock:
            self.raise_if_cancelled()
            number = next(self._numbers)
            self._callbacks[number] = callback
        try:
            yield
        finally:
            with self._lock:
                del self._callbacks[number]
