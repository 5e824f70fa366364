"""How much the service takes on."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """Limits of the service; what goes beyond is refused, or makes the oldest leave.

    Attributes
    ----------
    upload : int
        Bytes of a picture file.
    pixels : int
        Of a picture.
    working : int
        Pixels at which colours are computed, where a client asks for a working size.
    message : int
        Bytes of a description of guidance.
    pictures, canvases : int
        Held at once; the one that was not used for longest leaves first.
    memory : int
        Bytes of all pictures and canvases together; the same.
    age : float
        Seconds without use after which a picture or a canvas leaves.
    work : int
        Calls that compute at once; the others wait.
    """

    upload: int = 200 << 20
    pixels: int = 120_000_000
    working: int = 4_000_000
    message: int = 4 << 20
    pictures: int = 64
    canvases: int = 32
    memory: int = 4 << 30
    age: float = 3600.0
    work: int = 2
