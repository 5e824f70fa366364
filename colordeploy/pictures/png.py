"""PNG of 16 bits a sample, which Pillow reads as eight.

Pillow's decoder is asked twice, for the high and for the low bytes: its raw modes "RGB;16B" and
"RGB;16L" keep the first and the second byte of each sample.
"""

from __future__ import annotations

import io
import struct
import sys
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, PngImagePlugin

from ..native.resources import give_back_freed
from .decoded import Decoded, Model, Samples, pixels_of, said_by_pillow, widened
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
        values = np.asarray(picture).astype(np.uint16)
    elif kind == _GRAY_ALPHA:  # four bytes a pixel, and so are RGBA's
        values = _raw(picture, "RGBA", "RGBA").view(">u2").astype(np.uint16)
    else:
        mode = "RGB" if kind == _RGB else "RGBA"
        values = np.empty((picture.height, picture.width, len(mode)), np.uint16)
        two = values.view(np.uint8).reshape(*values.shape, 2)
        low = int(sys.byteorder == "big")
        two[..., 1 - low] = _raw(picture, mode, f"{mode};16B")
        picture.im = Image.new("L", (1, 1)).im  # its memory is not needed any more
        give_back_freed()
        file.seek(0)
        two[..., low] = _raw(PngImagePlugin.PngImageFile(file), mode, f"{mode};16L")
        del two
    clear = picture.info.get("transparency")
    said = said_by_pillow(picture)
    picture.im = Image.new("L", (1, 1)).im
    scale = _scale(values, _significant_bits(file))
    alpha: Samples | None = None
    if kind in (_GRAY_ALPHA, _RGB_ALPHA):
        alpha = values[..., -1] / np.float32(65535)
        color = values[..., 0] if kind == _GRAY_ALPHA else values[..., :-1]
        values = np.ascontiguousarray(color)
    elif clear is not None:
        same = values == np.array(clear, np.uint16)
        alpha = 1 - (same if kind == _GRAY else same.all(axis=-1)).astype(np.float32)
    samples = widened(values, scale)
    np.clip(samples, 0, 1, out=samples)
    model: Model = "gray" if kind in (_GRAY, _GRAY_ALPHA) else "rgb"
    return Decoded(samples, model, alpha, **said)


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
