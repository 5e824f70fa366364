"""How far colours jump: what follows the picture does not, and strokes go where it goes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from colordeploy import Stroke
from colordeploy.pictures.strokes import constraints, rasterize
from export.evaluation.jumps import CHANGES, NEIGHBOURS, jumps_of

STROKES = [Stroke([(40, 30), (40, 60)], "#d04020", 9), Stroke([(90, 120)], "#2040c0", 13)]


@pytest.fixture(scope="module")
def picture():
    noise = gaussian_filter(np.random.default_rng(0).normal(size=(128, 160, 3)), (4, 4, 0))
    return Image.fromarray((128 + 900 * noise).clip(0, 255).astype(np.uint8))


def of_the_pixels(picture, strokes):
    rgb = np.asarray(picture, np.float32)
    return rgb[..., :2] - rgb[..., 2:]


def of_the_strokes(picture, strokes):
    shape = picture.height, picture.width
    return constraints(rasterize(strokes, shape), shape).chroma.astype(np.float32) * 100


def by_place(picture, strokes):
    y, x = np.mgrid[: picture.height, : picture.width].astype(np.float32)
    return np.stack([x, y], axis=-1)


def test_colours_of_the_pixels_do_not_move(picture):
    found = jumps_of(picture, of_the_pixels)
    assert found.keys() == {*CHANGES, NEIGHBOURS}
    for name in ("cropped by 1", "cropped by 8", "mirrored", NEIGHBOURS):
        assert found[name] == 0, name
    assert 0 < found["JPEG 95"] < found["JPEG 60"]
    assert found["one level brighter"] < 0.1


def test_strokes_stay_on_the_content(picture):
    found = jumps_of(picture, of_the_strokes, STROKES)
    whole = np.linalg.norm(of_the_strokes(picture, STROKES), axis=-1).mean()
    assert whole > 0.5
    for name, distance in found.items():
        assert distance < (0.15 * whole if name.startswith("size") else 1e-6), name


def test_colours_by_place_are_found_to_jump(picture):
    found = jumps_of(picture, by_place)
    assert found["cropped by 8"] == pytest.approx(8 * 2**0.5, rel=1e-4)
    assert found[NEIGHBOURS] == pytest.approx(1.0, rel=1e-4)
    assert found["mirrored"] > 50
