from __future__ import annotations

import numpy as np
import pytest

from colordeploy.pictures.color import (
    AB_BINS,
    CHROMA_TO_RGB,
    LUMA,
    chroma_of,
    compose,
    compose_lab,
    lab_of,
    lab_to_rgb,
    lightness_of,
    lightness_of_gray,
    luma_of,
    nearest_bin,
)


def test_known_values():
    red = np.array([[1.0, 0.0, 0.0]])
    assert np.allclose(luma_of(red), 0.299)
    assert np.allclose(chroma_of(red), [[-0.147108, 0.614777]], atol=1e-6)
    grey = np.full((1, 3), 0.4)
    assert np.allclose(chroma_of(grey), 0, atol=1e-7)


def test_every_colour_comes_back():
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    rgb = np.stack(np.meshgrid(levels, levels, levels), axis=-1)
    values = rgb / 255.0
    assert np.array_equal(compose(luma_of(values), chroma_of(values)), rgb)


def test_luma_is_kept_for_impossible_chroma():
    rng = np.random.default_rng(0)
    luma = rng.random((200, 200)).astype(np.float32)
    rgb = compose(luma, rng.normal(size=(200, 200, 2)))
    # Each channel is rounded to 1/255, so the luma is off by half a level at the most.
    assert np.abs(luma_of(rgb / 255.0) - luma).max() <= 0.5 / 255 + 1e-6


def test_hue_is_kept_out_of_gamut():
    chroma = np.array([[0.3, 0.9]])
    offset = compose(np.array([0.5]), chroma)[0] / 255.0 - 0.5
    expected = chroma[0] @ CHROMA_TO_RGB
    cosine = offset @ expected / np.linalg.norm(offset) / np.linalg.norm(expected)
    assert cosine > 0.999
    assert abs(offset).max() > 0.49  # and as colourful as sRGB allows


@pytest.mark.fault(45)
def test_black_and_white_have_no_colour():
    chroma = np.full((1, 2), 0.4)
    assert compose(np.array([0.0]), chroma).tolist() == [[0, 0, 0]]
    assert compose(np.array([1.0]), chroma).tolist() == [[255, 255, 255]]


def test_matrix_keeps_luma():
    assert np.allclose(CHROMA_TO_RGB @ LUMA, 0, atol=1e-12)


def test_lab_of_known_colours():
    """Values of CIE 15 under D65, as colour calculators print them."""
    known = {
        (1.0, 1.0, 1.0): (100.0, 0.0, 0.0),
        (0.0, 0.0, 0.0): (0.0, 0.0, 0.0),
        (1.0, 0.0, 0.0): (53.24, 80.09, 67.20),
        (0.0, 1.0, 0.0): (87.73, -86.18, 83.18),
        (0.0, 0.0, 1.0): (32.30, 79.19, -107.86),
    }
    for rgb, lab in known.items():
        assert np.abs(lab_of(np.array([rgb])) - lab).max() < 0.05


def test_lab_there_and_back():
    rgb = np.random.default_rng(5).random((50, 40, 3))
    assert np.abs(lab_to_rgb(lab_of(rgb)) - rgb).max() < 1e-4
    gray = np.linspace(0, 1, 256)
    whole = lab_of(np.repeat(gray[:, None], 3, axis=1))
    assert np.abs(lightness_of_gray(gray) - whole[:, 0]).max() < 1e-4
    assert np.abs(whole[:, 1:]).max() < 1e-3


def test_compose_lab_keeps_lightness_and_hue():
    rng = np.random.default_rng(6)
    lightness = rng.uniform(2, 98, 4000)
    angle, length = rng.uniform(0, 2 * np.pi, 4000), rng.uniform(0, 140, 4000)
    ab = np.stack([length * np.cos(angle), length * np.sin(angle)], axis=-1)
    found = lab_of(compose_lab(lightness, ab) / 255.0)
    assert np.abs(found[:, 0] - lightness).max() < 1.0  # eight bits
    chroma = np.hypot(found[:, 1], found[:, 2])
    assert (chroma <= length + 3).all()
    strong = chroma > 25
    turn = np.angle(np.exp(1j * (np.arctan2(found[:, 2], found[:, 1]) - angle)))
    assert np.abs(turn[strong]).max() < 0.15


def composed_slowly(lightness, ab):
    """The definition, pixel by pixel in double precision."""
    result = []
    for light, chroma in zip(np.clip(lightness, 0, 100), ab, strict=True):

        def rgb_at(scale, light=light, chroma=chroma):
            return lab_to_rgb(np.array([light, *(scale * chroma)]))

        # What rounding forgives fades to nothing at black and white, in linear light.
        fade = min(light / 8, (100 - light) / 8, 1.0)
        least, most = 0.5 / 255 / 12.92, ((1 + 0.5 / 255 + 0.055) / 1.055) ** 2.4 - 1

        def fits(scale, fade=fade, least=least, most=most):
            rgb = rgb_at(scale).astype(np.float64)
            curve = ((np.maximum(rgb, 0) + 0.055) / 1.055) ** 2.4
            linear = np.where(rgb <= 0.04045, rgb / 12.92, curve)
            return bool(((linear >= -least * fade) & (linear <= 1 + most * fade)).all())

        low, high = (1.0, 1.0) if fits(1.0) else (0.0, 1.0)
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        result.append(np.clip(rgb_at(low), 0, 1) * 255)
    return np.array(result)


def test_compose_lab_against_its_definition():
    rng = np.random.default_rng(8)
    lightness = np.concatenate([rng.uniform(-5, 105, 900), np.linspace(0, 100, 256)])
    ab = rng.normal(size=(len(lightness), 2)) * 35
    ab[-256:] = 0  # grays
    expected = composed_slowly(lightness, ab)
    found = compose_lab(lightness, ab)
    assert found.dtype == np.uint8
    assert np.abs(found - expected).max() < 0.51  # rounded to the nearest, in single precision
    assert np.array_equal(compose_lab(lightness.reshape(4, -1), ab.reshape(4, -1, 2)).ravel(),
                          found.ravel())  # fmt: skip
    assert compose_lab(np.zeros(0), np.zeros((0, 2))).shape == (0, 3)


def test_bins():
    assert AB_BINS.shape == (313, 2)
    assert len(np.unique(AB_BINS, axis=0)) == 313
    assert np.array_equal(nearest_bin(AB_BINS + 0.3), np.arange(313))
    assert tuple(AB_BINS[nearest_bin([0.0, 0.0])]) == (0, 0)


def test_lightness_alone_is_labs():
    rng = np.random.default_rng(8)
    rgb = rng.random((40, 50, 3)).astype(np.float32)
    rgb[0, :5] = [[0, 0, 0], [1, 1, 1], [0.04045] * 3, [0.001] * 3, [1, 0, 0]]
    found = lightness_of(rgb)
    assert found.shape == (40, 50)
    assert np.abs(found - lab_of(rgb.astype(np.float64))[..., 0]).max() < 1e-4
    assert found[0, :2] == pytest.approx([0, 100], abs=1e-4)
    assert lightness_of(np.float32([[2, 2, 2], [-1, 0, 0]])) == pytest.approx([100, 0], abs=1e-4)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("shape", [(3,), (7, 3), (130, 211, 3)])
def test_eight_bits_like_floats(shape, threads):
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, shape).astype(np.uint8)
    rgb.reshape(-1, 3)[0] = 255
    values = rgb.astype(np.float32) / 255
    luma = luma_of(rgb, threads)
    assert luma.dtype == np.float32
    assert luma.shape == shape[:-1]
    assert luma.max() <= 1
    np.testing.assert_allclose(luma, luma_of(values), atol=1e-6)
    np.testing.assert_allclose(lightness_of(rgb, threads), lightness_of(values), atol=1e-3)
    np.testing.assert_allclose(lightness_of(rgb, threads), lab_of(values)[..., 0], atol=1e-4)
    strided = np.repeat(rgb, 2, axis=0)[::2]
    np.testing.assert_array_equal(luma_of(strided, threads), luma)
