"""PNG of 16 bits against the values that were written."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

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


@pytest.mark.fault(11)
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


def _encoded(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _with_chunks(picture: Image.Image, chunks: dict[bytes, bytes]) -> bytes:
    info, file = PngImagePlugin.PngInfo(), io.BytesIO()
    for name, data in chunks.items():
        info.add(name, data)
    picture.save(file, "PNG", pnginfo=info)
    return file.getvalue()


@pytest.mark.fault(13)
def test_linear_samples_are_told_by_gama():
    gamma = {b"gAMA": struct.pack(">I", 100000)}
    ramp = np.arange(256)
    deep = Picture.from_bytes(png(ramp[None, :, None] * 257, gamma), "a.png").samples
    assert np.abs(deep[0] - _encoded(ramp / 255)).max() < 1e-5
    eight = Image.fromarray(ramp[None].astype(np.uint8))
    for kind in ("L", "RGB", "P"):
        found = Picture.from_bytes(_with_chunks(eight.convert(kind), gamma), "a.png").samples
        off = found[0].reshape(256, -1) - _encoded(ramp / 255)[:, None] * 255
        assert np.abs(off).max() <= 0.5 + 1e-3


def test_primaries_are_told_by_chrm():
    """Display P3's: its red is outside of sRGB, its grey is grey."""
    points = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    chunks = {b"gAMA": struct.pack(">I", 45455), b"cHRM": struct.pack(">8I", *points)}
    picture = Image.new("RGB", (2, 1), (128, 128, 128))
    picture.putpixel((0, 0), (200, 100, 50))
    red, gray = Picture.from_bytes(_with_chunks(picture, chunks), "a.png").samples[0].astype(int)
    light = (np.array([200, 100, 50]) / 255) ** 2.2
    to_srgb = [[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]]
    assert np.abs(red - 255 * _encoded((to_srgb @ light).clip(0, 1))).max() <= 1
    assert np.abs(gray - 255 * _encoded(np.full(3, (128 / 255) ** 2.2))).max() <= 1
    for more in ({}, {b"sRGB": b"\0"}):  # sRGB by another name, and said to be sRGB
        said = {b"gAMA": chunks[b"gAMA"]} if not more else chunks | more
        samples = Picture.from_bytes(_with_chunks(picture, said), "a.png").samples
        assert np.array_equal(samples, np.asarray(picture))
