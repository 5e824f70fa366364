"""Between a picture and what networks see: sizes, Lab, a network's chroma at the working size."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from colordeploy import CancelToken
from colordeploy.errors import Cancelled, InputError
from colordeploy.native import GuidedChroma
from colordeploy.native.color import AB_SCALE, lab_of, lightness_of_gray
from colordeploy.native.working import chroma_at_working_size, resize, working_size
from colordeploy.pictures.color import lab_of as formula
from colordeploy.pictures.color import lightness_of_gray as gray_formula


def by_pillow(plane, shape):
    """Columns first, as all versions of Pillow do it when they are told so."""
    image = Image.fromarray(plane)
    narrow = image.resize((shape[1], plane.shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(narrow.resize(shape[::-1], Image.Resampling.BICUBIC))


@pytest.mark.parametrize(
    ("full", "small"),
    [((1201, 903), (256, 192)), ((300, 5), (60, 1)), ((9, 700), (4, 300)), ((40, 30), (77, 91)),
     ((16, 24), (64, 96)), ((1, 1), (3, 3)), ((1000, 700), (1000, 256)), ((5, 9), (5, 9))],
)  # fmt: skip
def test_planes_for_networks_are_resized_to_pillows_bits(full, small):
    rng = np.random.default_rng(full)
    plane = rng.random(full, dtype=np.float32)
    wanted = by_pillow(plane, small)
    for threads in (1, 3):
        assert np.array_equal(resize(plane, small, threads=threads), wanted)
    wide = np.zeros((full[0], 3 * full[1]), np.float32)
    wide[::-1, ::3] = plane
    assert np.array_equal(resize(wide[::-1, ::3], small), wanted)
    levels = rng.integers(0, 256, full, dtype=np.uint8)
    floats = levels.astype(np.float32) / np.float32(255)
    assert np.array_equal(resize(levels, small), by_pillow(floats, small))
    assert not np.shares_memory(resize(plane, full), plane)


def test_resizing_is_refused_and_cancelled():
    plane = np.zeros((50, 50), np.float32)
    for shape in ((0, 4), (4, -1)):
        with pytest.raises(InputError, match="at least 1"):
            resize(plane, shape)
    with pytest.raises(InputError, match="H, W"):
        resize(plane[0], (1, 4))
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        resize(plane, (20, 20), cancel=token)


def test_working_sizes():
    assert working_size((600, 800), 256) == (256, 341)
    assert working_size((100, 50), 256) == (100, 50)
    assert working_size((100, 64), 256, enlarged=True) == (400, 256)
    assert working_size((100, 63), 256, enlarged=True) == (100, 63)  # four times at most
    assert working_size((200, 300), 256, enlarged=True) == (256, 384)
    assert working_size((80, 9000), 256, bounded=True, enlarged=True) == (68, 7680)
    assert working_size((300, 30000), 256) == (256, 25600)
    height, width = working_size((300, 30000), 256, bounded=True)
    assert 0.95 < height * width / (8 * 256**2) <= 1.01
    assert working_size((5, 2), 1) == (2, 1)  # halves to even, as everywhere


def test_lab_is_the_formulas():
    rgb = np.random.default_rng(0).random((41, 7, 3), dtype=np.float32)
    rgb[0, 0], rgb[0, 1], rgb[0, 2] = 0, 1, 0.002
    found = lab_of(rgb)
    assert found.dtype == np.float32
    assert np.abs(found - formula(rgb.astype(float))).max() < 2e-4
    assert np.array_equal(lab_of(rgb, threads=3), found)
    assert np.array_equal(lab_of(rgb * 3 - 1), lab_of(np.clip(rgb * 3 - 1, 0, 1)))


def test_the_lightness_of_gray_is_the_formulas():
    gray = np.linspace(0, 1, 10001, dtype=np.float32).reshape(73, 137)
    assert np.abs(lightness_of_gray(gray) - gray_formula(gray.astype(float))).max() < 1e-4
    levels = np.arange(256, dtype=np.uint8)
    wanted = gray_formula(levels.astype(float) / 255)
    assert np.abs(lightness_of_gray(levels) - wanted).max() < 2e-5
    assert np.array_equal(lightness_of_gray(levels[::-1]), lightness_of_gray(levels)[::-1])


@pytest.mark.parametrize("side", [1, 2, 4, 8, 16, 31])
def test_chroma_at_the_working_size_is_fitted_to_the_lightness(side):
    """Bit for bit what the fit of chroma to the mean lightness of blocks gives in whole arrays."""
    rng = np.random.default_rng(side)
    rows, columns = 5, 7
    gray = rng.uniform(-1, 1, (rows * side, columns * side)).astype(np.float32)
    ab = rng.normal(scale=30, size=(2, rows, columns)).astype(np.float32)
    shape = gray.shape[0] - side // 2, gray.shape[1] - side // 3
    found = chroma_at_working_size(ab, gray, shape)
    if side == 1:
        wanted = np.moveaxis(ab, 0, -1)
    else:
        light = (gray + 1) / 2
        means = light.reshape(rows, side, columns, side).mean(axis=(1, 3))
        small = GuidedChroma(np.moveaxis(ab, 0, -1) / np.float32(AB_SCALE), means, space="lab")
        wanted = small.compose(light, output="lab")[..., 1:]
    assert np.array_equal(found, wanted[: shape[0], : shape[1]])
    with pytest.raises(ValueError, match="within"):
        chroma_at_working_size(ab, gray, (gray.shape[0] + 1, 1))
