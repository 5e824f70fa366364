from __future__ import annotations

import io
import os
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from colordeploy.errors import Cancelled, InputError
from colordeploy.pictures.encoding import Options, encode, picture_format, save_picture
from colordeploy.pictures.metadata import Metadata, made_here
from colordeploy.pictures.picture import Picture, floats


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


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_a_cancellation_is_no_fault_of_the_format(photo_like, suffix):
    class Cancelling(io.BytesIO):
        def write(self, data) -> int:
            raise Cancelled("cancelled")

    kind = picture_format(Path(suffix[1:] + suffix), Options())
    with pytest.raises(Cancelled):
        encode([(photo_like, None)], kind, Options(), Cancelling(), "a")


def test_too_wide_for_the_format(tmp_path):
    with pytest.raises(InputError, match=r"use \.png"):
        save_picture(np.zeros((1, 70_000, 3), np.uint8), tmp_path / "a.jpg")


def test_jpeg_keeps_colour(tmp_path, photo_like):
    save_picture(photo_like, tmp_path / "a.jpg")
    back = Image.open(io.BytesIO((tmp_path / "a.jpg").read_bytes()))
    assert np.abs(np.asarray(back).astype(int) - photo_like).mean() < 2


def metadata_picture(alpha: np.ndarray | None = None) -> Picture:
    exif = Image.Exif()
    exif[0x010F], exif[0x0132], exif[0x0112] = "Camera Works", "1938:05:01 10:00:00", 1
    exif[0x8769] = {0x9003: "1938:05:01 10:00:00", 0x829A: 0.004}
    exif[0x8825] = {1: "N", 2: (48.0, 12.0, 3.0)}
    said = Metadata(exif.tobytes(), b"<x:xmpmeta><a>Port</a></x:xmpmeta>", (300.0, 150.0))
    return Picture(np.zeros((120, 160), np.uint8), alpha, said)


@pytest.mark.fault(28)
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "webp"])
def test_metadata_is_kept(tmp_path, photo_like, suffix, depth):
    if depth == 16 and suffix in ("jpg", "webp"):
        with pytest.raises(InputError, match=r"holds 8 bits a sample; for 16 use \.png or \.tif"):
            save_picture(photo_like.astype(np.uint16), tmp_path / f"a.{suffix}")
        return
    picture = photo_like if depth == 8 else photo_like.astype(np.uint16) * 257
    path = tmp_path / f"a.{suffix}"
    save_picture(picture, path, like=metadata_picture())
    read = Picture.open(path)
    with Image.open(path) as opened:
        opened.load()
        exif, info = opened.getexif(), opened.info
        assert exif[0x010F] == "Camera Works"
        assert exif.get_ifd(0x8769)[0x829A] == pytest.approx(0.004)
        assert exif.get_ifd(0x8825)[1] == "N"
        assert exif.get(0x0112, 1) == 1
        assert made_here(exif)
        assert info.get("srgb") == 0 or "sRGB" in profile_name(info["icc_profile"])
    assert b"<a>Port</a>" in read.metadata.xmp
    if suffix != "webp":  # which has no resolution
        assert read.metadata.dpi == pytest.approx((300, 150), abs=0.02)


def profile_name(profile: bytes) -> str:
    return ImageCms.getProfileName(ImageCms.ImageCmsProfile(io.BytesIO(profile)))


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (37, 53), (1200, 900)])
def test_16_bits_come_back(tmp_path, suffix, channels, shape):
    """Read by other programs' libraries."""
    values = np.random.default_rng(0).integers(0, 65536, (*shape, channels)).astype(np.uint16)
    path = tmp_path / f"a.{suffix}"
    save_picture(values, path)
    if suffix == "png":
        np.testing.assert_array_equal(imagecodecs.png_decode(path.read_bytes()), values)
    else:
        np.testing.assert_array_equal(tifffile.imread(path), values)


@pytest.mark.fault(28)
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_alpha_is_kept(tmp_path, photo_like, suffix, depth):
    """Laid over white, what is saved looks like the result."""
    alpha = np.broadcast_to(np.arange(160), (120, 160)).astype(np.uint8)
    full = 255 if depth == 8 or suffix == "webp" else 65535
    over = (photo_like * (alpha / 255)[..., None] + (255 - alpha)[..., None]) / 255
    result = np.rint(over * full).astype(np.uint8 if full == 255 else np.uint16)
    path = tmp_path / f"a.{suffix}"
    save_picture(result, path, like=metadata_picture(alpha))
    back = Picture.open(path)
    assert np.abs(floats(back.alpha) - alpha / 255).max() < 1e-6
    assert np.abs(floats(back.samples) - over).max() <= 1.01 / 255
    flat = tmp_path / "a.bmp"
    save_picture(np.rint(over * 255).astype(np.uint8), flat, like=metadata_picture(alpha))
    assert Picture.open(flat).alpha is None
    assert np.abs(floats(Picture.open(flat).samples) - over).max() <= 0.51 / 255


def test_quality_and_compression(tmp_path, photo_like):
    sizes = {}
    for name, options in {
        "best.jpg": {"quality": 98}, "small.jpg": {"quality": 30},
        "fast.png": {"compression": 0}, "small.png": {"compression": 9},
        "fast.tif": {"compression": 0}, "small.tif": {"compression": 9},
        "lossless.webp": {}, "small.webp": {"quality": 30},
    }.items():  # fmt: skip
        save_picture(photo_like, tmp_path / name, **options)
        sizes[name] = (tmp_path / name).stat().st_size
    assert sizes["small.jpg"] < sizes["best.jpg"] / 2
    assert sizes["small.png"] < sizes["fast.png"]
    assert sizes["small.tif"] < sizes["fast.tif"]
    assert sizes["small.webp"] < sizes["lossless.webp"]
    for name, options, word in (
        ("a.png", {"quality": 90}, "PNG has no quality"),
        ("a.jpg", {"compression": 3}, "JPEG has no compression"),
        ("a.jpg", {"quality": 0}, "1 to 100"),
        ("a.png", {"compression": 10}, "0 to 9"),
    ):
        with pytest.raises(InputError, match=word):
            save_picture(photo_like, tmp_path / name, **options)


def test_the_same_picture_is_the_same_file(tmp_path, photo_like):
    """No time of day is in it."""
    for suffix in ("png", "jpg", "webp", "tif", "bmp"):
        for name in ("a", "b"):
            save_picture(photo_like, tmp_path / f"{name}.{suffix}", like=metadata_picture())
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_pages_of_a_tiff():
    pages = [np.full((9, 12 + n, 3), (50 * n, 9, 200), np.uint8) for n in range(4)]
    file = io.BytesIO()
    encode([(page, metadata_picture()) for page in pages], "TIFF", Options(), file, "a.tif")
    for number, page in enumerate(pages, 1):
        picture = Picture.from_bytes(file.getvalue(), "a.tif", page=number)
        assert picture.pages == 4
        np.testing.assert_array_equal(picture.samples, page)
