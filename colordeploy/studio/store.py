"""Pictures and canvases that the service holds: named, bounded, the oldest leaves first."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..pictures.picture import Picture
from .limits import Limits

__all__ = ["GoneError", "HeldCanvas", "HeldPicture", "Store", "UnknownError"]

_LOG = logging.getLogger("colordeploy")
_REMEMBERED = 4096  # names of what has left


class UnknownError(KeyError):
    """A name that was never given out."""


class GoneError(KeyError):
    """What has left, with the reason."""


@dataclass(eq=False)
class HeldPicture:
    """A picture.

    Attributes
    ----------
    id : str
    picture : Picture
    references : dict of str to Reference
        The picture encoded as an example, by the model's name.
    """

    id: str
    picture: Picture
    references: dict[str, Any] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        alpha = self.picture.alpha
        held = self.picture.samples.nbytes + (0 if alpha is None else alpha.nbytes)
        return int(held) + sum(int(reference.nbytes) for reference in self.references.values())

    def close(self) -> None:
        """Nothing is held beyond the object itself."""


@dataclass(eq=False)
class HeldCanvas:
    """A canvas, with the picture that it is of.

    Attributes
    ----------
    id : str
    model : str
        Name of its model.
    command : str
        Of its method: "scribble", "auto", "exemplar" or "sketch".
    canvas : Canvas
    source : HeldPicture
    draft : Canvas or None
        A coarser one, for what is still being drawn; prepared when somebody draws.
    """

    id: str
    model: str
    command: str
    canvas: Any
    source: HeldPicture
    draft: Any = None

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        draft = self.draft
        return int(self.canvas.nbytes) + (0 if draft is None else int(draft.nbytes))

    def close(self) -> None:
        """Free them; a render in progress ends with an error that says so."""
        self.canvas.close()
        if self.draft is not None:
            self.draft.close()


class Store:
    """What is held, by unguessable names. Safe to use from several threads."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._held: OrderedDict[str, tuple[HeldPicture | HeldCanvas, float]] = OrderedDict()
        self._left: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.RLock()

    def add_picture(self, picture: Picture) -> HeldPicture:
        """Hold a picture."""
        held = HeldPicture(secrets.token_urlsafe(12), picture)
        self._add(held)
        return held

    def add_canvas(self, canvas: Any, model: str, command: str, source: HeldPicture) -> HeldCanvas:
        """Hold a canvas."""
        held = HeldCanvas(secrets.token_urlsafe(12), model, command, canvas, source)
        self._add(held)
        return held

    def picture(self, name: str) -> HeldPicture:
        """A picture by its name; UnknownError or GoneError."""
        held: HeldPicture = self._get(name, HeldPicture)
        return held

    def canvas(self, name: str) -> HeldCanvas:
        """A canvas by its name; UnknownError or GoneError."""
        held: HeldCanvas = self._get(name, HeldCanvas)
        return held

    def remove(self, name: str) -> None:
        """Let one go; UnknownError or GoneError."""
        with self._lock:
            self._get(name, (HeldPicture, HeldCanvas))
            self._leave(name, "was deleted")

    def close(self) -> None:
        """Let all go."""
        with self._lock:
            for name in list(self._held):
                self._leave(name, "left when the service ended")

    @property
    def counts(self) -> dict[str, int]:
        """How many pictures and canvases there are, and their bytes."""
        with self._lock:
            kinds = [type(held) for held, _ in self._held.values()]
            return {
                "pictures": kinds.count(HeldPicture),
                "canvases": kinds.count(HeldCanvas),
                "bytes": self._bytes(),
            }

    def _add(self, held: HeldPicture | HeldCanvas) -> None:
        with self._lock:
            self._held[held.id] = held, self._clock()
            self._expire()
            self._shrink(held)

    def _get(self, name: str, kind: Any) -> Any:
        with self._lock:
            self._expire()
            if name in self._left:
                raise GoneError(self._left[name])
            held, _ = self._held.get(name, (None, 0.0))
            if not isinstance(held, kind):
                raise UnknownError(name)
            self._held[name] = held, self._clock()
            self._held.move_to_end(name)
            return held

    def _expire(self) -> None:
        oldest = self._clock() - self._limits.age
        for name in [name for name, (_, used) in self._held.items() if used < oldest]:
            self._leave(name, f"was not used for {self._limits.age:g} seconds")

    def _shrink(self, kept: HeldPicture | HeldCanvas) -> None:
        """The one that was not used for longest leaves, until all is within the limits."""
        for kind, most, what in (
            (HeldPicture, self._limits.pictures, "pictures"),
            (HeldCanvas, self._limits.canvases, "canvases"),
        ):
            names = [name for name, (held, _) in self._held.items() if isinstance(held, kind)]
            for name in names[: max(0, len(names) - most)]:
                self._leave(name, f"was the oldest of more than {most} {what}")
        for name in list(self._held):
            if self._bytes() <= self._limits.memory:
                break
            if name != kept.id:
                megabytes = self._limits.memory >> 20
                self._leave(name, f"was the oldest when more than {megabytes} MiB were held")

    def _bytes(self) -> int:
        return sum(held.nbytes for held, _ in self._held.values())

    def _leave(self, name: str, reason: str) -> None:
        held, _ = self._held.pop(name)
        held.close()
        self._left[name] = reason
        while len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        _LOG.info("studio: %s %s %s", type(held).__name__[4:].lower(), name, reason)
