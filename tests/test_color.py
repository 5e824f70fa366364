from __future__ import annotations

import numpy as np

from colordeploy.color import CHROMA_TO_RGB, LUMA, chroma_of, compose, luma_of


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


def test_black_and_white_have_no_colour():
    chroma = np.full((1, 2), 0.4)
    assert compose(np.array([0.0]), chroma).tolist() == [[0, 0, 0]]
    assert compose(np.array([1.0]), chroma).tolist() == [[255, 255, 255]]


def test_matrix_keeps_luma():
    assert np.allclose(CHROMA_TO_RGB @ LUMA, 0, atol=1e-12)
