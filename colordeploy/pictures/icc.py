"""ICC profiles of the kind that is a matrix and curves, at full precision.

Working spaces (sRGB, Adobe RGB, Display P3, ProPhoto RGB, grey gammas, dot gains) are of this kind.
Little CMS by way of Pillow converts 8 bits only; this is for samples that have more. ICC.1:2022,
10.6 and 10.18 (curves), F.3 (the matrix model).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .color import SRGB_TO_XYZ_D50, gamma_of

__all__ = ["MatrixProfile", "profile_of_gamma"]

_SRGB_GAMMA, _CLOSE = 1 / 2.2, 0.02  # PNG's word for sRGB, and how near to it is meant
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_OURS = b"cldp"  # creator in the profiles that are made here
_D50 = np.array([0.9642, 1.0, 0.8249])
_Curve: TypeAlias = "Callable[[NDArray[np.float64]], NDArray[np.float64]]"


@dataclass(frozen=True, eq=False)
class MatrixProfile:
    """A profile of curves and, for RGB, a matrix.

    Attributes
    ----------
    curves : sequence of callables
        From a channel to light, both in [0, 1].
    matrix : (3, 3) float64 or None
        From light to linear sRGB; None for grey.
    made_here : bool
        Whether it is one of `profile_of_gamma`: these may be linear, where Little CMS is off by
        ten levels in the dark with 8 bits.
    """

    curves: tuple[_Curve, ...]
    matrix: NDArray[np.float64] | None
    made_here: bool = False

    @classmethod
    def parse(cls, profile: bytes) -> MatrixProfile | None:
        """Read a profile; None when it is of another kind (tables), or damaged."""
        try:
            return cls._parse(profile)
        except (struct.error, ValueError, IndexError, KeyError):
            return None

    @classmethod
    def _parse(cls, profile: bytes) -> MatrixProfile | None:
        (count,) = struct.unpack_from(">I", profile, 128)
        tags = {}
        for i in range(min(count, 200)):
            name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * i)
            tags[name] = profile[offset : offset + size]
        made_here = profile[80:84] == _OURS
        if b"A2B0" in tags or b"D2B0" in tags:  # tables come first where both are there
            return None
        if profile[16:20] == b"GRAY":
            curve = _curve(tags[b"kTRC"])
            return cls((curve,), None, made_here) if profile[20:24] == b"XYZ " else None
        if profile[16:20] != b"RGB " or profile[20:24] != b"XYZ ":
            return None
        columns = [_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        curves = tuple(_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
        inverse = np.linalg.inv(SRGB_TO_XYZ_D50)
        matrix = np.asarray(inverse @ np.stack(columns, axis=1), np.float64)
        return cls(curves, matrix, made_here)

    def to_srgb(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Gamma-encoded sRGB of samples (..., 3), or grey samples, in [0, 1]."""
        if self.matrix is None:
            light = self.curves[0](values.astype(np.float64))
            return gamma_of(light.clip(0, 1)).astype(np.float32)
        light = np.stack([self.curves[c](values[..., c].astype(np.float64)) for c in range(3)], -1)
        return gamma_of((light @ self.matrix.T).clip(0, 1)).astype(np.float32)


def profile_of_gamma(
    gamma: float, primaries: Sequence[float] | None, *, gray: bool
) -> bytes | None:
    """An ICC profile that says what PNG's chunks gAMA and cHRM say; None where that is sRGB.

    Parameters
    ----------
    gamma : float
        Exponent by which light became samples: 1 for linear samples, 1 / 2.2 for about sRGB.
    primaries : eight floats, optional
        x and y of white, red, green and blue; by default those of sRGB.
    gray : bool
        Whether the samples are grey.
    """
    if not 0.05 <= gamma <= 5:
        return None
    columns = np.asarray(SRGB_TO_XYZ_D50)
    if primaries is not None and not gray:
        with suppress(np.linalg.LinAlgError, ZeroDivisionError):
            columns = _adapted(np.array(primaries, np.float64).reshape(4, 2))
    usual = bool(np.isfinite(columns).all() and np.abs(columns - SRGB_TO_XYZ_D50).max() < _CLOSE)
    if usual and abs(gamma - _SRGB_GAMMA) < _CLOSE:
        return None
    curve = b"para" + struct.pack(">IHHi", 0, 0, 0, round(65536 / gamma))
    tags = {b"wtpt": _xyz_tag(_D50)}
    if gray:
        tags[b"kTRC"] = curve
    else:
        for place, letter in enumerate((b"r", b"g", b"b")):
            tags[letter + b"XYZ"] = _xyz_tag(columns[:, place])
            tags[letter + b"TRC"] = curve
    place, directory, data = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        directory += struct.pack(">4sII", name, place + len(data), len(content))
        data += content
    head = struct.pack(">IIIII", place + len(data), 0, 0x02400000, 0x6D6E7472, 0)  # "mntr"
    head = head[:16] + (b"GRAY" if gray else b"RGB ") + b"XYZ " + bytes(12) + b"acsp"
    head = head.ljust(68, b"\0") + _xyz_tag(_D50)[8:] + _OURS
    return head.ljust(128, b"\0") + directory + data


def _adapted(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """XYZ of three primaries under D50, by Bradford's transformation from their own white."""
    xyz = np.stack([points[:, 0], points[:, 1], 1 - points.sum(axis=1)]) / points[:, 1]
    white, colors = xyz[:, 0], xyz[:, 1:]
    scaled = colors * np.linalg.solve(colors, white)
    cones = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    found: NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ cones @ _BRADFORD @ scaled
    return found


def _xyz_tag(value: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(float(v) * 65536) for v in value))


def _xyz(tag: bytes) -> NDArray[np.float64]:
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes) -> _Curve:
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return lambda x: x
        if count == 1:
            (gamma,) = struct.unpack_from(">H", tag, 12)
            return lambda x: np.power(x.clip(0), gamma / 256)
        table = np.frombuffer(tag, ">u2", count, 12) / 65535
        places = np.linspace(0, 1, count)
        return lambda x: np.interp(x, places, table)
    if tag[:4] != b"para":
        raise ValueError("unknown kind of curve")
    (kind,) = struct.unpack_from(">H", tag, 8)
    number = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}[kind]
    numbers = [value / 65536 for value in struct.unpack_from(f">{number}i", tag, 12)]
    g, a, b, c, d, e, f = numbers + [0.0] * (7 - number)
    if kind == 0:
        return lambda x: np.power(x.clip(0), g)
    if kind == 1:  # (a x + b)^g above -b / a, 0 below
        return lambda x: np.power((a * x + b).clip(0), g)
    if kind == 2:
        return lambda x: np.power((a * x + b).clip(0), g) + c
    return lambda x: np.where(x >= d, np.power((a * x + b).clip(0), g) + e, c * x + f)
