"""Embedded colour profiles in every mode and format that carries one."""

from __future__ import annotations

import io
import logging
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from colordeploy.pictures.picture import Picture, floats
from colordeploy.pictures.strokes import read_strokes

from .icc import ADOBE_RGB, DISPLAY_P3, gray_profile, profile_of, rgb_profile
from .pngs import png

# The tone of 20 % dot gain, roughly: light of a grey value.
_DOT_GAIN = np.linspace(0, 1, 256) ** 1.75
_GRAYS = {
    "gamma 1.8": gray_profile(1.8),
    "gamma 2.2": gray_profile(2.2),
    "dot gain": gray_profile(_DOT_GAIN),
}
_RGBS = {"Adobe RGB": rgb_profile(ADOBE_RGB, 2.2), "Display P3": rgb_profile(DISPLAY_P3, 2.2)}


def by_cms(values: np.ndarray, profile: bytes) -> np.ndarray:
    """What Little CMS makes of 8-bit values."""
    picture = Image.fromarray(values)
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    converted = ImageCms.profileToProfile(
        picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    return np.asarray(converted).astype(float)


def tiff(values: np.ndarray, profile: bytes) -> bytes:
    file = io.BytesIO()
    model = {"photometric": "minisblack"}
    if values.ndim == 3:
        model = {"photometric": "rgb", "planarconfig": "contig"}
    tag = (34675, 7, len(profile), profile, True)
    tifffile.imwrite(file, values, metadata=None, extratags=[tag], **model)
    return file.getvalue()


def encoded(values: np.ndarray, kind: str, profile: bytes) -> bytes:
    file = io.BytesIO()
    if kind == "png 16":
        deep = values.astype(np.uint16) * 257
        deep = deep[..., None] if deep.ndim == 2 else deep
        return png(deep, {b"iCCP": b"x\0\0" + zlib.compress(profile)})
    if kind.startswith("tiff"):
        deep = {"tiff 8": values, "tiff 16": values.astype(np.uint16) * 257}.get(kind)
        if deep is None:
            deep = (values / 255).astype(np.float32)
        return tiff(deep, profile)
    picture = Image.fromarray(values)
    options = {"jpeg": {"quality": 100, "subsampling": 0}, "webp": {"lossless": True}}
    if kind == "png palette":
        picture = picture.convert("P") if values.ndim == 2 else picture.quantize(256)
    elif kind == "png alpha":
        picture.putalpha(255)
        picture.putpixel((0, 0), (*(picture.getpixel((0, 0))[:-1]), 254))
    picture.save(file, kind.split()[0].upper(), icc_profile=profile, **options.get(kind, {}))
    return file.getvalue()


_KINDS = ["png 8", "png 16", "png palette", "png alpha", "tiff 8", "tiff 16", "tiff float"]
_KINDS += ["jpeg", "webp"]


@pytest.mark.fault(13)
@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("profile", _GRAYS)
def test_gray(kind, profile):
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = floats(Picture.from_bytes(encoded(values, kind, _GRAYS[profile]), "a").samples) * 255
    expected = by_cms(values, _GRAYS[profile])
    assert np.abs(expected[..., 1] - values).max() > 3  # the profile matters
    expected = expected if found.ndim == 3 else expected[..., 1]
    assert np.abs(found - expected)[1:].max() <= 1.01


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("profile", _RGBS)
def test_rgb(kind, profile):
    step = np.linspace(0, 255, 6).astype(np.uint8)
    values = np.stack(np.meshgrid(step, step, step), axis=-1).reshape(12, 18, 3)
    found = floats(Picture.from_bytes(encoded(values, kind, _RGBS[profile]), "a").samples) * 255
    expected = by_cms(values, _RGBS[profile])
    assert np.abs(expected - values).max() > 15
    # Little CMS rounds its 8-bit curves; near black one level of it is several of sRGB's.
    off = np.abs(found - expected)[1:]
    tolerance = 4 if kind == "jpeg" else 1.01
    assert np.percentile(off, 95) <= tolerance
    assert off.mean() < (1.5 if kind == "jpeg" else 0.5)


def test_16_bits_keep_their_depth():
    """Neighbouring 16-bit levels stay apart: nothing is rounded to 8 bits on the way."""
    ramp = np.linspace(20000, 21000, 400).astype(np.uint16)
    for profile, values, gamma in (
        (_GRAYS["gamma 1.8"], ramp[None], 1.8),
        (_RGBS["Adobe RGB"], np.stack([ramp] * 3, -1)[None], 2.2),
    ):
        found = Picture.from_bytes(tiff(values, profile), "a.tif").samples
        found = found[0] if found.ndim == 2 else found[0, :, 1]
        light = (ramp / 65535) ** (round(gamma * 256) / 256)  # as profiles hold a gamma
        assert np.abs(found - (1.055 * light ** (1 / 2.4) - 0.055)).max() < 1e-4
        assert len(np.unique(found)) == 400


def test_cmyk_with_a_profile_is_converted_by_it():
    """A profile of tables: Lab of each ink is looked up; made by hand as a 2x2x2x2 table."""
    picture = Image.new("CMYK", (4, 4), (255, 0, 0, 0))
    file = io.BytesIO()
    picture.save(file, "TIFF", icc_profile=_cmyk_profile())
    cyan = Picture.from_bytes(file.getvalue(), "a.tif").samples[0, 0]
    expected = np.asarray(
        ImageCms.profileToProfile(
            picture, ImageCms.ImageCmsProfile(io.BytesIO(_cmyk_profile())),
            ImageCms.createProfile("sRGB"), outputMode="RGB",
        )
    )[0, 0]  # fmt: skip
    assert cyan.tolist() == expected.tolist()
    assert cyan.tolist() != [0, 255, 255]


def _cmyk_profile() -> bytes:
    lab = []
    for corner in range(16):
        cyan, magenta, yellow, black = ((corner >> bit) & 1 for bit in (3, 2, 1, 0))
        light = (1 - 0.35 * cyan) * (1 - 0.5 * magenta) * (1 - 0.05 * yellow) * (1 - black)
        lab += [round(255 * light), 128 - 30 * cyan + 60 * magenta, 128 - 40 * cyan + 70 * yellow]
    table = b"mft1" + struct.pack(">IBBBB", 0, 4, 3, 2, 0)
    table += struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table += bytes(range(256)) * 4 + bytes(lab) + bytes(range(256)) * 3
    return profile_of(b"CMYK", {b"A2B0": table}, kind=b"prtr", connection=b"Lab ")


def test_inverted_cmyk_of_adobe():
    """Adobe's programs write CMYK JPEG inverted and say so in a marker; both read the same."""
    picture = Image.new("CMYK", (16, 16), (10, 200, 30, 40))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=100, subsampling=0)
    assert b"Adobe" in file.getvalue()
    found = Picture.from_bytes(file.getvalue(), "a.jpg").samples[8, 8].astype(int)
    expected = [245 * 215 / 255, 55 * 215 / 255, 225 * 215 / 255]
    assert np.abs(found - expected).max() <= 2


@pytest.mark.parametrize("profile", [b"not a profile", b"\0" * 200, gray_profile(2.2)[:150]])
def test_a_damaged_profile_is_no_reason_to_refuse(profile, caplog):
    file = io.BytesIO()
    Image.new("RGB", (4, 4), (200, 10, 60)).save(file, "PNG", icc_profile=profile)
    with caplog.at_level(logging.WARNING, "colordeploy"):
        picture = Picture.from_bytes(file.getvalue(), "a.png")
    assert (picture.samples == (200, 10, 60)).all()
    assert "a.png: its colour profile is not used" in caplog.text


@pytest.mark.fault(8)
def test_strokes(tmp_path):
    """A layer's profile is heeded, as a picture's is (faults 8)."""
    for name, profile in _RGBS.items():
        layer = Image.new("RGBA", (20, 10))
        layer.paste((255, 40, 30, 255), (2, 2, 12, 6))
        layer.paste((20, 120, 60, 128), (14, 2, 18, 6))
        path = tmp_path / f"{name}.png"
        layer.save(path, icc_profile=profile)
        found = read_strokes(path, (10, 20))
        expected = by_cms(np.asarray(layer)[..., :3].copy(), profile)
        marked = np.asarray(layer)[..., 3] > 0
        assert np.abs(found[..., :3] - expected)[marked].max() <= 1
        np.testing.assert_array_equal(found[..., 3], np.asarray(layer)[..., 3])
