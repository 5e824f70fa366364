"""Which files are read, what is said of others, limits, and damage."""

from __future__ import annotations

import io
import logging
import subprocess

import numpy as np
import pytest
from PIL import Image

from colordeploy.errors import InputError
from colordeploy.pictures import limits
from colordeploy.pictures.decoding import read_samples
from colordeploy.pictures.picture import Picture

_GRADIENT = np.add.outer(np.arange(64), 2 * np.arange(96)).astype(np.uint8)
_COLOR = np.stack([_GRADIENT, _GRADIENT[::-1], 255 - _GRADIENT], axis=-1)


def encoded(kind: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(_COLOR).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "options", "off"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("PPM", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 95, "subsampling": 0}, 6),
        ("JPEG", {"quality": 95, "progressive": True}, 30),
        ("AVIF", {"quality": 95, "subsampling": "4:4:4"}, 8),
    ],
)
def test_formats_are_told_by_content(tmp_path, kind, options, off):
    """Whatever the name is."""
    path = tmp_path / "picture.jpg"
    path.write_bytes(encoded(kind, **options))
    assert np.abs(read_samples(path).astype(int) - _COLOR).max() <= off


def test_heic(tmp_path):
    library = pytest.importorskip("pillow_heif")
    for values, mode in ((_COLOR, "RGB"), (_COLOR.astype(np.uint16) * 257, "RGB;16")):
        file = io.BytesIO()
        library.encode(mode, values.shape[1::-1], values.tobytes(), file, quality=100, chroma=444)
        picture = Picture.from_bytes(file.getvalue(), "a.heic")
        assert (picture.samples.dtype == np.uint8) == (mode == "RGB")
        full = 255 if mode == "RGB" else 1
        assert np.abs(picture.samples / full - _COLOR / 255).mean() < 0.01


@pytest.mark.fault(18)
def test_heic_without_a_decoder(monkeypatch):
    head = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    monkeypatch.setattr("colordeploy.pictures.opening.import_module", _missing)
    with pytest.raises(InputError, match=r"a\.heic is HEIC.*colordeploy\[heif\]"):
        Picture.from_bytes(head, "a.heic")


def _missing(name):
    raise ImportError(name)


@pytest.mark.fault(17, 18)
@pytest.mark.parametrize(
    ("head", "suffix", "words"),
    [
        (b"%PDF-1.7\n", ".pdf", "PDF: save its pages as PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", ".jpg", "PostScript"),
        (b"\xc5\xd0\xd3\xc6" + bytes(40), ".eps", "PostScript"),
        (b"8BPS\0\1", ".psd", "Photoshop"),
        (b"\xff\x0a\x00", ".jxl", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n", ".jxl", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n", ".jp2", "JPEG 2000"),
        (b"\0\0\0\x18ftypcrx \0\0", ".cr3", "raw file: develop it"),
        (b"FUJIFILMCCD-RAW 0201", ".raf", "raw file: develop it"),
        (b"\0\0\0\x20ftypisom\0\0", ".mp4", "video"),
        (b"<?xml version='1.0'?><svg/>", ".svg", "export"),
        (b"hello", ".png", "not a picture that can be read; these are: JPEG, PNG"),
        (b"", ".png", "empty"),
    ],
)
def test_what_other_files_are_is_said(tmp_path, head, suffix, words, monkeypatch):
    """And no program is started to find out (an EPS named .jpg started Ghostscript)."""
    monkeypatch.setattr(subprocess, "Popen", _missing)
    path = tmp_path / f"file{suffix}"
    path.write_bytes(head)
    with pytest.raises(InputError, match=rf"file\{suffix} is") as caught:
        read_samples(path)
    assert words in str(caught.value)


@pytest.mark.fault(16)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP", "PPM", "AVIF"])
def test_the_limit_of_pixels(tmp_path, kind):
    path = tmp_path / "a"
    path.write_bytes(encoded(kind))
    with pytest.raises(InputError, match=r"96x64 pixels .*max_pixels=.*--max-megapixels"):
        Picture.open(path, max_pixels=6000)
    assert Picture.open(path, max_pixels=6144).size == (64, 96)


def test_pillows_own_limit_is_not_in_the_way(tmp_path, monkeypatch):
    for kind in ("PNG", "JPEG", "TIFF", "BMP"):
        (tmp_path / kind).write_bytes(encoded(kind))
    (tmp_path / "jpeg.tif").write_bytes(encoded("TIFF", compression="jpeg"))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for path in tmp_path.iterdir():
        assert Picture.open(path).size == (64, 96)


def test_a_bomb_is_refused_before_it_is_decoded():
    """A PNG of 60,000 x 60,000 that is a few bytes long."""
    data = encoded("PNG")
    bomb = data[:16] + (60_000).to_bytes(4, "big") * 2 + data[24:]
    with pytest.raises(InputError, match=r"(60000x60000 pixels|damaged)"):
        Picture.from_bytes(bomb, "bomb.png")


@pytest.mark.fault(16)
def test_memory_is_looked_at_first(monkeypatch):
    monkeypatch.setattr(limits, "free_memory", lambda: 64 * 2**20 + 1000)
    with pytest.raises(InputError, match=r"a\.png \(96x64 pixels\) takes about .* GiB"):
        Picture.from_bytes(encoded("PNG"), "a.png")


@pytest.mark.fault(48)
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_last_bytes(tmp_path, progressive, caplog):
    """It is read with a warning; one that lacks rows is refused."""
    whole = encoded("JPEG", quality=95, progressive=progressive)
    expected = Picture.from_bytes(whole, "whole.jpg").samples
    with caplog.at_level(logging.WARNING, "colordeploy"):
        found = Picture.from_bytes(whole[:-2], "cut.jpg").samples
    np.testing.assert_array_equal(found, expected)
    assert "cut.jpg: the end of the JPEG file is missing" in caplog.text
    for share in (0.3, 0.95):
        with pytest.raises(InputError, match=r"cut\.jpg is a truncated"):
            Picture.from_bytes(whole[: int(len(whole) * share)], "cut.jpg")


@pytest.mark.fault(15)
@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_frames(kind):
    frames = [Image.new("RGB", (9, 7), color) for color in ("red", "lime", "blue")]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], lossless=True)
    for number, color in enumerate(((255, 0, 0), (0, 255, 0), (0, 0, 255)), 1):
        picture = Picture.from_bytes(file.getvalue(), "a", page=number)
        assert picture.pages == 3
        assert (picture.samples == color).all()
    with pytest.raises(InputError, match="3 pages"):
        Picture.from_bytes(file.getvalue(), "a", page=4)


@pytest.mark.parametrize("page", [0, 2, True, 1.5, "1"])
def test_pages_that_are_none(page):
    with pytest.raises(InputError, match="page"):
        Picture.from_bytes(encoded("JPEG"), "a.jpg", page=page)


def test_a_pipe_is_read(tmp_path):
    import os
    import threading

    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(encoded("PNG"),))
    writer.start()
    np.testing.assert_array_equal(read_samples(tmp_path / "pipe"), _COLOR)
    writer.join()
