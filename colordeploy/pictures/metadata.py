"""What a file says about its picture: orientation, EXIF, XMP and resolution."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray
from PIL import Image

__all__ = ["Metadata", "made_here", "marked", "metadata_of", "orientation_of", "upright"]

_ORIENTATION = 0x0112
_PROCESSING_SOFTWARE = 0x000B
_OURS = "colordeploy"
_EXIF, _GPS, _INTEROP = 0x8769, 0x8825, 0xA005
_COLOR_SPACE, _WIDTH, _HEIGHT = 0xA001, 0xA002, 0xA003
# Of the first directory, what describes the picture; the rest says how its pixels lie in the file.
_KEPT = {
    0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x011A: "XResolution",
    0x011B: "YResolution", 0x0128: "ResolutionUnit", 0x0131: "Software", 0x0132: "DateTime",
    0x013B: "Artist", 0x013C: "HostComputer", 0x8298: "Copyright", 0x9C9B: "XPTitle",
    0x9C9C: "XPComment", 0x9C9D: "XPAuthor", 0x9C9E: "XPKeywords", 0x9C9F: "XPSubject",
}  # fmt: skip
_XMP_ORIENTATION = (
    re.compile(rb"(tiff:Orientation\s*=\s*[\"'])(\d)([\"'])"),
    re.compile(rb"(<tiff:Orientation[^>]*>\s*)(\d)(\s*</tiff:Orientation>)"),
)
_XMP_THUMBNAILS = re.compile(rb"<(xmp|xap):Thumbnails\b.*?</\1:Thumbnails>", re.DOTALL)


@dataclass(frozen=True)
class Metadata:
    """What is kept of a file beside its pixels.

    Attributes
    ----------
    exif : bytes
        With the orientation reset, without thumbnail; empty when there is none.
    xmp : bytes
        The same.
    dpi : (x, y) or None
        Pixels per inch.
    """

    exif: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None


_TURNS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a[:, ::-1].swapaxes(0, 1),
}


def upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn (H, W, ...) values as an EXIF orientation says; others than 2 to 8 leave them alone.

    A view: a turned copy would double what a large picture takes.
    """
    turn = _TURNS.get(orientation)
    return values if turn is None else turn(values)


def orientation_of(exif: Image.Exif | None, xmp: bytes) -> int:
    """EXIF orientation, 1 to 8: by EXIF, else by XMP, else 1."""
    found: Any = None
    if exif is not None:
        with suppress(Exception):  # damaged EXIF raises almost anything
            found = exif.get(_ORIENTATION)
    if found is None:
        for pattern in _XMP_ORIENTATION:
            match = pattern.search(xmp)
            if match:
                found = int(match[2])
                break
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def metadata_of(
    exif: Image.Exif | None,
    xmp: bytes,
    dpi: Any,
    size: tuple[int, int],
) -> Metadata:
    """What is kept of a file.

    Parameters
    ----------
    exif : Image.Exif, optional
    xmp : bytes
    dpi : pair of numbers, or anything else for none
    size : (width, height)
        Of the upright picture.
    """
    for pattern in _XMP_ORIENTATION:
        xmp = pattern.sub(rb"\g<1>1\g<3>", xmp)
    return Metadata(_clean(exif, size), _XMP_THUMBNAILS.sub(b"", xmp), _resolution(dpi))


def marked(said: Metadata) -> Metadata:
    """The same with EXIF's ProcessingSoftware saying that the picture was made here."""
    exif = Image.Exif()
    exif.load(said.exif)
    entries = dict(exif) | {tag: exif.get_ifd(tag) for tag in (_EXIF, _GPS) if tag in exif}
    return replace(said, exif=_exif_bytes(entries | {_PROCESSING_SOFTWARE: _OURS}))


def made_here(exif: Image.Exif) -> bool:
    """Whether EXIF says that a picture was made here."""
    with suppress(Exception):  # damaged EXIF
        return str(exif.get(_PROCESSING_SOFTWARE, "")).startswith(_OURS)
    return False


def _clean(exif: Image.Exif | None, size: tuple[int, int]) -> bytes:
    """EXIF without thumbnail, of an upright sRGB picture of this size."""
    if exif is None:
        return b""
    kept: dict[int, Any] = {}
    with suppress(Exception):
        kept = _writable({tag: exif[tag] for tag in _KEPT if tag in exif}, None)
    for directory in (_EXIF, _GPS):
        with suppress(Exception):
            inner = dict(exif.get_ifd(directory))
            inner.pop(_INTEROP, None)  # it may say Adobe RGB, which the result is not
            if entries := _writable(inner, directory):
                kept[directory] = entries
    if not kept:
        return b""
    kept[_ORIENTATION] = 1
    if _EXIF in kept:
        kept[_EXIF] |= {_COLOR_SPACE: 1, _WIDTH: size[0], _HEIGHT: size[1]}  # 1 is sRGB
    return _exif_bytes(kept)


def _writable(entries: dict[int, Any], directory: int | None) -> dict[int, Any]:
    """Entries that can be written again: damaged ones are read, but cannot."""
    found = {}
    for tag, value in entries.items():
        with suppress(Exception):
            one = {tag: value}
            _exif_bytes(one if directory is None else {directory: one})
            found[tag] = value
    return found


def _exif_bytes(entries: dict[int, Any]) -> bytes:
    exif = Image.Exif()
    for tag, value in entries.items():
        exif[tag] = value
    return exif.tobytes()


def _resolution(dpi: Any) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if 0 < x < 1e6 and 0 < y < 1e6 else None
