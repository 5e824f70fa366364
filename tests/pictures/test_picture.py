"""`Picture`: ranges, modes, alpha and metadata."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from colordeploy.errors import InputError
from colordeploy.pictures.decoding import read_luma, read_picture, read_samples
from colordeploy.pictures.picture import Picture


@pytest.mark.fault(12)
@pytest.mark.parametrize("depth", ["f2", "f4", "f8"])
def test_floats_may_leave_the_range_by_rounding(depth):
    values = np.linspace(0, 1, 64).astype(depth).reshape(8, 8)
    values[0, 0], values[7, 7] = -9e-4, 1 + 9e-4
    found = read_picture(values)
    assert (found.min(), found.max()) == (0, 1)
    np.testing.assert_array_equal(found[1:7], values[1:7].astype(np.float32))


@pytest.mark.fault(12)
@pytest.mark.parametrize(
    ("full", "remedy"), [(255, "divide it by 255"), (65535, "by 65535"), (90000, "clip it")]
)
def test_floats_beyond_it_are_refused(full, remedy):
    values = np.linspace(0, full, 64).reshape(8, 8)
    with pytest.raises(InputError, match=rf"reaches from 0 to {full:g}.*{remedy}"):
        read_luma(values)
    with pytest.raises(InputError, match="reaches"):
        read_luma(Image.fromarray(values.astype(np.float32)))


@pytest.mark.fault(48)
def test_pillow_modes():
    """Mode I with 8 or 16 bits, premultiplied modes, and the rest."""
    eight = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(read_samples(Image.fromarray(eight.astype(np.int32))), eight)
    deep = Image.fromarray(eight.astype(np.int32) * 257)
    assert np.abs(read_samples(deep) - eight / 255).max() < 1e-6
    assert np.abs(read_samples(deep.convert("I;16")) - eight / 255).max() < 1e-6
    with pytest.raises(InputError, match="integers from 0 to 65536"):
        read_samples(Image.fromarray(np.full((4, 4), 65536, np.int32) * np.eye(4, dtype=np.int32)))
    color = Image.fromarray(np.stack([eight, eight.T, 255 - eight], -1))
    for mode in ("1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV", "F"):
        picture = (
            color.convert("L").point(lambda v: v / 255, "F") if mode == "F" else color.convert(mode)
        )
        expected = np.asarray(picture) if mode == "F" else np.asarray(picture.convert("RGB")) / 255
        found = read_picture(picture)
        expected = expected[..., 0] if found.ndim < expected.ndim else expected
        assert np.abs(found - expected).max() <= 1.01 / 255, mode


@pytest.mark.fault(48)
@pytest.mark.parametrize("mode", ["LA", "La", "RGBA", "RGBa", "PA"])
def test_modes_with_alpha(mode):
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[..., 0], rgba[..., 3] = 200, np.linspace(0, 255, 64).reshape(8, 8)
    rgba[..., 1:3] = 200 if mode in ("LA", "La") else 40
    picture = Image.fromarray(rgba)
    picture = picture.convert("LA").convert("La") if mode == "La" else picture.convert(mode)
    alpha = rgba[..., 3:] / 255
    expected = rgba[..., :3] / 255 * alpha + 1 - alpha
    found = read_picture(picture)
    assert np.abs(found - (expected[..., 0] if found.ndim == 2 else expected)).max() < 2.1 / 255


def test_alpha_is_kept_and_dropped_when_it_says_nothing():
    rgba = np.full((6, 6, 4), 255, np.uint8)
    file = io.BytesIO()
    Image.fromarray(rgba).save(file, "PNG")
    assert Picture.from_bytes(file.getvalue()).alpha is None
    rgba[0, 0, 3] = 7
    file = io.BytesIO()
    Image.fromarray(rgba).save(file, "PNG")
    assert Picture.from_bytes(file.getvalue()).alpha[0, 0] == 7


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0132] = orientation, "Camera Works", "1938:05:01 10:00:00"
    exif[0x8769] = {0x9003: "1938:05:01 10:00:00", 0x829A: 0.004, 0xA002: 999}
    exif[0x8825] = {1: "N", 2: (48.0, 12.0, 3.0)}
    return exif


_TURNS = {
    1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
    5: lambda a: np.rot90(np.fliplr(a)), 6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(np.fliplr(a), -1), 8: np.rot90,
}  # fmt: skip


@pytest.mark.fault(19)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("place", ["exif", "xmp"])
def test_orientation(kind, orientation, place):
    values = np.add.outer(np.arange(24) * 5, np.arange(40)).astype(np.uint8)
    xmp = f'<x:xmpmeta><rdf:Description tiff:Orientation="{orientation}"/></x:xmpmeta>'.encode()
    options = {"exif": exif_of(orientation).tobytes()} if place == "exif" else {"xmp": xmp}
    if kind == "PNG" and place == "xmp":
        from PIL.PngImagePlugin import PngInfo

        options = {"pnginfo": PngInfo()}
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    elif kind == "TIFF" and place == "xmp":
        options = {"tiffinfo": {700: xmp}}
    elif kind == "WEBP":
        options["lossless"] = True
    file = io.BytesIO()
    Image.fromarray(values).save(file, kind, **options)
    picture = Picture.from_bytes(file.getvalue(), "a")
    expected = _TURNS[orientation](values)
    assert picture.size == expected.shape
    found = picture.samples if picture.samples.ndim == 2 else picture.samples[..., 1]
    assert np.abs(found.astype(int) - expected).max() <= (3 if kind == "JPEG" else 1)


def test_what_is_kept_of_exif_and_xmp():
    file = io.BytesIO()
    xmp = (
        b'<x:xmpmeta><rdf:Description tiff:Orientation="6" dc:title="Port"/>'
        b"<xmp:Thumbnails><rdf:Alt>abc</rdf:Alt></xmp:Thumbnails></x:xmpmeta>"
    )
    Image.new("RGB", (40, 24)).save(file, "JPEG", exif=exif_of(6), xmp=xmp, dpi=(300, 200))
    said = Picture.from_bytes(file.getvalue(), "a.jpg").metadata
    exif = Image.Exif()
    exif.load(said.exif)
    assert (exif[0x010F], exif[0x0132], exif[0x0112]) == ("Camera Works", "1938:05:01 10:00:00", 1)
    details = exif.get_ifd(0x8769)
    assert details[0x829A] == pytest.approx(0.004)
    assert (details[0xA001], details[0xA002], details[0xA003]) == (1, 24, 40)
    assert exif.get_ifd(0x8825)[1] == "N"
    assert b'tiff:Orientation="1" dc:title="Port"' in said.xmp
    assert b"Thumbnails" not in said.xmp
    assert said.dpi == (300, 200)


def test_damaged_exif_keeps_the_rest():
    """Text where a number belongs cannot be written again; the camera's name can."""
    exif = exif_of(1)
    exif[0x0131] = "x" * 20
    data = bytearray(exif.tobytes())
    file = io.BytesIO()
    place = data.find(b"\x01\x0f") if data[6:8] == b"MM" else data.find(b"\x0f\x01")
    data[place + 2 : place + 4] = b"\0\x63" if data[6:8] == b"MM" else b"\x63\0"  # no such type
    Image.new("L", (8, 8)).save(file, "PNG", exif=bytes(data))
    kept = Image.Exif()
    kept.load(Picture.from_bytes(file.getvalue(), "a.png").metadata.exif)
    assert 0x010F not in kept
    assert kept[0x0131] == "x" * 20


def test_colored():
    """Grey, noisy grey and sepia are no colour pictures; a photo of colours is."""
    rng = np.random.default_rng(0)
    gray = rng.integers(20, 230, (60, 80, 1)).astype(float)
    neutral = np.repeat(gray, 3, axis=-1)

    def colored(values: np.ndarray) -> bool:
        return Picture(np.clip(values, 0, 255).astype(np.uint8)).has_color()

    assert not Picture(gray[..., 0].astype(np.uint8)).has_color()
    assert not colored(neutral)
    assert not colored(neutral + rng.normal(0, 2.5, neutral.shape))
    assert not colored(neutral * [1, 0.85, 0.6])
    assert not colored(neutral * [0.7, 0.9, 1])
    patch = neutral.copy()
    patch[:20, :20] = [200, 30, 20]
    assert colored(patch)
    assert colored(rng.integers(0, 255, neutral.shape).astype(float))


def test_a_photo_on_its_side_is_turned_without_a_copy():
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    picture = Image.linear_gradient("L").resize((30, 20)).convert("RGB")
    picture.putpixel((0, 0), (255, 0, 0))
    picture.putalpha(128)
    picture.save(file, "PNG", exif=exif)
    found = Picture.from_bytes(file.getvalue())
    assert (found.size, found.samples.shape) == ((30, 20), (30, 20, 3))
    assert found.samples.swapaxes(0, 1)[::-1].flags.c_contiguous
    over = 255 + (np.asarray(picture)[..., :3].astype(float) - 255) * 128 / 255
    assert np.abs(found.samples - np.rot90(over, -1)).max() <= 0.51
    assert np.abs(read_luma(found) - read_luma(found.samples.copy())).max() == 0
