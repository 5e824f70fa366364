"""TIFF with one page or several, of 8 or 16 bits a sample (Pillow writes 8 in colour)."""

from __future__ import annotations

import zlib
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from .metadata import Metadata

__all__ = ["write_tiff"]

_STRIP = 1 << 21  # bytes
_HEADER = b"II*\0"
_DEFLATE, _HORIZONTAL, _UNASSOCIATED = 8, 2, 2
_LARGEST = (1 << 32) - (1 << 20)
_STRUCTURE = (256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 284, 317, 338)


def write_tiff(
    file: BinaryIO,
    pages: list[NDArray[Any]],
    said: list[Metadata],
    level: int,
    profile: bytes,
) -> None:
    """Write (H, W, 3) or (H, W, 4) pictures of uint8 or uint16, one behind the other.

    Parameters
    ----------
    file : binary file
    pages : list of arrays
        Emptied.
    said : list of Metadata
        One for each page.
    level : int
        Of zlib.
    profile : bytes
        ICC profile of all.

    Raises
    ------
    ValueError
        When it grows beyond the 4 GiB that a TIFF can have.
    """
    file.write(_HEADER + (8).to_bytes(4, "little"))
    begin = 8
    for number, metadata in enumerate(said, 1):
        strips, rows = _strips(pages[0], level)
        directory = _directory(pages[0], metadata, profile, strips, rows)
        del pages[0]  # large, and not needed any more
        data = bytearray(directory.tobytes(begin))
        end = begin + len(data) + sum(map(len, strips))
        padding = end % 2
        if end > _LARGEST:
            raise ValueError("it would be larger than 4 GiB")
        if number < len(said):
            place = 2 + 12 * int.from_bytes(data[:2], "little")  # of the next directory's place
            data[place : place + 4] = (end + padding).to_bytes(4, "little")
        file.write(data)
        for strip in strips:
            file.write(strip)
        file.write(bytes(padding))
        begin = end + padding


def _strips(picture: NDArray[Any], level: int) -> tuple[list[bytes], int]:
    """Compressed differences to the pixel on the left, some rows together."""
    rows = max(1, _STRIP // max(1, picture[0].nbytes))
    strips = []
    for begin in range(0, picture.shape[0], rows):
        part = picture[begin : begin + rows]
        steps = part.copy()
        steps[:, 1:] -= part[:, :-1]
        strips.append(zlib.compress(steps.astype(steps.dtype.newbyteorder("<")).tobytes(), level))
    return strips, rows


def _directory(
    picture: NDArray[Any], said: Metadata, profile: bytes, strips: list[bytes], rows: int
) -> TiffImagePlugin.ImageFileDirectory_v2:
    height, width, channels = picture.shape
    directory = TiffImagePlugin.ImageFileDirectory_v2(_HEADER + bytes(4))
    exif = Image.Exif()
    exif.load(said.exif)
    for tag in exif:
        if tag in (0x8769, 0x8825):
            directory[tag] = exif.get_ifd(tag)
        elif tag not in _STRUCTURE:
            directory[tag] = exif[tag]
    directory[256], directory[257] = width, height
    directory[258] = (picture.dtype.itemsize * 8,) * channels
    directory[259], directory[262], directory[274] = _DEFLATE, 2, 1
    directory[277], directory[278], directory[284] = channels, min(rows, height), 1
    directory[317] = _HORIZONTAL
    if channels == 4:
        directory[338] = _UNASSOCIATED
    if said.dpi:
        directory[282], directory[283], directory[296] = *said.dpi, 2
    if said.xmp:
        directory[700] = said.xmp
    directory[34675] = profile
    ends = np.cumsum([0, *map(len, strips)])
    directory.tagtype[273] = directory.tagtype[279] = 4
    directory[273] = tuple(int(end) for end in ends[:-1])  # relative: Pillow adds the place
    directory[279] = tuple(map(len, strips))
    return directory
