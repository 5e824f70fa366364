"""PNG with 16 bits a sample, which Pillow does not write in colour."""

from __future__ import annotations

import struct
import zlib
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .metadata import Metadata

__all__ = ["write_png_16"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2  # the filter: differences to the row above
_ROWS = 1 << 22


def write_png_16(file: BinaryIO, picture: NDArray[Any], said: Metadata, level: int) -> None:
    """Write an (H, W, 3) or (H, W, 4) uint16 picture.

    Parameters
    ----------
    file : binary file
    picture : array
    said : Metadata
    level : int
        Of zlib.
    """
    height, width, channels = picture.shape
    file.write(_SIGNATURE)
    kind = 2 if channels == 3 else 6
    _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
    _chunk(file, b"sRGB", b"\0")
    if said.dpi:
        x, y = (round(value / 0.0254) for value in said.dpi)
        _chunk(file, b"pHYs", struct.pack(">IIB", x, y, 1))
    if said.exif:
        _chunk(file, b"eXIf", said.exif.removeprefix(b"Exif\0\0"))
    if said.xmp:
        _chunk(file, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + said.xmp)
    packer = zlib.compressobj(level)
    above = np.zeros(width * channels * 2, np.uint8)
    rows = max(1, _ROWS // max(1, width * channels))
    for begin in range(0, height, rows):
        part = np.ascontiguousarray(picture[begin : begin + rows], ">u2")
        data = part.view(np.uint8).reshape(part.shape[0], -1)
        filtered = np.empty((data.shape[0], data.shape[1] + 1), np.uint8)
        filtered[:, 0] = _UP
        filtered[:, 1:] = data - np.concatenate([above[None], data[:-1]])
        above = data[-1]
        if packed := packer.compress(filtered.tobytes()):
            _chunk(file, b"IDAT", packed)
    _chunk(file, b"IDAT", packer.flush())
    _chunk(file, b"IEND", b"")


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind)
    file.write(data)
    file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))
