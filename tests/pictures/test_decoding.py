from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colordeploy.errors import InputError
from colordeploy.pictures.color import luma_of
from colordeploy.pictures.decoding import read_luma, read_picture, read_samples


def saved(tmp_path: Path, picture: Image.Image, name: str, **options) -> Path:
    path = tmp_path / name
    picture.save(path, **options)
    return path


@pytest.fixture
def rgb(photo_like):
    return Image.fromarray(photo_like)


def expected_luma(picture: Image.Image) -> np.ndarray:
    return luma_of(np.asarray(picture.convert("RGB"), dtype=np.float32) / 255)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp"])
def test_plain_files(tmp_path, rgb, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path, rgb, f"a.{suffix}", **options)
    assert np.abs(read_luma(path) - expected_luma(rgb)).max() < 1e-6
    assert np.array_equal(read_luma(str(path)), read_luma(path))


def test_palette(tmp_path, rgb):
    palette = rgb.quantize(64)
    path = saved(tmp_path, palette, "a.png")
    assert np.abs(read_luma(path) - expected_luma(palette)).max() < 1e-6


def test_palette_with_transparency(tmp_path, rgb):
    palette = rgb.quantize(64)
    path = saved(tmp_path, palette, "a.png", transparency=0)
    index = np.asarray(palette)
    assert np.allclose(read_luma(path)[index == 0], 1.0, atol=1e-6)


def test_alpha_lies_over_white(tmp_path, rgb):
    rgba = rgb.convert("RGBA")
    alpha = np.zeros((120, 160), np.uint8)
    alpha[:, 80:] = 255
    rgba.putalpha(Image.fromarray(alpha))
    luma = read_luma(saved(tmp_path, rgba, "a.png"))
    assert np.allclose(luma[:, :80], 1.0, atol=1e-6)
    assert np.abs(luma - expected_luma(rgb))[:, 80:].max() < 1e-6


def test_grey_alpha_and_one_bit(tmp_path, rgb):
    grey = rgb.convert("L")
    assert np.abs(read_luma(saved(tmp_path, grey.convert("LA"), "a.png")) * 255 - grey).max() < 1e-3
    bit = grey.convert("1")
    luma = read_luma(saved(tmp_path, bit, "b.png"))
    assert set(np.unique(luma)) == {0.0, 1.0}


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey(tmp_path, suffix):
    values = np.linspace(0, 65535, 40 * 50).reshape(40, 50).astype(np.uint16)
    path = saved(tmp_path, Image.fromarray(values), f"a.{suffix}")
    assert np.abs(read_luma(path) - values / 65535).max() < 1e-6


@pytest.mark.parametrize("kind", ["I;16", "L", "RGB"])
def test_transparent_colour_of_a_png(tmp_path, kind):
    """tRNS: one value is transparent, so it becomes white; the others keep their depth."""
    if kind == "I;16":
        values = np.full((8, 8), 30000, np.uint16)
        values[0] = 7
        picture, clear = Image.fromarray(values), b"\x00\x07"
        expected = 30000 / 65535
    else:
        picture = Image.new(kind, (8, 8), 100 if kind == "L" else (100, 100, 100))
        picture.paste(7 if kind == "L" else (7, 7, 7), (0, 0, 8, 1))
        clear = 7 if kind == "L" else (7, 7, 7)
        expected = 100 / 255
    if kind == "I;16":
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        png = buffer.getvalue()
        chunk = b"tRNS" + clear
        block = len(clear).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
        place = png.index(b"IDAT") - 4
        path = tmp_path / "a.png"
        path.write_bytes(png[:place] + block + png[place:])
    else:
        path = saved(tmp_path, picture, "a.png", transparency=clear)
    luma = read_luma(path)
    assert np.allclose(luma[0], 1.0, atol=1e-6)
    assert np.allclose(luma[1:], expected, atol=1e-6)


def test_odd_exif_is_no_reason_to_refuse(tmp_path, rgb):
    """Text where a number belongs: Pillow reads it, and fails to write it again."""
    entries = struct.pack("<HHI4s", 0x0100, 2, 4, b"abc\0")
    entries += struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)
    assert read_luma(saved(tmp_path, rgb, "a.jpg", exif=exif)).shape == (160, 120)


def test_lazy_and_closed_pil_images(tmp_path, rgb):
    path = saved(tmp_path, rgb, "a.png")
    (tmp_path / "cut.png").write_bytes(path.read_bytes()[:2000])
    with Image.open(tmp_path / "cut.png") as cut, pytest.raises(InputError, match="picture"):
        read_luma(cut)
    closed = Image.open(path)
    closed.close()
    with pytest.raises(InputError, match="picture"):
        read_luma(closed)


def test_big_endian_16_bit():
    values = np.array([[0, 65535], [257, 1]], ">u2")
    assert np.allclose(read_luma(values), values / 65535, atol=1e-7)


def test_cmyk(tmp_path, rgb):
    cmyk = rgb.convert("CMYK")
    luma = read_luma(saved(tmp_path, cmyk, "a.tif"))
    assert np.abs(luma - expected_luma(cmyk)).max() < 1e-6


def test_arrays(photo_like):
    expected = luma_of(photo_like.astype(np.float32) / 255)
    assert np.abs(read_luma(photo_like) - expected).max() < 1e-6
    assert np.abs(read_luma(photo_like.astype(np.uint16) * 257) - expected).max() < 1e-6
    assert np.abs(read_luma(photo_like / 255.0) - expected).max() < 1e-6
    grey = np.random.default_rng(0).random((20, 30))
    assert np.abs(read_luma(grey) - grey).max() < 1e-7  # a lightness plane survives


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.zeros((0, 5), np.uint8), "empty"),
        (np.zeros((5, 5, 4), np.uint8), "not"),
        (np.zeros((5,), np.uint8), "not"),
        (np.zeros((5, 5), np.int32), "int32"),
        (np.full((5, 5), 1.5), r"\[0, 1\]"),
        (np.full((5, 5), np.nan), "NaN"),
    ],
)
def test_odd_arrays_are_refused(array, word):
    with pytest.raises(InputError, match=word):
        read_luma(array)


def test_unreadable_files(tmp_path, rgb):
    with pytest.raises(InputError, match="no such file"):
        read_luma(tmp_path / "missing.png")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(InputError, match=r"text\.png"):
        read_luma(tmp_path / "text.png")
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"empty\.png"):
        read_luma(tmp_path / "empty.png")
    with pytest.raises(InputError):
        read_luma(tmp_path)
    with pytest.raises(InputError, match="list"):
        read_luma([[1, 2]])


@pytest.mark.fault(18)
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "gif"])
def test_truncated_files(tmp_path, rgb, suffix):
    whole = saved(tmp_path, rgb, f"whole.{suffix}").read_bytes()
    for part in (10, len(whole) // 4, len(whole) // 2):
        path = tmp_path / f"cut.{suffix}"
        path.write_bytes(whole[:part])
        with pytest.raises(InputError, match="cut"):
            read_luma(path)


def test_eight_bits_stay_as_they_are(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (9, 11, 3)).astype(np.uint8)
    assert read_samples(rgb) is rgb
    np.testing.assert_array_equal(read_samples(Image.fromarray(rgb)), rgb)
    Image.fromarray(rgb[..., 0]).save(tmp_path / "gray.png")
    gray = read_samples(tmp_path / "gray.png")
    assert gray.dtype == np.uint8
    np.testing.assert_array_equal(read_picture(rgb), rgb.astype(np.float32) / 255)
    np.testing.assert_array_equal(read_luma(gray), gray.astype(np.float32) / 255)
    assert read_samples(rgb.astype(np.uint16) * 257).dtype == np.float32
