"""ICC profiles of the kind that is a matrix and curves, at full precision.

Working spaces (sRGB, Adobe RGB, Display P3, ProPhoto RGB, grey gammas, dot gains) are of this kind.
Little CMS by way of Pillow converts 8 bits only; this is for samples that have more. ICC.1:2022,
10.6 and 10.18 (curves), F.3 (the matrix model).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .color import SRGB_TO_XYZ_D50, gamma_of

__all__ = ["MatrixProfile"]

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
    """

    curves: tuple[_Curve, ...]
    matrix: NDArray[np.float64] | None

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
        if b"A2B0" in tags or b"D2B0" in tags:  # tables come first where both are there
            return None
        if profile[16:20] == b"GRAY":
            return cls((_curve(tags[b"kTRC"]),), None) if profile[20:24] == b"XYZ " else None
        if profile[16:20] != b"RGB " or profile[20:24] != b"XYZ ":
            return None
        columns = [_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        curves = tuple(_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
        inverse = np.linalg.inv(SRGB_TO_XYZ_D50)
        return cls(curves, np.asarray(inverse @ np.stack(columns, axis=1), np.float64))

    def to_srgb(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Gamma-encoded sRGB of samples (..., 3), or grey samples, in [0, 1]."""
        if self.matrix is None:
            light = self.curves[0](values.astype(np.float64))
            return gamma_of(light.clip(0, 1)).astype(np.float32)
        light = np.stack([self.curves[c](values[..., c].astype(np.float64)) for c in range(3)], -1)
        return gamma_of((light @ self.matrix.T).clip(0, 1)).astype(np.float32)


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
