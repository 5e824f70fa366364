"""PNG of 16 bits a sample, which Pillow reads as eight.

Pillow's decoder is asked twice, for the high and for the low bytes: its raw modes "RGB;16B" and
"RGB;16L" keep the first and the second byte of each sample.
"""

from __future__ import annotations

import io
import struct
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, PngImagePlugin

from .decoded import Decoded, Model, Samples, pixels_of, said_by_pillow
from .limits import check_pixels

__all__ = ["png_16"]

_GRAY, _RGB, _GRAY_ALPHA, _RGB_ALPHA = 0, 2, 4, 6  # PNG's colour types


def png_16(file: BinaryIO, name: str, max_pixels: int | None) -> Decoded | None:
    """Samples of a PNG with 16 bits; None for others, the file back at its beginning."""
    head = file.read(26)
    file.seek(0)
    if len(head) < 26 or head[24] != 16 or head[25] not in (_GRAY, _RGB, _GRAY_ALPHA, _RGB_ALPHA):
        return None
    kind = head[25]
    picture = PngImagePlugin.PngImageFile(file)
    check_pixels(*picture.size, name, max_pixels, 24)
    values: NDArray[Any]
    if kind == _GRAY:
        picture.load()
        values = np.asarray(picture).astype(np.uint16)[..., None]
    elif kind == _GRAY_ALPHA:  # four bytes a pixel, and so are RGBA's
        values = _raw(picture, "RGBA", "RGBA").view(">u2")
    else:
        mode = "RGB" if kind == _RGB else "RGBA"
        bytes_of = np.empty((picture.height, picture.width, len(mode), 2), np.uint8)
        bytes_of[..., 0] = _raw(picture, mode, f"{mode};16B")
        picture.im = Image.new("L", (1, 1)).im  # its memory is not needed any more
        file.seek(0)
        bytes_of[..., 1] = _raw(PngImagePlugin.PngImageFile(file), mode, f"{mode};16L")
        values = bytes_of.view(">u2")[..., 0]
    clear = picture.info.get("transparency")
    scale = _scale(values, _significant_bits(file))
    samples = values.astype(np.float32)
    samples /= np.float32(scale)
    np.clip(samples, 0, 1, out=samples)
    alpha: Samples | None = None
    if kind in (_GRAY_ALPHA, _RGB_ALPHA):
        samples, alpha = samples[..., :-1], values[..., -1].astype(np.float32) / np.float32(65535)
    elif clear is not None:
        alpha = (values != np.array(clear, np.uint16)).any(axis=-1).astype(np.float32)
    model: Model = "gray" if kind in (_GRAY, _GRAY_ALPHA) else "rgb"
    return Decoded(
        samples[..., 0] if model == "gray" else samples, model, alpha, **said_by_pillow(picture)
    )


def _significant_bits(file: BinaryIO) -> int | None:
    """Bits of a PNG's first channel that mean something (chunk sBIT); None where it is not said."""
    file.seek(8)
    while len(header := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", header)
        if kind in (b"IDAT", b"IEND"):
            return None
        if kind == b"sBIT":
            return max(file.read(length)[:3], default=None)
        file.seek(length + 4, io.SEEK_CUR)
    return None


def _scale(values: NDArray[Any], bits: int | None) -> int:
    """The value of white.

    PNG wants samples scaled to the whole range whatever sBIT says. Writers that store a 12-bit
    sample as it is are told by having no larger value and low bits that are not the high ones'.
    """
    full = 65535
    if bits is None or not 8 <= bits < 16 or int(values.max()) >> bits:
        return full
    spread = values >> (16 - bits)
    if np.array_equal((spread << (16 - bits)) | (spread >> (2 * bits - 16)), values):
        return full
    return full if not (values & ((1 << (16 - bits)) - 1)).any() else (1 << bits) - 1


def _raw(picture: ImageFile.ImageFile, mode: str, raw_mode: str) -> NDArray[np.uint8]:
    """Decode a picture into another mode than its own."""
    picture._mode = mode
    picture.tile = [tile._replace(args=raw_mode) for tile in picture.tile]
    picture.load()
    return pixels_of(picture)
