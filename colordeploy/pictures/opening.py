"""A picture file to samples: finds out its format, calls that format's decoder, checks limits."""

from __future__ import annotations

import io
import logging
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from ..errors import InputError
from ..native.resources import give_back_freed
from .decoded import Decoded, of_pillow, said_by_pillow
from .formats import Format, format_of, refusal
from .limits import check_pixels
from .metadata import made_here
from .png import png_16
from .pnm import read_pnm
from .tiff import read_tiff, tiff_exif, tiff_outline

__all__ = ["Outline", "decode", "open_file", "outline_of", "says_ours"]

_LOG = logging.getLogger("colordeploy")
_HEAD = 64
_LARGE = 1 << 25  # bytes of samples, after which the decoder's memory is given back at once
_END_OF_JPEG = b"\xff\xd9"
_LAST_ROWS = 17  # of a JPEG that may be missing: a row of its blocks, and one that it touches
_Plugin = Callable[[BinaryIO], ImageFile.ImageFile]
# The plug-ins themselves, not `Image.open`: nothing else is ever tried on a file, and Pillow's
# limit of pixels, which is one for the whole process, is not in the way of ours.
_PLUGINS: dict[Format, _Plugin] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}


@dataclass(frozen=True)
class Outline:
    """What the header of a picture file says: size of its first page, 0 if unknown, and pages."""

    width: int
    height: int
    pages: int


def open_file(path: Path) -> BinaryIO:
    """Open a picture file so that it can be read twice: pipes are read to their end.

    Raises
    ------
    InputError
        When it is missing, a folder, or must not be read.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise InputError(f"no such file: {path}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if file.seekable():
        return file
    with file:
        return io.BytesIO(file.read())


def decode(
    file: BinaryIO, name: str, suffix: str, page: int | None, max_pixels: int | None
) -> Decoded:
    """Decode one picture of an open file.

    Parameters
    ----------
    file : seekable binary file
    name : str
        For messages.
    suffix : str
        Of its name; it only helps to say what an unknown file may be.
    page : int, optional
        Page of a TIFF or frame of an animation, from 1 on; by default the first.
    max_pixels : int, optional
        See `colordeploy.pictures.limits.check_pixels`.

    Raises
    ------
    InputError
        When it is no picture, damaged, truncated, or too large.
    """
    head = file.read(_HEAD)
    file.seek(0)
    kind = format_of(head)
    if kind is None:
        raise InputError(f"{name} {refusal(head, suffix)}")
    try:
        found = _decoders()[kind](file, name, page, max_pixels)
        if found.values.nbytes > _LARGE:
            give_back_freed()
        return found
    except (InputError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise InputError(
            f"{name} is larger than a {kind} may be here (178 megapixels); save it as PNG or TIFF"
        ) from None
    except Exception as error:  # decoders raise almost anything on damaged files
        raise _unreadable(name, kind, error) from None


def outline_of(path: Path, page: int | None = None, max_pixels: int | None = None) -> Outline:
    """What a picture file's header says; nothing is decoded.

    Parameters
    ----------
    path : Path
    page, max_pixels : int, optional
        See `decode`.

    Raises
    ------
    InputError
        As `decode` would, as far as the header tells.
    """
    with open_file(path) as file:
        head = file.read(_HEAD)
        file.seek(0)
        kind, name = format_of(head), str(path)
        if kind is None:
            raise InputError(f"{name} {refusal(head, path.suffix)}")
        try:
            found = _outline(file, kind, name)
        except (InputError, MemoryError):
            raise
        except Exception as error:  # plug-ins raise almost anything on damaged files
            raise _unreadable(name, kind, error) from None
    if found.width:
        check_pixels(found.width, found.height, name, max_pixels, 0)
    if page is not None and not 1 <= page <= found.pages:
        raise InputError(f"{name} has {found.pages} pages; there is no page {page}")
    return found


def _outline(file: BinaryIO, kind: Format, name: str) -> Outline:
    if kind == "TIFF":
        return Outline(*tiff_outline(file, name))
    if kind == "PNM":
        return Outline(0, 0, 1)
    if kind == "HEIF":
        opened = _heif_library(name).open_heif(file)
        width, height = opened[0].size
        return Outline(width, height, len(opened))
    picture = _avif_plugin(name)(file) if kind == "AVIF" else _PLUGINS[kind](file)
    return Outline(*picture.size, getattr(picture, "n_frames", 1))


def says_ours(path: Path) -> bool:
    """Whether a picture file says that it was made here."""
    try:
        with open_file(path) as file:
            kind = format_of(file.read(_HEAD))
            file.seek(0)
            if kind == "TIFF":
                return made_here(tiff_exif(file))
            return kind in _PLUGINS and made_here(_PLUGINS[kind](file).getexif())
    except Exception:  # damaged files were not made here
        return False


def _decoders() -> dict[Format, Callable[[BinaryIO, str, int | None, int | None], Decoded]]:
    return {
        "JPEG": _jpeg,
        "PNG": _png,
        "TIFF": read_tiff,
        "WebP": _by_plugin("WebP"),
        "GIF": _by_plugin("GIF"),
        "BMP": _by_plugin("BMP"),
        "PNM": _pnm,
        "AVIF": _avif,
        "HEIF": _heif,
    }


def _unreadable(name: str, kind: str, error: Exception) -> InputError:
    text = str(error)
    if (
        isinstance(error, (EOFError, struct.error))
        or "truncated" in text.lower()
        or "broken" in text
    ):
        return InputError(
            f"{name} is a truncated or damaged {kind} ({text or type(error).__name__}); copy or "
            "download it again"
        )
    return InputError(
        f"{name} is a damaged {kind}, or of a kind that is not read ({type(error).__name__}: "
        f"{text}); save it again as PNG or TIFF"
    )


def _by_plugin(kind: Format) -> Callable[[BinaryIO, str, int | None, int | None], Decoded]:
    def read(file: BinaryIO, name: str, page: int | None, max_pixels: int | None) -> Decoded:
        return _frame(_PLUGINS[kind](file), name, page, max_pixels)

    return read


def _frame(
    picture: ImageFile.ImageFile, name: str, page: int | None, max_pixels: int | None
) -> Decoded:
    """One frame of a picture that a plug-in opened."""
    check_pixels(*picture.size, name, max_pixels, 12)
    frames = getattr(picture, "n_frames", 1)
    number = 1 if page is None else page
    if not 1 <= number <= frames:
        raise InputError(f"{name} has {frames} pages; there is no page {number}")
    if number > 1:
        picture.seek(number - 1)
    picture.load()
    found = of_pillow(picture, name)
    for field, value in said_by_pillow(picture).items():
        setattr(found, field, value)
    return found


def _png(file: BinaryIO, name: str, page: int | None, max_pixels: int | None) -> Decoded:
    if page in (None, 1) and (found := png_16(file, name, max_pixels)) is not None:
        return found
    file.seek(0)
    return _frame(PngImagePlugin.PngImageFile(file), name, page, max_pixels)


def _pnm(file: BinaryIO, name: str, page: int | None, max_pixels: int | None) -> Decoded:
    if page not in (None, 1):
        raise InputError(f"{name} has 1 page; there is no page {page}")
    return read_pnm(file, name, max_pixels)


def _jpeg(file: BinaryIO, name: str, page: int | None, max_pixels: int | None) -> Decoded:
    try:
        return _frame(JpegImagePlugin.JpegImageFile(file), name, page, max_pixels)
    except OSError as error:
        if "truncated" not in str(error):
            raise
    file.seek(0)
    data = file.read()
    if not _nearly_whole(data):
        raise InputError(f"{name} is a truncated JPEG; copy or download it again")
    _LOG.warning("%s: the end of the JPEG file is missing; it is read as far as it goes", name)
    whole = io.BytesIO(data + _END_OF_JPEG)
    return _frame(JpegImagePlugin.JpegImageFile(whole), name, page, max_pixels)


def _nearly_whole(data: bytes) -> bool:
    """Whether all but the last rows of a JPEG without its end mark are there.

    Bytes that are added behind the pixels change none of them when all are there, and those of
    the place where they end otherwise.
    """
    more = bytes(7 * i % 251 for i in range(1024))
    as_it_is, longer = (
        np.asarray(JpegImagePlugin.JpegImageFile(io.BytesIO(data + tail + _END_OF_JPEG)))
        for tail in (b"", more)
    )
    changed = (as_it_is != longer).reshape(len(longer), -1).any(axis=1)
    missing = min(_LAST_ROWS, len(changed) // 50)
    return not changed[: len(changed) - missing].any()


def _avif_plugin(name: str) -> _Plugin:
    try:
        from PIL import AvifImagePlugin
    except ImportError:
        raise InputError(
            f"{name} is AVIF, which this Pillow does not read; install Pillow 11.3 or newer"
        ) from None
    if not AvifImagePlugin.SUPPORTED:
        raise InputError(
            f"{name} is AVIF, and this Pillow was built without it; install a wheel of Pillow"
        )
    return AvifImagePlugin.AvifImageFile


def _avif(file: BinaryIO, name: str, page: int | None, max_pixels: int | None) -> Decoded:
    return _frame(_avif_plugin(name)(file), name, page, max_pixels)


def _heif_library(name: str) -> Any:
    """Either of two packages around libheif: pi-heif only decodes, pillow-heif also encodes."""
    for module in ("pi_heif", "pillow_heif"):
        with suppress(ImportError):
            return import_module(module)
    raise InputError(
        f"{name} is HEIC, which needs a decoder: pip install 'colordeploy[heif]', or save it as "
        "JPEG"
    )


def _heif(file: BinaryIO, name: str, page: int | None, max_pixels: int | None) -> Decoded:
    opened = _heif_library(name).open_heif(file, convert_hdr_to_8bit=False)
    number = 1 if page is None else page
    if not 1 <= number <= len(opened):
        raise InputError(f"{name} has {len(opened)} pages; there is no page {number}")
    picture = opened[opened.primary_index if page is None else number - 1]
    width, height = picture.size
    check_pixels(width, height, name, max_pixels, 24)
    values = np.asarray(picture)
    if values.dtype != np.uint8:
        values = values.astype(np.float32) / np.float32(65535)
    gray = values.ndim == 2
    alpha = None if gray or values.shape[2] < 4 else np.ascontiguousarray(values[..., 3])
    exif = Image.Exif()
    if data := picture.info.get("exif"):
        exif.load(data)
    xmp = picture.info.get("xmp") or b""
    return Decoded(
        values if gray else np.ascontiguousarray(values[..., :3]),
        "gray" if gray else "rgb",
        alpha,
        picture.info.get("icc_profile"),
        1,  # the decoder has turned it
        exif,
        xmp,
        None,
        len(opened),
    )
