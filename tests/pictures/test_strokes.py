from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from colordeploy.errors import InputError
from colordeploy.pictures.color import chroma_of
from colordeploy.pictures.strokes import (
    Stroke,
    constraints,
    constraints_of,
    rasterize,
    read_strokes,
)


def test_rasterize_draws_y_x_points():
    rgba = rasterize([Stroke([(5, 10), (5, 40)], (200, 30, 20), 3)], (20, 60))
    assert rgba.shape == (20, 60, 4)
    assert rgba.dtype == np.uint8
    assert rgba[5, 25].tolist() == [200, 30, 20, 255]
    rows = np.flatnonzero(rgba[:, 25, 3])
    assert rows.tolist() == [4, 5, 6]
    assert set(np.unique(rgba[..., 3])) == {0, 255}


def test_fractional_points_are_rounded():
    rgba = rasterize([Stroke([(10.6, 3.2), (10.6, 12.8)], "red", 1)], (20, 20))
    assert np.argwhere(rgba[..., 3]).tolist() == [[11, x] for x in range(3, 14)]


def test_a_dot_and_a_later_stroke_on_top():
    rgba = rasterize([Stroke([(8, 8)], "red", 9), Stroke([(8, 8)], "#0000ff", 1)], (17, 17))
    assert rgba[8, 8].tolist() == [0, 0, 255, 255]
    assert rgba[8, 5].tolist() == [255, 0, 0, 255]


@pytest.mark.parametrize(
    ("stroke", "word"),
    [
        (Stroke([], "red"), "point"),
        (Stroke([(np.nan, 1)], "red"), "finite"),
        (Stroke([(1, 2, 3)], "red"), "point"),
        (Stroke([(None, 2)], "red"), "point"),
        (Stroke((3, 3), "red"), "point"),
        (Stroke([(3, 3), (3, 1e12)], "red"), "point"),
        (Stroke([(1, 1)], (0.9, 0.1, 0.1)), "whole"),
        (Stroke([(1, 1)], None), "colour"),
        (Stroke([(1, 1)], "red", "thick"), "width"),
        (Stroke([(1, 1)], "red", 1e300), "width"),
        (Stroke([(1, 1)], "no-colour"), "no-colour"),
        (Stroke([(1, 1)], (1, 2)), "three"),
        (Stroke([(1, 1)], (0, 0, 300)), "0..255"),
        (Stroke([(1, 1)], "red", 0), "width"),
        ("red", "Stroke"),
    ],
)
def test_odd_strokes_are_refused(stroke, word):
    with pytest.raises(InputError, match=word):
        rasterize([stroke], (10, 10))


def test_every_form_reads_the_same(tmp_path):
    strokes = [Stroke([(3, 3), (10, 12)], "teal", 2)]
    rgba = rasterize(strokes, (16, 20))
    Image.fromarray(rgba).save(tmp_path / "s.png")
    for form in (strokes, rgba, Image.fromarray(rgba), tmp_path / "s.png", str(tmp_path / "s.png")):
        assert np.array_equal(read_strokes(form, (16, 20)), rgba)


def test_palette_png_with_transparency(tmp_path):
    rgba = rasterize([Stroke([(3, 3), (10, 12)], "teal", 2)], (16, 20))
    Image.fromarray(rgba).quantize(8).save(tmp_path / "s.png")
    assert np.array_equal(read_strokes(tmp_path / "s.png", (16, 20))[..., 3], rgba[..., 3])


def test_refusals(tmp_path):
    rgba = rasterize([Stroke([(3, 3)], "teal", 2)], (16, 20))
    with pytest.raises(InputError, match=r"20x16.*30x40"):
        read_strokes(rgba, (40, 30))
    with pytest.raises(InputError, match="no mark"):
        read_strokes(np.zeros((16, 20, 4), np.uint8), (16, 20))
    with pytest.raises(InputError, match="no mark"):
        read_strokes([], (16, 20))
    with pytest.raises(InputError, match="RGBA"):
        read_strokes(rgba[..., :3], (16, 20))
    with pytest.raises(InputError, match="RGBA"):
        read_strokes(rgba / 255.0, (16, 20))
    Image.fromarray(rgba[..., :3]).save(tmp_path / "s.png")
    with pytest.raises(InputError, match="transparency"):
        read_strokes(tmp_path / "s.png", (16, 20))
    with pytest.raises(InputError, match="no such file"):
        read_strokes(tmp_path / "missing.png", (16, 20))
    with pytest.raises(InputError, match="int"):
        read_strokes(5, (16, 20))


def test_constraints_keep_thin_strokes():
    rgba = np.zeros((1000, 1200, 4), np.uint8)
    rgba[500, 600] = (10, 200, 30, 255)
    marks = constraints(rgba, (50, 60))
    assert np.argwhere(marks.mask).tolist() == [[25, 30]]
    expected = chroma_of(np.array([10, 200, 30]) / 255)
    assert np.allclose(marks.chroma[25, 30], expected, atol=1e-6)
    assert not marks.chroma[~marks.mask].any()


def test_constraints_average_by_alpha():
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, 0] = (255, 0, 0, 255)
    rgba[1, 1] = (0, 0, 255, 170)
    marks = constraints(rgba, (1, 1))
    red, blue = chroma_of(np.array([[1.0, 0, 0], [0, 0, 1.0]]))
    assert np.allclose(marks.chroma[0, 0], 0.6 * red + 0.4 * blue, atol=1e-6)
    rgba[1, 1, 3] = 85  # a rim of the red stroke
    assert np.allclose(constraints(rgba, (1, 1)).chroma[0, 0], red, atol=1e-6)


def test_constraints_at_the_same_size():
    rgba = rasterize([Stroke([(3, 3), (10, 12)], "teal", 2)], (16, 20))
    assert np.array_equal(constraints(rgba, (16, 20)).mask, rgba[..., 3] > 0)


def test_every_form_gives_the_same_constraints(tmp_path, caplog):
    strokes = [Stroke([(3, 3), (10, 12)], "teal", 2), Stroke([(14, 2)], (200, 10, 0), 5)]
    rgba = rasterize(strokes, (16, 20))
    Image.fromarray(rgba).save(tmp_path / "s.png")
    expected = constraints(rgba, (5, 6))
    for form in (strokes, iter(strokes), rgba, Image.fromarray(rgba), tmp_path / "s.png"):
        found = constraints_of(form, (16, 20), (5, 6))
        assert np.array_equal(found.mask, expected.mask)
        assert np.array_equal(found.chroma, expected.chroma)
    assert not caplog.records


@pytest.mark.fault(48)
def test_strokes_outside_of_the_picture_are_said_to_be(caplog):
    inside, outside = Stroke([(3, 3)], "teal"), Stroke([(50, 3), (60, 9)], "red", 5)
    for read in (
        lambda strokes: read_strokes(strokes, (16, 20)),
        lambda strokes: constraints_of(strokes, (16, 20), (5, 6)),
    ):
        with pytest.raises(InputError, match=r"outside of the picture.*20x16"):
            read([outside])
        with pytest.raises(InputError, match="list is empty"):
            read([])
    constraints_of([inside, outside], (16, 20), (5, 6))
    assert "1 of 2 strokes lie outside" in caplog.text


def test_layers_without_a_mark_are_refused():
    for alpha in (0, 3):
        with pytest.raises(InputError, match="no mark"):
            constraints_of(np.full((16, 20, 4), alpha, np.uint8), (16, 20), (5, 6))
    with pytest.raises(InputError, match=r"20x16.*30x40"):
        constraints_of(np.full((16, 20, 4), 255, np.uint8), (40, 30), (5, 6))
    with pytest.raises(InputError, match="int"):
        constraints_of(5, (40, 30), (5, 6))
