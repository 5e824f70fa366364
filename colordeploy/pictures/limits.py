"""How large a picture may be: a limit in pixels, and the memory that is there."""

from __future__ import annotations

from ..errors import InputError
from ..native.resources import free_memory

__all__ = ["MAX_PIXELS", "check_pixels"]

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
    needed, there = width * height * bytes_per_pixel, free_memory()
    if there is not None and needed > 0 and needed + _LEFT > there:
        raise InputError(
            f"reading {name} ({width}x{height} pixels) takes about {needed / 2**30:.2g} GiB of "
            f"memory, and {there / 2**30:.2g} GiB are left to this process; make the "
            "picture smaller, or raise the limit of the container, of `ulimit -v`, or the memory"
        )
