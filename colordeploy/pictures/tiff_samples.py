"""The samples of a TIFF directory: its strips or tiles decompressed and unpacked."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from ..errors import InputError
from .decoded import pixels_of

__all__ = ["READ_COMPRESSIONS", "Layout", "read_samples"]

_NONE = 1
_PART = 1 << 24  # bytes that are read at once
# None, LZW, deflate (two numbers), PackBits, LZMA, Zstandard: of bytes, whatever they mean.
READ_COMPRESSIONS = frozenset({_NONE, 5, 8, 32946, 32773, 34925, 50000})
_UNSIGNED, _SIGNED, _FLOAT, _UNTYPED = 1, 2, 3, 4
_REVERSED = np.array([int(f"{i:08b}"[::-1], 2) for i in range(256)], np.uint8)


@dataclass(frozen=True)
class Layout:
    """How samples lie in a file.

    Attributes
    ----------
    width, height, channels, bits : int
    kind : int
        1 unsigned, 2 signed, 3 float, 4 untyped.
    order : "<" or ">"
    planar : bool
        Whether each channel is a picture of its own.
    compression, predictor : int
    reversed_bits : bool
        Whether the first bit is the lowest.
    offsets, counts : sequences of int
        Of the segments (strips or tiles).
    segment : (h, w)
        Of a full one.
    """

    width: int
    height: int
    channels: int
    bits: int
    kind: int
    order: str
    planar: bool
    compression: int
    predictor: int
    reversed_bits: bool
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    segment: tuple[int, int]


def read_samples(file: BinaryIO, layout: Layout, name: str) -> NDArray[Any]:
    """Read a whole picture.

    Returns
    -------
    (H, W, C) array of integers or floats, as the file has them

    Raises
    ------
    InputError
        For depths and kinds that are not read, and when data are missing.
    """
    _check(layout, name)
    layout = _in_parts(layout)
    across = -(-layout.width // layout.segment[1])
    down = -(-layout.height // layout.segment[0])
    planes = layout.channels if layout.planar else 1
    if len(layout.offsets) < across * down * planes or len(layout.counts) < len(layout.offsets):
        raise InputError(_truncated(name))
    together = 1 if layout.planar else layout.channels
    result: Any = None
    for plane in range(planes):
        for row in range(down):
            for column in range(across):
                index = (plane * down + row) * across + column
                top, left = row * layout.segment[0], column * layout.segment[1]
                rows = min(layout.segment[0], layout.height - top)
                tiled = across > 1 or layout.segment[1] != layout.width
                data = _segment(file, layout, index, rows, together, tiled, name)
                columns = min(layout.segment[1], layout.width - left)
                if across * down * planes == 1 and not tiled:
                    return data if data.flags.writeable else data.copy()
                if result is None:
                    shape = (layout.height, layout.width, layout.channels)
                    result = np.empty(shape, data.dtype)
                place = result[top : top + rows, left : left + columns]
                first = plane if layout.planar else 0
                place[..., first : first + together] = data[:rows, :columns]
    found: NDArray[Any] = result
    return found


def _in_parts(layout: Layout) -> Layout:
    """Planes of one uncompressed strip as several strips: none is held beside the result."""
    rows, width = layout.segment
    together = 1 if layout.planar else layout.channels
    row_bytes = -(-width * together * layout.bits // 8)
    step = max(1, _PART // max(1, row_bytes))
    one = width == layout.width and rows >= layout.height > step
    if layout.compression != _NONE or not one:
        return layout
    pieces = [
        (offset + begin * row_bytes, max(0, min(count - begin * row_bytes, step * row_bytes)))
        for offset, count in zip(layout.offsets, layout.counts, strict=False)
        for begin in range(0, layout.height, step)
    ]
    offsets, counts = zip(*pieces, strict=True) if pieces else ((), ())
    return replace(layout, offsets=offsets, counts=counts, segment=(step, width))


def _check(layout: Layout, name: str) -> None:
    integers = range(1, 33)
    allowed = {_UNSIGNED: integers, _UNTYPED: integers, _SIGNED: (8, 16, 32), _FLOAT: (16, 32, 64)}
    if layout.bits not in allowed.get(layout.kind, ()):
        raise InputError(
            f"{name} is a TIFF with {layout.bits}-bit samples of kind {layout.kind}; integers of 1 "
            "to 32 bits and floats of 16, 32 and 64 are read: save it as 16-bit integers"
        )
    if min(layout.segment) < 1 or layout.predictor not in (1, 2, 3):
        raise InputError(f"{name} is damaged: its strips or tiles are {layout.segment}")


def _segment(
    file: BinaryIO, layout: Layout, index: int, rows: int, channels: int, tiled: bool, name: str
) -> NDArray[Any]:
    """One strip or tile: (rows, width, channels)."""
    width = layout.segment[1]
    rows = layout.segment[0] if tiled else rows
    row_bytes = -(-width * channels * layout.bits // 8)
    file.seek(layout.offsets[index])
    data = file.read(layout.counts[index])
    if layout.compression == _NONE:
        raw = np.frombuffer(data[: rows * row_bytes], np.uint8)
    else:
        raw = _decompressed(data, layout, row_bytes, rows)
    if raw.size < rows * row_bytes:
        raise InputError(_truncated(name))
    raw = raw.reshape(rows, row_bytes)
    if layout.reversed_bits and layout.compression == _NONE:  # libtiff has done it otherwise
        raw = _REVERSED[raw]
    return _values(raw, layout, width, channels)


def _decompressed(data: bytes, layout: Layout, row_bytes: int, rows: int) -> NDArray[np.uint8]:
    """Decompress by libtiff: the segment as the only strip of a picture of plain bytes."""
    entries = [
        (256, 4, row_bytes), (257, 4, rows), (258, 3, 8), (259, 3, layout.compression),
        (262, 3, 1), (266, 3, 2 if layout.reversed_bits else 1), (273, 4, 0), (277, 3, 1),
        (278, 4, rows), (279, 4, len(data)),
    ]  # fmt: skip
    begin = 8 + 2 + 12 * len(entries) + 4
    directory = struct.pack("<H", len(entries))
    for tag, kind, value in entries:
        number = begin if tag == 273 else value
        directory += struct.pack("<HHI", tag, kind, 1)
        directory += struct.pack("<HH", number, 0) if kind == 3 else struct.pack("<I", number)
    file = io.BytesIO(struct.pack("<2sHI", b"II", 42, 8) + directory + bytes(4) + data)
    picture = TiffImagePlugin.TiffImageFile(file)
    picture.im = Image.new("L", picture.size).im  # these "pixels" are bytes, checked by the caller
    picture.load()
    return pixels_of(picture).ravel()


def _values(raw: NDArray[np.uint8], layout: Layout, width: int, channels: int) -> NDArray[Any]:
    shape = (raw.shape[0], width, channels)
    if layout.kind == _FLOAT and layout.predictor == 3:
        return _float_predictor(raw, layout, shape)
    if layout.bits in (8, 16, 32, 64):
        letter = {_UNSIGNED: "u", _UNTYPED: "u", _SIGNED: "i", _FLOAT: "f"}[layout.kind]
        dtype = np.dtype(f"{layout.order}{letter}{layout.bits // 8}")
        values: NDArray[Any] = raw.view(dtype).reshape(shape)
        values = values.astype(dtype.newbyteorder("="), copy=False)
        if layout.predictor == 2:
            if not values.flags.writeable:
                values = values.copy()
            np.cumsum(values, axis=1, dtype=values.dtype, out=values)
        return values
    return _unpacked(raw, layout, shape)


def _float_predictor(
    raw: NDArray[np.uint8], layout: Layout, shape: tuple[int, int, int]
) -> NDArray[Any]:
    """Technical note 3 of TIFF: bytes of a row by significance, highest first, as differences."""
    rows, width, channels = shape
    size = layout.bits // 8
    steps = raw.reshape(rows, -1, channels).cumsum(axis=1, dtype=np.uint8)
    planes = steps.reshape(rows, size, width * channels)
    joined = np.ascontiguousarray(planes.transpose(0, 2, 1))
    return joined.view(f">f{size}").reshape(shape).astype(f"f{size}")


def _unpacked(raw: NDArray[np.uint8], layout: Layout, shape: tuple[int, int, int]) -> NDArray[Any]:
    """Integers that are no whole bytes."""
    rows, width, channels = shape
    count = width * channels
    if layout.bits == 24:
        three = raw[:, : 3 * count].reshape(rows, count, 3).astype(np.uint32)
        low, high = (0, 2) if layout.order == "<" else (2, 0)
        values: Any = three[..., low] | three[..., 1] << 8 | three[..., high] << 16
    else:
        kind = np.uint8 if layout.bits < 8 else np.uint16 if layout.bits <= 16 else np.uint32
        values = np.empty((rows, count), kind)
        for row in range(rows):  # eight times the memory of one row only
            bits = np.unpackbits(raw[row], count=count * layout.bits).reshape(count, layout.bits)
            values[row] = 0
            for bit in range(layout.bits):
                values[row] = (values[row] << 1) | bits[:, bit]
    values = values.reshape(shape)
    if layout.predictor == 2:
        mask = np.array((1 << layout.bits) - 1, values.dtype)
        values = np.cumsum(values, axis=1, dtype=values.dtype) & mask
    found: NDArray[Any] = values
    return found


def _truncated(name: str) -> str:
    return f"{name} is truncated: a part of the TIFF file is missing; copy or download it again"
