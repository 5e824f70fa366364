"""Strokes that mend a coloured picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import colordeploy
from colordeploy import Stroke
from colordeploy.errors import InputError
from colordeploy.methods.scribble import propagated_canvas as scribble_canvas
from colordeploy.pictures.color import chroma_of, compose_lab, lab_of, lightness_of_gray, luma_of

SIDE = 96


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """Three objects of different luma on a ground, with some noise."""
    rng = np.random.default_rng(5)
    gray = np.full((SIDE, SIDE + 32), 60.0)
    gray[10:45, 10:50] = 130
    gray[10:45, 70:120] = 190
    gray[55:90, 30:100] = 230
    return np.clip(gray + rng.normal(0, 1, gray.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def base(photo: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(6)
    ab = np.zeros((*photo.shape, 2), np.float32) + rng.normal(0, 2, (*photo.shape, 2))
    ab[10:45, 10:50] += (30, 20)
    ab[55:90] += (-20, 20)
    light = lightness_of_gray(photo / np.float32(255))
    return compose_lab(light, ab.astype(np.float32))


@pytest.fixture(scope="module", params=["levin", "lga"])
def canvas(request: pytest.FixtureRequest, photo: np.ndarray):
    with colordeploy.load(request.param, device="cpu", threads=1) as model:
        yield model.prepare(photo, size="native")


STROKE = Stroke([(27, 85), (27, 105)], "#98acd8", 4)


def test_without_a_stroke_the_base_stays_to_the_bit(canvas, base, tmp_path):
    blank = np.zeros((*base.shape[:2], 4), np.uint8)
    Image.fromarray(base).save(tmp_path / "base.png")
    for strokes in ([], blank):
        for given in (base, Image.fromarray(base), tmp_path / "base.png"):
            assert np.array_equal(canvas.render(strokes, base=given), base)


def test_every_colour_is_a_base_to_the_bit():
    rng = np.random.default_rng(7)
    colors = rng.integers(0, 256, (256, 256, 3), np.uint8)
    corners = np.array(np.meshgrid(*[[0, 1, 254, 255]] * 3)).reshape(3, -1).T
    colors[0, :64] = corners
    with colordeploy.load("levin", device="cpu") as model:
        assert np.array_equal(model.prepare(colors).render([], base=colors), colors)


def test_chroma_alone_is_a_base_with_the_pictures_lightness(canvas, photo, base):
    ab = lab_of(base / np.float32(255))[..., 1:]
    mended = canvas.render([], base=ab)
    assert np.abs(mended.astype(int) - base).max() <= 1


def test_a_stroke_has_its_colour_exactly(canvas, base):
    mended = canvas.render([STROKE], base=base)
    there = mended[27, 88:102] / np.float32(255)
    wanted = chroma_of(np.array(STROKE.rgb(), np.float32) / 255)
    assert np.abs(chroma_of(there) - wanted).max() < 1.5 / 255  # rounded to eight bits
    assert np.abs(luma_of(mended) - luma_of(base)).max() < 1 / 255


def test_a_stroke_recolours_its_object_and_nothing_beyond(canvas, base):
    mended = canvas.render([STROKE], base=base, reach=0.6)
    change = np.abs(mended.astype(int) - base).max(axis=2)
    inside = np.zeros(change.shape, bool)
    inside[10:45, 70:120] = True
    wanted = np.abs(canvas.render([STROKE], base=base)[27, 90].astype(int) - base[27, 90]).max()
    assert change[12:43, 72:118].min() > 0.6 * wanted
    assert change[~inside].mean() < 1.0


def test_reach_says_how_far(canvas, base):
    changes = [
        np.abs(canvas.render([STROKE], base=base, reach=reach).astype(int) - base).sum()
        for reach in (0.0, 0.2, 0.5, 1.0)
    ]
    assert changes == sorted(changes)
    assert changes[0] < changes[-1] / 4
    alone = canvas.render([STROKE], base=base, reach=0)
    assert np.array_equal(alone[60:], base[60:])
    assert np.array_equal(alone[:, :70], base[:, :70])


def test_parts_are_bits_of_the_whole(canvas, base):
    whole = canvas.render([STROKE], base=base)
    part = canvas.render([STROKE], base=base, region=(5, 60, 50, 123))
    assert np.array_equal(part, whole[5:50, 60:123])
    out = np.zeros_like(whole)
    assert canvas.render([STROKE], base=base, out=out) is out
    assert np.array_equal(out, whole)
    deep = canvas.render([STROKE], base=base, output="rgb16")
    assert np.abs(deep / 257.0 - whole).max() < 0.51
    gray = canvas.render([STROKE], base=base, saturation=0)
    assert np.ptp(gray.astype(int), axis=2).max() <= 1
    preview = canvas.render([STROKE], base=base, size=48)
    assert preview.shape == (48, 64, 3)
    shrunk = np.asarray(Image.fromarray(whole).resize((64, 48), Image.Resampling.BICUBIC))
    assert np.abs(preview.astype(int) - shrunk).mean() < 3


def test_a_larger_picture_keeps_the_detail_of_its_base(photo, base):
    large = np.kron(photo, np.ones((3, 3), np.uint8))
    rng = np.random.default_rng(8)
    detailed = np.kron(base, np.ones((3, 3, 1), np.uint8))
    detailed = np.clip(detailed + rng.integers(-8, 9, detailed.shape), 0, 255).astype(np.uint8)
    with colordeploy.load("levin", device="cpu") as model:
        canvas = model.prepare(large, size=96)
        assert np.array_equal(canvas.render([], base=detailed), detailed)
        mended = canvas.render([Stroke([(81, 255), (81, 315)], "#98acd8", 12)], base=detailed)
    far = np.abs(mended.astype(int) - detailed)[180:]
    assert far.mean() < 0.5
    assert np.abs(mended.astype(int) - detailed)[60:100, 240:330].mean() > 10


def test_a_base_is_known_by_what_it_holds(canvas, base):
    own = base.copy()
    first = canvas.render([STROKE], base=own)
    own[60:] = 255 - own[60:]
    again = canvas.render([STROKE], base=own)
    assert not np.array_equal(first[60:], again[60:])
    held = canvas.nbytes
    canvas.render([STROKE], base=own, reach=0.3)
    assert canvas.nbytes < held * 1.5


def test_a_picture_is_known_again_without_being_read(canvas, base, monkeypatch):
    picture = colordeploy.Picture(base)
    first = canvas.render([STROKE], base=picture)
    assert np.array_equal(first, canvas.render([STROKE], base=base))
    canvas.render([STROKE], base=picture)
    monkeypatch.setattr(scribble_canvas, "read_base", None)  # would fail if it were called
    other = Stroke([(20, 20), (20, 40)], "#3050c0", 5)
    canvas.render([other], base=picture)


def test_what_cannot_be_a_base(canvas, base):
    with pytest.raises(InputError, match="same size"):
        canvas.render([], base=base[:-1])
    with pytest.raises(InputError, match="same size"):
        canvas.render([], base=np.zeros((4, 4, 2), np.float32))
    with pytest.raises(InputError, match="finite"):
        canvas.render([], base=np.full((*base.shape[:2], 2), np.nan))
    for reach in (-0.1, 1.1, float("nan"), "far", True):
        with pytest.raises(InputError, match="reach must be"):
            canvas.render([STROKE], base=base, reach=reach)
    with pytest.raises(InputError, match="no mark"):
        canvas.render([])


def test_a_mended_picture_can_be_cancelled(canvas, base):
    token = colordeploy.CancelToken()
    token.cancel()
    with pytest.raises(colordeploy.errors.Cancelled):
        canvas.render([STROKE], base=base, reach=0.77, cancel=token)
    assert canvas.render([STROKE], base=base, reach=0.77).shape == base.shape
