"""PNM of every kind against the values that were written."""

from __future__ import annotations

import numpy as np
import pytest

from colordeploy.errors import InputError
from colordeploy.pictures.picture import Picture, floats

_SHAPE = (7, 13)


def read(data: bytes) -> np.ndarray:
    return floats(Picture.from_bytes(data, "a.pnm").samples)


@pytest.mark.parametrize("maximum", [1, 15, 100, 255, 1023, 4095, 65535])
@pytest.mark.parametrize("magic", ["P2", "P3", "P5", "P6", "P7"])
def test_integers(magic, maximum):
    channels = {"P3": 3, "P6": 3, "P7": 4}.get(magic, 1)
    values = np.random.default_rng(0).integers(0, maximum + 1, (*_SHAPE, channels))
    head = f"{magic}\n# a comment\n{_SHAPE[1]} {_SHAPE[0]}\n{maximum}\n".encode()
    if magic == "P7":
        head = (
            f"P7\nWIDTH {_SHAPE[1]}\nHEIGHT {_SHAPE[0]}\nDEPTH 4\nMAXVAL {maximum}\n"
            "TUPLTYPE RGB_ALPHA\nENDHDR\n"
        ).encode()
    if magic in ("P2", "P3"):
        body = b"# another\n" + b" ".join(str(v).encode() for v in values.ravel())
    else:
        body = values.astype(">u2" if maximum > 255 else "u1").tobytes()
    meaning = values / maximum
    if channels == 4:
        meaning = meaning[..., :3] * meaning[..., 3:] + 1 - meaning[..., 3:]
    tolerance = 0.5 / maximum * (2 if channels == 4 else 1) + 1e-6
    found = read(head + body)
    assert np.abs(found - (meaning if channels > 1 else meaning[..., 0])).max() <= tolerance


@pytest.mark.parametrize("magic", ["P1", "P4"])
def test_bits(magic):
    values = np.random.default_rng(1).integers(0, 2, _SHAPE).astype(np.uint8)
    head = f"{magic} {_SHAPE[1]} {_SHAPE[0]}\n".encode()
    body = np.packbits(values, axis=1).tobytes()
    if magic == "P1":
        body = b"\n".join("".join(map(str, row)).encode() for row in values)
    assert np.array_equal(read(head + body), 1 - values)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", ["Pf", "PF"])
def test_floats(magic, order):
    values = np.random.default_rng(2).random((*_SHAPE, 3 if magic == "PF" else 1)).astype("f4")
    head = f"{magic}\n{_SHAPE[1]} {_SHAPE[0]}\n{-1.0 if order == '<' else 1.0}\n".encode()
    found = read(head + values[::-1].astype(f"{order}f4").tobytes())
    assert np.array_equal(found, values if magic == "PF" else values[..., 0])


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"P5 4 4 255\n" + bytes(15), "truncated"),
        (b"P5 4 x 255\n" + bytes(16), "damaged"),
        (b"P5 4 4 70000\n" + bytes(32), "largest value"),
        (b"P2 2 2 255\n1 2 three 4", "whole numbers"),
        (b"P1 2 2\n0 1 2 0", "0 and 1"),
        (b"Pf 2 2 0\n" + bytes(16), "scale"),
        (b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 9\nMAXVAL 255\nENDHDR\n" + bytes(36), "channels"),
        (b"P5 0 4 255\n", "empty"),
    ],
)
def test_damaged(data, word):
    with pytest.raises(InputError, match=rf"a\.pnm.*{word}"):
        read(data)
