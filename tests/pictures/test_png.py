"""PNG of 16 bits against the values that were written."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from colordeploy.errors import InputError
from colordeploy.pictures.picture import Picture, floats

from .pngs import png


def values_of(channels: int, full: int = 65535) -> np.ndarray:
    return np.random.default_rng(channels).integers(0, full + 1, (23, 19, channels))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("interlaced", [False, True])
def test_16_bits_of_every_kind(channels, interlaced):
    values = values_of(channels)
    picture = Picture.from_bytes(png(values, interlaced=interlaced), "a.png")
    meaning = values / 65535
    color = meaning[..., : channels - 1 + channels % 2]
    if channels % 2 == 0:
        alpha = meaning[..., -1:]
        color = color * alpha + 1 - alpha
        assert np.abs(picture.alpha - meaning[..., -1]).max() < 1e-6
    assert np.abs(picture.samples - (color if channels > 2 else color[..., 0])).max() < 1e-6


@pytest.mark.parametrize("channels", [1, 3])
def test_one_color_is_transparent(channels):
    values = np.full((6, 6, channels), 30000)
    values[0] = 7
    picture = Picture.from_bytes(png(values, {b"tRNS": struct.pack(">H", 7) * channels}), "a.png")
    assert (picture.samples[0] == 1).all()
    assert np.allclose(picture.samples[1:], 30000 / 65535, atol=1e-6)


def test_significant_bits():
    """12-bit samples in 16-bit words: stored as they are, shifted, and as PNG wants them."""
    twelve = values_of(1, 4095)
    twelve[0, 0] = 4095
    for stored in (twelve, twelve << 4, (twelve << 4) | (twelve >> 8)):
        found = Picture.from_bytes(png(stored, {b"sBIT": b"\x0c"}), "a.png").samples
        assert np.abs(found - twelve[..., 0] / 4095).max() < (1e-6 if stored is twelve else 0.001)
    white = Picture.from_bytes(png(np.full((5, 5, 1), 4095), {b"sBIT": b"\x0c"}), "a.png")
    assert white.samples.min() == 1


@pytest.mark.parametrize("share", [0.4, 0.9])
def test_truncated(share):
    data = png(values_of(3))
    with pytest.raises(InputError, match=r"a\.png is a (truncated|damaged)"):
        Picture.from_bytes(data[: int(len(data) * share)], "a.png")


def test_frames_of_an_animated_png():
    frames = [Image.new("RGB", (9, 7), color) for color in ("red", "lime", "blue")]
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    for number, color in enumerate(((255, 0, 0), (0, 255, 0), (0, 0, 255)), 1):
        picture = Picture.from_bytes(file.getvalue(), "a.png", page=number)
        assert picture.pages == 3
        assert (picture.samples == color).all()


def test_an_interlaced_picture_of_one_pixel():
    picture = Picture.from_bytes(png(np.full((1, 1, 3), 513), interlaced=True), "a.png")
    assert np.allclose(floats(picture.samples), 513 / 65535)
