"""What a decoder of a file format returns: samples as the file has them, not yet in sRGB."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InputError
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
        values = pixels_of(picture)
        alpha = values[..., -1].copy()
        color = straight(values[..., 0] if mode == "La" else values[..., :3], alpha)
        return Decoded(color, "gray" if mode == "La" else "rgb", alpha, profile)
    if mode == "CMYK":
        return Decoded(pixels_of(picture), "cmyk", profile=profile)
    if mode == "LAB":
        return Decoded(pixels_of(picture), "lab", profile=profile)
    if mode in ("LA", "PA", "RGBA") or picture.has_transparency_data:
        gray = mode in ("1", "L", "LA")
        values = pixels_of(picture, "LA" if gray else "RGBA")
        color = values[..., 0] if gray else values[..., :3]
        return Decoded(color, "gray" if gray else "rgb", values[..., -1].copy(), profile)
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
    # Cropping heeds Pillow's own limit, which a host may have lowered.
    pixels = min(_PIXELS, Image.MAX_IMAGE_PIXELS or _PIXELS)
    rows = max(1, pixels // max(1, picture.width))
    for begin in range(0, picture.height, rows):
        end = min(begin + rows, picture.height)
        part = picture.crop((0, begin, picture.width, end))
        result[begin:end] = np.asarray(part if part.mode == wanted else part.convert(wanted))
    return result


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
    cover = alpha if color.ndim == 2 else alpha[..., None]
    if color.dtype == np.uint8:
        wide = cover.astype(np.uint16)
        full = (color.astype(np.uint16) * 255 + wide // 2) // np.maximum(wide, 1)
        return np.where(cover > 0, np.minimum(full, 255), 0).astype(np.uint8)
    return np.where(cover > 0, np.minimum(color / np.maximum(cover, 1e-6), 1), 0).astype(np.float32)


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


def said_by_pillow(picture: Image.Image) -> dict[str, Any]:
    """What a loaded Pillow image says beside its samples: the other fields of `Decoded`."""
    xmp = picture.info.get("xmp", b"")
    if not isinstance(xmp, bytes):
        xmp = str(xmp).encode()
    exif = None
    with suppress(Exception):  # damaged EXIF is no reason to refuse a picture
        exif = picture.getexif()
    return {
        "profile": picture.info.get("icc_profile"),
        "orientation": orientation_of(exif, xmp),
        "exif": exif,
        "xmp": xmp,
        "dpi": picture.info.get("dpi"),
        "pages": getattr(picture, "n_frames", 1),
    }
