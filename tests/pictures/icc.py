"""Small ICC profiles (version 2) made from primaries and curves, for tests."""

from __future__ import annotations

import struct

import numpy as np

__all__ = ["ADOBE_RGB", "DISPLAY_P3", "gray_profile", "profile_of", "rgb_profile"]

# Colorants under D50, as the profiles of these names have them.
ADOBE_RGB = np.array(
    [[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]]
)
DISPLAY_P3 = np.array(
    [[0.51512, 0.24120, -0.00105], [0.29198, 0.69225, 0.04189], [0.15710, 0.06657, 0.78407]]
)


def gray_profile(curve: float | np.ndarray) -> bytes:
    """A grey profile of a gamma, or of a table of the light in [0, 1] of evenly spaced values."""
    return profile_of(b"GRAY", {b"kTRC": _curve(curve)})


def rgb_profile(colorants: np.ndarray, gamma: float) -> bytes:
    """An RGB profile; rows of `colorants` are the XYZ of red, green and blue."""
    tags = {
        name: _xyz(row) for name, row in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)
    }
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(gamma))
    return profile_of(b"RGB ", tags)


def _curve(curve: float | np.ndarray) -> bytes:
    if isinstance(curve, float):
        return b"curv" + struct.pack(">IIHH", 0, 1, round(curve * 256), 0)
    table = np.rint(np.asarray(curve) * 65535).astype(">u2").tobytes()
    return b"curv" + struct.pack(">II", 0, len(curve)) + table


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(v) * 65536) for v in values))


def profile_of(
    space: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr", connection: bytes = b"XYZ "
) -> bytes:
    """A profile of these tags and the ones that every profile has."""
    text = b"test\0"
    tags = {
        b"desc": b"desc" + struct.pack(">II", 0, len(text)) + text + bytes(78),
        b"wtpt": _xyz(np.array([0.9642, 1.0, 0.8249])),
        b"cprt": b"text\0\0\0\0public\0",
        **tags,
    }
    begin = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, begin + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(
        ">I4sI4s4s4s12s4s4sIIIIQI3i", begin + len(body), b"\0\0\0\0", 0x02400000, kind, space,
        connection, bytes(12), b"acsp", b"\0\0\0\0", 0, 0, 0, 0, 0, 0, 63190, 65536, 54061,
    )  # fmt: skip
    return head.ljust(128, b"\0") + table + body
