from __future__ import annotations

import io
import os

import numpy as np
import pytest
from PIL import Image

from colordeploy.errors import InputError
from colordeploy.pictures.encoding import save_picture


def test_save_is_whole_or_not_at_all(tmp_path, photo_like, monkeypatch):
    path = tmp_path / "out.png"
    save_picture(photo_like, path)
    assert np.array_equal(np.asarray(Image.open(path)), photo_like)
    before = path.read_bytes()

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(InputError, match="No space left"):
        save_picture(photo_like // 2, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]


def test_save_refusals(tmp_path, photo_like):
    for name in ("out", "out.xyz", "out.txt", "out.ico", "out.gif"):
        with pytest.raises(InputError, match="suffix"):
            save_picture(photo_like, tmp_path / name)
    with pytest.raises(InputError, match="cannot write"):
        save_picture(photo_like, tmp_path / "no" / "such" / "folder.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "bmp"])
def test_written_pixels_come_back(tmp_path, photo_like, suffix):
    save_picture(photo_like, tmp_path / f"a.{suffix}")
    with Image.open(tmp_path / f"a.{suffix}") as back:
        assert np.array_equal(np.asarray(back.convert("RGB")), photo_like)


def test_permissions_and_links(tmp_path, photo_like):
    umask = os.umask(0o022)
    try:
        save_picture(photo_like, tmp_path / "fresh.png")
    finally:
        os.umask(umask)
    assert (tmp_path / "fresh.png").stat().st_mode & 0o777 == 0o644
    (tmp_path / "fresh.png").chmod(0o600)
    (tmp_path / "link.png").symlink_to("fresh.png")
    save_picture(photo_like // 2, tmp_path / "link.png")
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "fresh.png").stat().st_mode & 0o777 == 0o600
    with Image.open(tmp_path / "fresh.png") as back:
        assert np.array_equal(np.asarray(back), photo_like // 2)


def test_an_interrupted_write_leaves_nothing(tmp_path, photo_like, monkeypatch):
    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_picture(photo_like, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_too_wide_for_the_format(tmp_path):
    with pytest.raises(InputError, match=r"use \.png"):
        save_picture(np.zeros((1, 70_000, 3), np.uint8), tmp_path / "a.jpg")


def test_jpeg_keeps_colour(tmp_path, photo_like):
    save_picture(photo_like, tmp_path / "a.jpg")
    back = Image.open(io.BytesIO((tmp_path / "a.jpg").read_bytes()))
    assert np.abs(np.asarray(back).astype(int) - photo_like).mean() < 2
