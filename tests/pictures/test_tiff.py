"""TIFF of every kind against the values that were written, within half a level of their depth."""

from __future__ import annotations

import io
import itertools
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from colordeploy.errors import InputError
from colordeploy.pictures.picture import Picture, floats

_HEIGHT, _WIDTH = 37, 53
_CHANNELS = {"miniswhite": 1, "minisblack": 1, "rgb": 3, "separated": 4}


def read(data: bytes, **options) -> np.ndarray:
    return floats(Picture.from_bytes(data, "file.tif", **options).samples)


def written(values: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, metadata=None, **options)
    return file.getvalue()


def random_values(depth: str, channels: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Values as they are stored, what they mean, and half a level."""
    share = np.random.default_rng(0).random((_HEIGHT, _WIDTH, channels))
    if depth.startswith("f"):
        values = share.astype(depth)
        return values, values.astype(np.float64), 1e-6
    full = np.iinfo(depth).max
    values = np.rint(share * full).astype(depth)
    return values, values / full, 0.5 / min(full, 65535)


@pytest.mark.fault(10)
@pytest.mark.parametrize("photometric", _CHANNELS)
@pytest.mark.parametrize("depth", ["u1", "u2", "u4", "f2", "f4", "f8"])
@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits", "zstd", "lzma"])
def test_matrix(photometric, depth, compression):
    """Byte orders, planes, tiles and predictors of one depth, model and compression."""
    channels = _CHANNELS[photometric]
    values, meaning, half = random_values(depth, channels)
    if photometric == "miniswhite":
        meaning = 1 - meaning
    elif photometric == "separated":
        meaning = (1 - meaning[..., :3]) * (1 - meaning[..., 3:])
    predictors = (False, True) if compression in ("lzw", "deflate", "zstd") else (False,)
    if depth == "f2":
        predictors = (False,)  # the writer knows none
    for order, planar, tile, predictor in itertools.product(
        "<>", ("contig", "separate"), (None, (16, 32)), predictors
    ):
        if channels == 1 and planar == "separate":
            continue
        laid = np.moveaxis(values, -1, 0) if planar == "separate" else values
        data = written(
            laid if channels > 1 else values[..., 0],
            photometric=photometric,
            planarconfig=planar if channels > 1 else None,
            compression=compression,
            predictor=predictor,
            byteorder=order,
            tile=tile,
            rowsperstrip=None if tile else 8,
        )
        expected = meaning if channels > 1 else meaning[..., 0]
        assert np.abs(read(data) - expected).max() <= half, (order, planar, tile, predictor)


def packed(
    values: np.ndarray, bits: int, order: str, tags: dict[int, tuple[str, list[int]]]
) -> bytes:
    """A TIFF of one strip whose samples (H, W, C) take any number of bits, written by hand."""
    height, width, channels = values.shape
    every = (values.reshape(height, -1, 1) >> np.arange(bits - 1, -1, -1)) & 1
    rows = np.packbits(every.reshape(height, -1).astype(np.uint8), axis=1)
    if tags.get(266) == ("H", [2]):
        rows = np.packbits(np.unpackbits(rows, axis=1).reshape(-1, 8)[:, ::-1])
    strip = rows.tobytes()
    entries = {
        256: ("H", [width]), 257: ("H", [height]), 258: ("H", [bits] * channels), 259: ("H", [1]),
        262: ("H", [1 if channels == 1 else 2]), 273: ("I", [0]), 277: ("H", [channels]),
        278: ("H", [height]), 279: ("I", [len(strip)]), **tags,
    }  # fmt: skip

    def data_of(tag: int) -> bytes:
        kind, numbers = entries[tag]
        return struct.pack(f"{order}{len(numbers)}{kind}", *numbers)

    place = 8 + 2 + 12 * len(entries) + 4
    entries[273] = ("I", [place + sum(len(d) for d in map(data_of, entries) if len(d) > 4)])
    directory, behind = struct.pack(f"{order}H", len(entries)), b""
    for tag in sorted(entries):
        data, (kind, numbers) = data_of(tag), entries[tag]
        field = data.ljust(4, b"\0")
        if len(data) > 4:
            field = struct.pack(f"{order}I", place + len(behind))
            behind += data
        directory += struct.pack(f"{order}HHI", tag, {"H": 3, "I": 4}[kind], len(numbers)) + field
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(f"{order}I", 8) + directory + bytes(4) + behind + strip


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 10, 12, 14])
@pytest.mark.parametrize(("channels", "photometric"), [(1, 0), (1, 1), (3, 2)])
@pytest.mark.parametrize("fill", [1, 2])
def test_depths_that_are_no_whole_bytes(bits, channels, photometric, fill):
    full = (1 << bits) - 1
    values = np.random.default_rng(1).integers(0, full + 1, (9, 21, channels))
    values[0, 0] = full
    tags = {266: ("H", [fill]), 262: ("H", [photometric])}
    expected = values / full if photometric else 1 - values / full
    for order in "<>":
        found = read(packed(values, bits, order, tags))
        assert np.abs(found - (expected[..., 0] if channels == 1 else expected)).max() <= 0.5 / full


@pytest.mark.fault(11)
def test_a_white_page_of_12_bits_is_white():
    assert read(packed(np.full((8, 8, 1), 4095), 12, "<", {})).min() == 1
    words = np.full((8, 8), 4095, np.uint16)
    largest = written(words, extratags=[(281, 3, 1, 4095, True)])
    assert read(largest).min() == 1


@pytest.mark.parametrize("depth", ["u1", "u2", "f4"])
@pytest.mark.parametrize("kind", ["assocalpha", "unassalpha", "unspecified"])
@pytest.mark.parametrize("color", ["minisblack", "rgb"])
def test_alpha(depth, kind, color):
    channels = _CHANNELS[color]
    full = 1 if depth == "f4" else np.iinfo(depth).max
    alpha = np.zeros((4, 6, 1)) + np.array([0, 0.25, 0.5, 0.75, 1, 1])[:, None]
    straight = np.random.default_rng(2).random((4, 6, channels))
    stored = straight * alpha if kind == "assocalpha" else straight
    values = np.concatenate([stored, alpha], axis=-1) * full
    values = values.astype(depth) if depth == "f4" else np.rint(values).astype(depth)
    picture = Picture.from_bytes(
        written(values, photometric=color, extrasamples=[kind], planarconfig="contig"), "a.tif"
    )
    expected = straight if kind == "unspecified" else straight * alpha + 1 - alpha
    tolerance = 1e-6 if depth == "f4" else 2.1 / full
    found = floats(picture.samples)
    assert np.abs(found - (expected[..., 0] if channels == 1 else expected)).max() <= tolerance
    assert (picture.alpha is None) == (kind == "unspecified")
    if picture.alpha is not None:
        assert np.abs(floats(picture.alpha) - alpha[..., 0]).max() <= 0.5 / full + 1e-7


def test_palettes():
    index = np.random.default_rng(3).integers(0, 256, (7, 9)).astype(np.uint8)
    colors = np.random.default_rng(4).integers(0, 65536, (3, 256)).astype(np.uint16)
    found = read(written(index, photometric="palette", colormap=colors))
    assert np.abs(found - colors.T[index] / 65535).max() <= 0.5 / 65535
    eight = (colors >> 8) * 257
    picture = Picture.from_bytes(written(index, photometric="palette", colormap=eight), "a.tif")
    assert picture.samples.dtype == np.uint8
    np.testing.assert_array_equal(picture.samples, (eight.T[index] // 257).astype(np.uint8))


@pytest.mark.parametrize("depth", ["u1", "u2"])
@pytest.mark.parametrize("photometric", ["cielab", "icclab"])
def test_lab(depth, photometric):
    """L, a, b of colours whose sRGB is known (Lindbloom's calculator, D50 adapted by Bradford)."""
    lab = np.array(
        [
            [100, 0, 0],
            [0, 0, 0],
            [54.29, 80.81, 69.89],
            [87.82, -79.29, 80.99],
            [29.57, 68.30, -112.03],
        ]
    )
    rgb = np.array([[1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    if depth == "u1":
        values = np.rint(lab * [2.55, 1, 1]).astype(int)
        values = values % 256 if photometric == "cielab" else values + np.array([0, 128, 128])
    elif photometric == "cielab":
        values = np.rint(lab * [655.35, 256, 256]).astype(int) % 65536
    else:
        values = np.rint(lab * [652.8, 256, 256]).astype(int) + np.array([0, 32768, 32768])
    found = read(written(values.astype(depth)[None], photometric=photometric))
    assert np.abs(found[0] - rgb).max() < (0.04 if depth == "u1" else 0.005)


def thumbnail_and_picture(*, said: bool, first: bool) -> tuple[bytes, np.ndarray]:
    large = np.random.default_rng(5).integers(0, 256, (60, 90, 3)).astype(np.uint8)
    small = np.zeros((10, 15, 3), np.uint8)
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for values in (small, large) if first else (large, small):
            kind = 1 if said and values is small else 0
            writer.write(values, photometric="rgb", metadata=None, subfiletype=kind)
    return file.getvalue(), large


@pytest.mark.fault(14)
@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_thumbnails_are_no_pages(said, first):
    data, large = thumbnail_and_picture(said=said, first=first)
    picture = Picture.from_bytes(data, "a.tif")
    np.testing.assert_array_equal(picture.samples, large)
    assert picture.pages == 1


def test_picture_in_a_sub_directory():
    large = np.random.default_rng(5).integers(0, 65536, (60, 90)).astype(np.uint16)
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        small = np.zeros((10, 15), np.uint8)
        writer.write(small, metadata=None, subfiletype=1, subifds=1)
        writer.write(large, metadata=None, subfiletype=0)
    assert np.abs(read(file.getvalue()) - large / 65535).max() < 1e-6


@pytest.mark.fault(15)
def test_pages():
    pages = np.random.default_rng(6).integers(0, 256, (3, 20, 30)).astype(np.uint8)
    file = io.BytesIO()
    with tifffile.TiffWriter(file, bigtiff=True) as writer:
        for values in pages:
            writer.write(values, metadata=None)
    for number in (1, 2, 3):
        picture = Picture.from_bytes(file.getvalue(), "a.tif", page=number)
        np.testing.assert_array_equal(picture.samples, pages[number - 1])
        assert (picture.page, picture.pages) == (number, 3)
    assert np.array_equal(Picture.from_bytes(file.getvalue(), "a.tif").samples, pages[0])
    for number in (0, 4):
        with pytest.raises(InputError, match=rf"a\.tif has 3 pages; there is no page {number}"):
            Picture.from_bytes(file.getvalue(), "a.tif", page=number)


@pytest.mark.parametrize(
    ("mode", "compression"),
    [
        *itertools.product(
            ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"], [None, "tiff_lzw"]
        ),
        *itertools.product(["L", "RGB", "YCbCr", "CMYK"], ["jpeg"]),
        ("1", "group4"),
    ],
)
def test_pillows_files(mode, compression):
    """What Pillow writes is read as Pillow reads it."""
    values = np.add.outer(np.arange(40), np.arange(56)).astype(np.uint8)
    color = np.stack([values, values[::-1], 255 - values], axis=-1)
    picture = Image.fromarray(color)
    deep = Image.fromarray(values.astype(np.uint16) * 600)
    picture = deep if mode == "I;16" else picture.convert(mode)
    file = io.BytesIO()
    picture.save(file, "TIFF", compression=compression)
    expected = np.asarray(Image.open(file).convert("RGB")) / 255
    if mode == "I;16":
        expected = values.astype(int) * 600 / 65535
    found = read(file.getvalue())
    if found.ndim == 2 and expected.ndim == 3:
        expected = expected[..., 0]
    assert np.abs(found - expected).max() <= 1.01 / 255


@pytest.mark.fault(19)
@pytest.mark.parametrize("compression", [None, "jpeg"])
@pytest.mark.parametrize("place", ["tag", "xmp"])
def test_orientation(compression, place):
    values = np.add.outer(np.arange(32) * 4, np.arange(48)).astype(np.uint8)
    file = io.BytesIO()
    if place == "tag":
        Image.fromarray(values).save(file, "TIFF", compression=compression, tiffinfo={274: 6})
    else:
        xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
        Image.fromarray(values).save(file, "TIFF", compression=compression, tiffinfo={700: xmp})
    found = read(file.getvalue())
    assert found.shape == (48, 32)
    assert np.abs(found - np.rot90(values, -1) / 255).max() < 4 / 255


def test_what_is_not_read_is_said():
    with pytest.raises(InputError, match=r"file\.tif .*raw"):
        read(written(np.zeros((8, 8), np.uint16), photometric=32803))
    with pytest.raises(InputError, match="negative"):
        read(written(np.full((8, 8), -5, np.int16)))
    with pytest.raises(InputError, match=r"reaches from 0 to 255: divide it by 255"):
        read(written(np.linspace(0, 255, 64, dtype=np.float32).reshape(8, 8)))
    whole = written(np.random.default_rng(0).integers(0, 65536, (40, 40)).astype(np.uint16))
    for part in (len(whole) // 3, len(whole) - 10):
        with pytest.raises(InputError, match=r"file\.tif is"):
            read(whole[:part])


def test_signed_and_32_bit_integers():
    signed = np.arange(64, dtype=np.int16).reshape(8, 8) * 512
    assert np.abs(read(written(signed)) - signed / 32767).max() < 1e-6
    for full in (255, 65535, 2**32 - 1):
        values = np.linspace(0, full, 64).astype(np.uint32).reshape(8, 8)
        assert np.abs(read(written(values)) - values / full).max() < 1e-6
