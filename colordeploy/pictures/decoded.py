"""What a decoder of a file format returns: samples as the file has them, not yet in sRGB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InputError
from .icc import profile_of_gamma
from .metadata import orientation_of

__all__ = [
    "Decoded",
    "Model",
    "Samples",
    "looked_up",
    "of_pillow",
    "pixels_of",
    "said_by_pillow",
    "straight",
    "widened",
]

Samples: TypeAlias = "NDArray[Any]"  # uint8, or float32 in [0, 1]
_PIXELS = 1 << 22  # that are worked on at once
Model: TypeAlias = Literal["gray", "rgb", "cmyk", "lab"]


@dataclass(eq=False)
class Decoded:
    """Samples of one picture of a file.

    Attributes
    ----------
    values : (H, W) or (H, W, C) uint8 or float32 in [0, 1]
        Of "lab", a and b are those of ICC: (a + 128) / 255.
    model : {"gray", "rgb", "cmyk", "lab"}
    alpha : (H, W) of the same type, or None
        Straight: colours are not multiplied by it.
    profile : bytes or None
        ICC profile of the values.
    orientation : int
        Of EXIF: how they are to be turned.
    exif, xmp, dpi
        As found.
    pages : int
        Pictures of the file.
    """

    values: Samples
    model: Model
    alpha: Samples | None = None
    profile: bytes | None = None
    orientation: int = 1
    exif: Image.Exif | None = None
    xmp: bytes = b""
    dpi: Any = None
    pages: int = field(default=1)


def of_pillow(picture: Image.Image, name: str) -> Decoded:
    """Samples of a decoded Pillow image of any mode.

    Raises
    ------
    InputError
        For 32-bit integers or floats that are out of range.
    """
    profile = picture.info.get("icc_profile")
    mode = picture.mode
    if mode == "F":
        return Decoded(np.asarray(picture), "gray", profile=profile)
    if mode.startswith("I"):
        return _integers(picture, name, profile)
    if mode in ("La", "RGBa"):
        color, alpha = _split(picture, mode)
        return Decoded(straight(color, alpha), "gray" if mode == "La" else "rgb", alpha, profile)
    if mode == "CMYK":
        return Decoded(pixels_of(picture), "cmyk", profile=profile)
    if mode == "LAB":
        return Decoded(pixels_of(picture), "lab", profile=profile)
    if mode in ("LA", "PA", "RGBA") or picture.has_transparency_data:
        gray = mode in ("1", "L", "LA")
        color, alpha = _split(picture, "LA" if gray else "RGBA")
        return Decoded(color, "gray" if gray else "rgb", alpha, profile)
    if mode in ("1", "L"):
        return Decoded(pixels_of(picture, "L"), "gray", profile=profile)
    return Decoded(pixels_of(picture, "RGB"), "rgb", profile=profile)


def pixels_of(picture: Image.Image, mode: str | None = None) -> NDArray[np.uint8]:
    """Pixels of a Pillow image as an array, without a second copy of all of it on the way.

    Parameters
    ----------
    picture : Image.Image
    mode : str, optional
        To which it is converted.
    """
    wanted = mode or picture.mode
    channels = Image.getmodebands(wanted)
    shape = (picture.height, picture.width, channels)
    result = np.empty(shape[:2] if channels == 1 else shape, np.uint8)
    for rows, part in _parts(picture, wanted):
        result[rows] = part
    return result


def _split(picture: Image.Image, mode: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Colour and alpha of a Pillow image in a mode that has both, each in memory of its own."""
    channels = Image.getmodebands(mode) - 1
    shape = (picture.height, picture.width, channels)
    color = np.empty(shape[:2] if channels == 1 else shape, np.uint8)
    alpha = np.empty(shape[:2], np.uint8)
    for rows, part in _parts(picture, mode):
        color[rows] = part[..., 0] if channels == 1 else part[..., :-1]
        alpha[rows] = part[..., -1]
    return color, alpha


def _parts(picture: Image.Image, mode: str) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """Rows of a Pillow image, some at a time, in a mode."""
    # Cropping heeds Pillow's own limit, which a host may have lowered.
    pixels = min(_PIXELS, Image.MAX_IMAGE_PIXELS or _PIXELS)
    rows = max(1, pixels // max(1, picture.width))
    for begin in range(0, picture.height, rows):
        end = min(begin + rows, picture.height)
        part = picture.crop((0, begin, picture.width, end))
        yield slice(begin, end), np.asarray(part if part.mode == mode else part.convert(mode))


def widened(values: NDArray[np.uint16], white: int) -> NDArray[np.float32]:
    """16-bit samples as float32, `white` as 1, in memory that grows out of theirs.

    Both at once would take half as much again as the floats alone, which are the largest thing
    that a picture becomes. The samples must not be used any more.
    """
    owner: Any = values
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    shape, count = values.shape, values.size
    whole = owner.size == count and owner.dtype == values.dtype and values.flags.c_contiguous
    if not (whole and owner.flags.owndata):
        return np.divide(values, np.float32(white), dtype=np.float32)
    owner.resize(2 * count, refcheck=False)  # the system moves pages, nothing is copied
    values, floats = owner, owner.view(np.float32)
    for begin in reversed(range(0, count, _PIXELS)):  # the last first: it lies on none before it
        end = min(begin + _PIXELS, count)
        floats[begin:end] = values[begin:end] / np.float32(white)
    found: NDArray[np.float32] = floats.reshape(shape)
    return found


def looked_up(table: NDArray[Any], values: NDArray[np.uint8]) -> NDArray[Any]:
    """Entries of a table (256, ...) for (H, W) values; NumPy widens indices, so part by part."""
    result = np.empty((*values.shape, *table.shape[1:]), table.dtype)
    rows = max(1, _PIXELS // max(1, values.shape[1]))
    for begin in range(0, values.shape[0], rows):
        result[begin : begin + rows] = table[values[begin : begin + rows]]
    return result


def straight(color: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Colours that are not multiplied by alpha any more; 0 where alpha is 0.

    Parameters
    ----------
    color : (H, W) or (H, W, C) uint8 or float32
    alpha : (H, W) of the same type
    """
    result = np.empty(color.shape, color.dtype)
    rows = max(1, _PIXELS // max(1, color.shape[1]))
    for begin in range(0, color.shape[0], rows):
        part, cover = color[begin : begin + rows], alpha[begin : begin + rows]
        if color.ndim == 3:
            cover = cover[..., None]
        if color.dtype == np.uint8:
            wide = cover.astype(np.uint16)
            full = (part.astype(np.uint16) * 255 + wide // 2) // np.maximum(wide, 1)
            result[begin : begin + rows] = np.where(cover > 0, np.minimum(full, 255), 0)
        else:
            full = np.minimum(part / np.maximum(cover, np.float32(1e-6)), np.float32(1))
            result[begin : begin + rows] = np.where(cover > 0, full, np.float32(0))
    return result


def _integers(picture: Image.Image, name: str, profile: bytes | None) -> Decoded:
    """16-bit grey, and 32-bit grey that holds 8 or 16 bits."""
    values = np.asarray(picture)
    alpha = None
    lowest, highest = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if lowest < 0 or highest > 65535:
        raise InputError(
            f"{name} holds integers from {lowest} to {highest}; they must lie in 0 to 65535 (16 "
            "bits) or 0 to 255 (8 bits)"
        )
    clear = picture.info.get("transparency")
    if isinstance(clear, int):
        alpha = (values != clear).astype(np.float32)
    if picture.mode == "I" and highest <= 255:
        gray = values.astype(np.uint8)
        return Decoded(
            gray, "gray", None if alpha is None else (alpha * 255).astype(np.uint8), profile
        )
    return Decoded(values.astype(np.float32) / np.float32(65535), "gray", alpha, profile)


def _of_chunks(picture: Image.Image) -> bytes | None:
    """PNG's gAMA and cHRM as a profile, where neither iCCP nor sRGB says more."""
    gamma = picture.info.get("gamma")
    if not isinstance(gamma, float) or "srgb" in picture.info:
        return None
    gray = picture.mode in ("1", "L", "LA", "I", "I;16", "I;16B")
    return profile_of_gamma(gamma, picture.info.get("chromaticity"), gray=gray)


def said_by_pillow(picture: Image.Image) -> dict[str, Any]:
    """What a loaded Pillow image says beside its samples: the other fields of `Decoded`."""
    xmp = picture.info.get("xmp", b"")
    if not isinstance(xmp, bytes):
        xmp = str(xmp).encode()
    exif = None
    with suppress(Exception):  # damaged EXIF is no reason to refuse a picture
        exif = picture.getexif()
    return {
        "profile": picture.info.get("icc_profile") or _of_chunks(picture),
        "orientation": orientation_of(exif, xmp),
        "exif": exif,
        "xmp": xmp,
        "dpi": picture.info.get("dpi"),
        "pages": getattr(picture, "n_frames", 1),
    }
