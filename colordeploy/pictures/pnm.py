"""PNM: the text header of PBM, PGM, PPM, PAM and PFM, and the array behind it."""

from __future__ import annotations

import math
import re
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .decoded import Decoded, Samples
from .limits import check_pixels

__all__ = ["read_pnm"]

_CHANNELS = {b"P1": 1, b"P2": 1, b"P3": 3, b"P4": 1, b"P5": 1, b"P6": 3, b"Pf": 1, b"PF": 3}
_COMMENT = re.compile(rb"#[^\r\n]*")


def read_pnm(file: BinaryIO, name: str, max_pixels: int | None) -> Decoded:
    """Samples of a PNM file of any kind.

    Raises
    ------
    InputError
        When the header is damaged or rows are missing.
    """
    magic = file.read(2)
    if magic == b"P7":
        width, height, channels, maximum = _pam_header(file, name)
    else:
        width, height = _whole(_token(file), name), _whole(_token(file), name)
        channels = _CHANNELS[magic]
        maximum = 1
        if magic in (b"Pf", b"PF"):
            return _pfm(file, width, height, channels, name, max_pixels)
        if magic not in (b"P1", b"P4"):
            maximum = _whole(_token(file), name)
    if not 0 < maximum < 65536:
        raise InputError(f"{name} is damaged: a PNM's largest value is 1 to 65535, not {maximum}")
    check_pixels(width, height, name, max_pixels, 8 * channels)
    if magic in (b"P1", b"P2", b"P3"):
        values = _plain(file.read(), magic, (height, width, channels), name)
    elif magic == b"P4":
        rows = _array(file, np.dtype(np.uint8), (height, -(-width // 8)), name)
        values = 1 - np.unpackbits(rows, axis=1)[:, :width, None]
    else:
        depth = np.dtype(np.uint8) if maximum < 256 else np.dtype(">u2")
        values = _array(file, depth, (height, width, channels), name)
    if magic == b"P1":
        values = 1 - values
    return _of_channels(_scaled(values, maximum))


def _of_channels(values: Samples) -> Decoded:
    channels = values.shape[2]
    alpha = values[..., -1] if channels in (2, 4) else None
    if channels < 3:
        return Decoded(values[..., 0], "gray", alpha)
    return Decoded(values[..., :3], "rgb", alpha)


def _scaled(values: NDArray[Any], maximum: int) -> Samples:
    samples: Samples = np.minimum(values, maximum)
    if maximum > 255:
        samples = samples.astype(np.float32) / np.float32(maximum)
    elif maximum < 255:
        samples = np.rint(samples * (255 / maximum))
    return samples if maximum > 255 else samples.astype(np.uint8)


def _pam_header(file: BinaryIO, name: str) -> tuple[int, int, int, int]:
    said: dict[bytes, bytes] = {}
    while (line := file.readline(4096)) and line.strip() != b"ENDHDR":
        key, _, value = line.strip().partition(b" ")
        said[key] = value.strip()
    width, height, channels, maximum = (
        _whole(said.get(key, b""), name) for key in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL")
    )
    if not 1 <= channels <= 4:
        raise InputError(f"{name} has {channels} channels; a PAM picture has 1 to 4")
    return width, height, channels, maximum


def _pfm(
    file: BinaryIO, width: int, height: int, channels: int, name: str, max_pixels: int | None
) -> Decoded:
    try:
        scale = float(_token(file))
    except ValueError:
        scale = 0.0
    if scale == 0 or not math.isfinite(scale):
        raise InputError(f"{name} is damaged: a PFM's scale is a number other than 0")
    check_pixels(width, height, name, max_pixels, 12 * channels)
    order = "<f4" if scale < 0 else ">f4"
    values = _array(file, np.dtype(order), (height, width, channels), name)[::-1]  # bottom to top
    return _of_channels(values.astype(np.float32))


def _plain(text: bytes, magic: bytes, shape: tuple[int, int, int], name: str) -> NDArray[Any]:
    text = _COMMENT.sub(b"", text)
    if magic == b"P1":  # digits may stand without space between them
        digits = np.frombuffer(b"".join(text.split()), np.uint8)
        values: NDArray[Any] = digits - np.uint8(ord("0"))
        if (values > 1).any():
            raise InputError(f"{name} is damaged: a plain PBM holds 0 and 1")
    else:
        try:
            values = np.array(text.split(), np.int64)
        except ValueError:
            raise InputError(f"{name} is damaged: a plain PNM holds whole numbers") from None
    count = math.prod(shape)
    if values.size < count:
        raise InputError(_truncated(name))
    return values[:count].reshape(shape)


def _array(file: BinaryIO, dtype: np.dtype[Any], shape: tuple[int, ...], name: str) -> NDArray[Any]:
    data = file.read(math.prod(shape) * dtype.itemsize)
    if len(data) < math.prod(shape) * dtype.itemsize:
        raise InputError(_truncated(name))
    return np.frombuffer(data, dtype).reshape(shape)


def _truncated(name: str) -> str:
    return f"{name} is truncated: the end of the PNM file is missing; copy or download it again"


def _token(file: BinaryIO) -> bytes:
    """The next word of a header, comments passed over, and the one character behind it."""
    token = b""
    while (character := file.read(1)) and len(token) < 20:
        if character == b"#" and not token:
            while file.read(1) not in (b"\n", b"\r", b""):
                pass
        elif not character.isspace():
            token += character
        elif token:
            break
    return token


def _whole(token: bytes, name: str) -> int:
    if not token.isdigit():
        raise InputError(f"{name} is damaged: a PNM's header holds {token!r} instead of a number")
    return int(token)
