from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from colordeploy.native import GuidedChroma
from colordeploy.pictures.color import chroma_of, compose, compose_lab, luma_of
from colordeploy.pictures.geometry import resize

from . import guided_reference
from .guided_reference import (
    AB_SCALE,
    GuidedUpsampling,
    colorize_full_size,
    guided_strips,
    interpolated_strips,
    slopes_of,
)


def whole(strips):
    return np.concatenate([strip for _, strip in strips])


def test_strips_join_without_a_seam(monkeypatch):
    rng = np.random.default_rng(0)
    luma = rng.random((157, 211)).astype(np.float32)
    small_luma, chroma = resize(luma, (31, 47)), rng.normal(size=(31, 47, 2)).astype(np.float32)
    one = whole(guided_strips(luma, small_luma, chroma, GuidedUpsampling()))
    monkeypatch.setattr(guided_reference, "STRIP_PIXELS", 211 * 7)
    many = whole(guided_strips(luma, small_luma, chroma, GuidedUpsampling()))
    assert one.shape == (157, 211, 2)
    assert np.abs(one - many).max() < 1e-5


def test_constant_chroma_stays_constant():
    rng = np.random.default_rng(1)
    luma = rng.random((90, 80)).astype(np.float32)
    chroma = np.broadcast_to(np.float32([0.1, -0.2]), (30, 27, 2))
    full = whole(guided_strips(luma, resize(luma, (30, 27)), chroma, GuidedUpsampling()))
    assert np.abs(full - [0.1, -0.2]).max() < 1e-6


def test_same_size_is_untouched():
    rng = np.random.default_rng(2)
    luma, chroma = rng.random((20, 30)).astype(np.float32), rng.normal(size=(20, 30, 2)) * 0.1
    full = whole(guided_strips(luma, luma, chroma, GuidedUpsampling()))
    assert np.abs(full - chroma).max() < 1e-6


def test_follows_a_luma_edge():
    """Two colours meet at a slanted luma edge: the error next to it falls to a fraction."""
    y, x = np.mgrid[:240, :320]
    left = x < 150 + y // 3
    rgb = np.where(left[..., None], [0.75, 0.35, 0.3], [0.1, 0.3, 0.45])
    luma, chroma = luma_of(rgb), chroma_of(rgb)
    small_luma, small = resize(luma, (60, 80)), resize(chroma, (60, 80))
    guided = whole(guided_strips(luma, small_luma, small, GuidedUpsampling()))
    bilinear = whole(interpolated_strips(small, luma.shape, Image.Resampling.BILINEAR))
    error, before = (np.square(c - chroma).mean() for c in (guided, bilinear))
    assert error < 0.35 * before


def test_interpolation_is_pillows():
    plane = np.random.default_rng(3).random((13, 17)).astype(np.float32)
    expected = np.asarray(Image.fromarray(plane).resize((50, 41), Image.Resampling.BICUBIC))
    assert np.abs(
        whole(interpolated_strips(plane[..., None], (41, 50)))[..., 0] - expected
    ).max() < (1e-5)


@pytest.mark.fault(46)
def test_picture_keeps_its_luma():
    rng = np.random.default_rng(4)
    luma = rng.random((64, 90)).astype(np.float32)
    picture = colorize_full_size(luma, resize(luma, (16, 23)), rng.normal(size=(16, 23, 2)))
    assert np.abs(luma_of(picture / 255.0) - luma).max() <= 0.5 / 255 + 1e-6


def test_one_pixel_wide():
    luma = np.linspace(0, 1, 300, dtype=np.float32)[:, None]
    picture = colorize_full_size(luma, resize(luma, (30, 1)), np.zeros((30, 1, 2)))
    assert np.array_equal(picture, compose(luma, np.zeros((300, 1, 2))))


def composed(space, light, chroma):
    if space == "luma":
        return compose(light, chroma)
    return compose_lab(light * np.float32(100), chroma * np.float32(AB_SCALE))


@pytest.mark.parametrize("space", ["luma", "lab"])
@pytest.mark.parametrize(
    ("full", "small"),
    [((157, 211), (31, 47)), ((300, 5), (60, 1)), ((9, 700), (4, 300)), ((40, 30), (40, 30)),
     ((33, 64), (33, 32)), ((1, 1), (1, 1)), ((1025, 513), (16, 9))],
)  # fmt: skip
def test_the_core_does_what_the_formulas_say(space, full, small):
    rng = np.random.default_rng(6)
    light = rng.random(full).astype(np.float32)
    working = np.clip(resize(light, small), 0, 1)
    chroma = rng.normal(scale=0.3, size=(*small, 2)).astype(np.float32)
    whole_chroma = whole(guided_strips(light, working, chroma, GuidedUpsampling()))
    expected = composed(space, light, whole_chroma).astype(int)
    found = colorize_full_size(light, working, chroma, space=space, threads=1)
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert (found != expected).mean() < 0.002  # what rounding the last digit of a sum can do
    for threads in (2, 3, 7):
        again = colorize_full_size(light, working, chroma, space=space, threads=threads)
        assert np.array_equal(again, found)


@pytest.mark.parametrize("parameters", [GuidedUpsampling(), GuidedUpsampling(3, 1e-4, 2.5)])
def test_slopes_are_those_of_the_formula(parameters):
    rng = np.random.default_rng(7)
    light = rng.random((23, 31)).astype(np.float32)
    chroma = (0.4 * light[..., None] + 0.05 * rng.normal(size=(23, 31, 2))).astype(np.float32)
    chroma[5:9] = 0.1  # flat
    fitted = GuidedChroma(
        chroma, light, radius=parameters.radius, epsilon=parameters.epsilon, power=parameters.power
    )
    expected = slopes_of(light, chroma, parameters)
    assert np.abs(fitted.slopes - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.slow
def test_memory_is_bounded_at_24_megapixels():
    luma = np.random.default_rng(5).random((4000, 6000), dtype=np.float32)
    small_luma = resize(luma, (256, 384))
    tracemalloc.start()
    picture = colorize_full_size(luma, small_luma, np.zeros((256, 384, 2)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < picture.nbytes + 300 * 2**20
