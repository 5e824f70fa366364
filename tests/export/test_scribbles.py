from __future__ import annotations

import numpy as np
import pytest

from colordeploy.pictures.color import chroma_of
from colordeploy.pictures.strokes import rasterize
from export.data.scribbles import main_color_strokes, random_segment_strokes, segment


@pytest.fixture(scope="module")
def flags():
    """Four flat fields of two colours (each colour in two separate fields), plus a little noise."""
    rng = np.random.default_rng(0)
    rgb = np.empty((160, 200, 3), np.float32)
    red, blue = [0.8, 0.2, 0.2], [0.2, 0.3, 0.8]
    rgb[:80, :120], rgb[:80, 120:] = red, blue
    rgb[80:, :120], rgb[80:, 120:] = blue, red
    return np.clip(rgb + rng.normal(scale=0.01, size=rgb.shape), 0, 1).astype(np.float32)


def test_segments_are_connected_and_of_one_colour(flags):
    segments = segment(flags, 2, np.random.default_rng(1))
    large = np.flatnonzero(segments.area > 500)
    assert len(large) == 4
    assert segments.area.sum() == 160 * 200
    for label in large:
        assert chroma_of(flags[segments.labels == label]).std(axis=0).max() < 0.06


def test_main_colours_are_marked_once_in_their_largest_field(flags):
    strokes = main_color_strokes(flags, 2, np.random.default_rng(2))
    assert len(strokes) == 2
    fields = {(y < 80, x < 120) for stroke in strokes for y, x in stroke.points[:1]}
    assert fields == {(True, True), (False, True)}  # the two large fields on the left


def test_strokes_stay_in_a_segment_and_take_its_colour(flags):
    strokes = random_segment_strokes(flags, 4, np.random.default_rng(3), colors=2)
    rgba = rasterize(strokes, (160, 200))
    marked = rgba[..., 3] > 0
    assert 4 <= marked.sum() < 0.02 * marked.size
    difference = np.abs(rgba[..., :3] / 255.0 - flags)[marked]
    assert difference.mean() < 0.03


def test_strokes_depend_on_the_seed_alone(flags):
    for make in (
        lambda r: random_segment_strokes(flags, 3, r),
        lambda r: main_color_strokes(flags, 3, r),
    ):
        first, again, other = (make(np.random.default_rng(s)) for s in (7, 7, 8))
        assert first == again
        assert first != other


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_flat_pictures(value):
    flat = np.full((40, 50, 3), value, np.float32)
    for strokes in (
        random_segment_strokes(flat, 5, np.random.default_rng(0)),
        main_color_strokes(flat, 5, np.random.default_rng(0)),
    ):
        assert 1 <= len(strokes) <= 5
        assert rasterize(strokes, (40, 50))[..., 3].any()
