"""Pictures out: arrays to files, with what the input's file carried."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from ..errors import Cancelled, InputError
from ..files import writing
from .metadata import Metadata, marked
from .picture import Picture, floats
from .png_writer import write_png_16
from .tiff_writer import write_tiff

__all__ = ["Options", "encode", "picture_format", "save_picture"]

_FORMATS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF",
    ".tiff": "TIFF", ".bmp": "BMP",
}  # fmt: skip
_DEEP = ("PNG", "TIFF")
_LOSSY = ("JPEG", "WEBP")
_LEVEL = 3  # of deflate: on a photo with grain 3.6 times faster than 6, files 6 % larger
_ROWS = 1 << 20  # samples that are worked on at once


@dataclass(frozen=True)
class Options:
    """How pictures are encoded.

    Attributes
    ----------
    depth : {8, 16}
        Bits a sample; 16 for PNG and TIFF.
    quality : int, optional
        1 to 100, of JPEG (95 by default) and WebP (lossless by default).
    compression : int, optional
        0 (fast) to 9 (small), of PNG and TIFF; 3 by default.
    """

    depth: int = 8
    quality: int | None = None
    compression: int | None = None


def picture_format(path: Path, options: Options | None = None) -> str:
    """Format of a file name; InputError for suffixes that are not written, or not so.

    Parameters
    ----------
    path : Path
    options : Options, optional
        Checked for the format.
    """
    chosen = options or Options()
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise InputError(
            f"{path}: pictures are not written with the suffix {path.suffix!r}; use one of "
            f"{', '.join(_FORMATS)}"
        )
    if chosen.depth not in (8, 16):
        raise InputError(f"pictures have 8 or 16 bits a sample, not {chosen.depth}")
    if chosen.depth == 16 and kind not in _DEEP:
        raise InputError(f"{path}: {kind} holds 8 bits a sample; for 16 use .png or .tif")
    for name, value, lowest, highest, kinds in (
        ("quality", chosen.quality, 1, 100, _LOSSY),
        ("compression", chosen.compression, 0, 9, _DEEP),
    ):
        if value is not None and not lowest <= value <= highest:
            raise InputError(f"{name} is {lowest} to {highest}, not {value}")
        if value is not None and kind not in kinds:
            raise InputError(f"{path}: {kind} has no {name}; it is for {' and '.join(kinds)}")
    return kind


def save_picture(
    picture: NDArray[np.uint8] | NDArray[np.uint16],
    path: str | os.PathLike[str],
    *,
    like: Picture | None = None,
    quality: int | None = None,
    compression: int | None = None,
) -> None:
    """Write a picture, whole or not at all, tagged as sRGB.

    Parameters
    ----------
    picture : (H, W, 3) or (H, W, 4) uint8 or uint16
        sRGB or sRGBA; uint16 for PNG and TIFF.
    path : path
        The suffix says the format: .png, .jpg, .webp, .tif, .bmp.
    like : Picture, optional
        What it was made of: its EXIF (upright, without thumbnail), XMP, resolution and alpha are
        kept, as far as the format can.
    quality : int, optional
        1 to 100, of JPEG (95 by default) and WebP (lossless by default).
    compression : int, optional
        0 (fast) to 9 (small), of PNG and TIFF; 3 by default.

    Raises
    ------
    InputError
        When the format is not written, cannot hold the picture, or the place cannot be written.
    """
    target = Path(path)
    depth = 16 if picture.dtype == np.uint16 else 8
    options = Options(depth, quality, compression)
    kind = picture_format(target, options)
    with writing(target) as file:
        encode([(picture, like)], kind, options, file, str(target))


def encode(
    pages: list[tuple[Any, Picture | None]],
    kind: str,
    options: Options,
    file: BinaryIO,
    name: str,
) -> None:
    """Write pictures into an open file; more than one for TIFF only.

    Parameters
    ----------
    pages : list of (array, Picture or None)
        See `save_picture`. Emptied, so that their memory is free while the file is written.
    kind : str
        Pillow's name of the format.
    options : Options
    file : binary file
    name : str
        For messages.
    """
    said = [marked(like.metadata if like else Metadata()) for _, like in pages]
    arrays = []
    while pages:  # what has got its alpha is not held twice
        arrays.append(_with_alpha(*pages.pop(0), kind))
    level = _LEVEL if options.compression is None else options.compression
    height, width = arrays[0].shape[:2]
    try:
        if kind == "TIFF":
            write_tiff(file, arrays, said, level, _srgb_profile())
        elif kind == "PNG" and arrays[0].dtype == np.uint16:
            write_png_16(file, arrays[0], said[0], level)
        else:
            picture = _image(arrays.pop())
            picture.save(file, kind, **_arguments(kind, said[0], options, level))
    except (MemoryError, Cancelled):
        raise
    except Exception as error:  # encoders raise almost anything past their limits
        if isinstance(error, OSError) and error.errno is not None:
            raise  # a full disk, not the format
        raise InputError(
            f"{name}: a picture of {width}x{height} cannot be saved as {kind} ({error}); use .png"
        ) from None


def _image(array: NDArray[np.uint8]) -> Image.Image:
    """A Pillow image: of the array's own memory where Pillow holds four bytes a pixel, too."""
    if array.shape[2] == 4:
        height, width = array.shape[:2]
        data = np.ascontiguousarray(array)
        return Image.frombuffer("RGBA", (width, height), data, "raw", "RGBA", 0, 1)
    return Image.fromarray(array)


def _arguments(kind: str, said: Metadata, options: Options, level: int) -> dict[str, Any]:
    """Of Pillow's save."""
    found: dict[str, Any] = {}
    if said.dpi:
        found["dpi"] = said.dpi
    if kind == "BMP":
        return found
    found["exif"] = said.exif
    if kind == "PNG":
        chunks = PngImagePlugin.PngInfo()
        chunks.add(b"sRGB", b"\0")
        if said.xmp:
            chunks.add_itxt("XML:com.adobe.xmp", said.xmp.decode("utf-8", "replace"))
        return found | {"pnginfo": chunks, "compress_level": level}
    found |= {"xmp": said.xmp, "icc_profile": _srgb_profile()}
    if kind == "JPEG":
        return found | {"quality": options.quality or 95, "subsampling": 0}
    if options.quality is None:
        return found | {"lossless": True}
    return found | {"quality": options.quality}


@lru_cache(maxsize=1)
def _srgb_profile() -> bytes:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes.fromhex("07D000010001000000000000")  # else the time of this run
    return bytes(profile)


def _with_alpha(array: NDArray[Any], like: Picture | None, kind: str) -> NDArray[Any]:
    """The picture with the input's alpha: the colours that laid over white are the given ones."""
    if kind in ("JPEG", "BMP"):
        return _flat(array)
    if like is None or like.alpha is None or array.shape[:2] != like.size or array.shape[2] != 3:
        return array
    full = np.iinfo(array.dtype).max
    result = np.empty((*array.shape[:2], 4), array.dtype)
    rows = max(1, _ROWS // max(1, array[0].size))
    for begin in range(0, array.shape[0], rows):
        part = slice(begin, begin + rows)
        cover = floats(like.alpha[part])[..., None]
        over = array[part].astype(np.float32) - (1 - cover) * full
        color = np.where(cover > 0, over / np.maximum(cover, 1e-6), full)
        result[part, :, :3] = np.rint(color.clip(0, full))
        result[part, :, 3] = np.rint(cover[..., 0] * full)
    return result


def _flat(array: NDArray[Any]) -> NDArray[Any]:
    """Formats without alpha: over white."""
    if array.shape[2] == 3:
        return array
    cover = array[..., 3:].astype(np.float32) / np.iinfo(array.dtype).max
    over = array[..., :3] * cover + np.iinfo(array.dtype).max * (1 - cover)
    return np.rint(over).astype(array.dtype)
