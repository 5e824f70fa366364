"""PNG files written chunk by chunk, for what Pillow does not write."""

from __future__ import annotations

import struct
import zlib

import numpy as np

__all__ = ["png"]

_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_ADAM7 = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
    (0, 1, 1, 2),
)  # fmt: skip


def png(
    values: np.ndarray, chunks: dict[bytes, bytes] | None = None, *, interlaced: bool = False
) -> bytes:
    """A 16-bit PNG of (H, W, C) values, every filter in turn, with these chunks before them."""
    height, width, channels = values.shape
    parts = [values]
    if interlaced:
        parts = [values[y::dy, x::dx] for x, y, dx, dy in _ADAM7]
    raw = b"".join(_filtered(part) for part in parts if part.size)
    head = struct.pack(">IIBBBBB", width, height, 16, _TYPES[channels], 0, 0, int(interlaced))
    all_chunks = {b"IHDR": head, **(chunks or {}), b"IDAT": zlib.compress(raw), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in all_chunks.items())


def _filtered(values: np.ndarray) -> bytes:
    """Rows by filter 0 to 4, as the PNG specification has them."""
    step = 2 * values.shape[2]
    above = np.zeros(values.shape[1] * step, np.int64)
    rows = []
    for y, row in enumerate(values.astype(">u2")):
        now = np.frombuffer(row.tobytes(), np.uint8).astype(np.int64)
        left = np.concatenate([np.zeros(step, np.int64), now[:-step]])
        corner = np.concatenate([np.zeros(step, np.int64), above[:-step]])
        guess = left + above - corner
        distances = np.abs(np.stack([guess - left, guess - above, guess - corner]))
        paeth = np.choose(distances.argmin(axis=0), [left, above, corner])
        kind = y % 5
        predicted = (np.zeros_like(now), left, above, (left + above) // 2, paeth)[kind]
        rows.append(bytes([kind]) + ((now - predicted) % 256).astype(np.uint8).tobytes())
        above = now
    return b"".join(rows)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
