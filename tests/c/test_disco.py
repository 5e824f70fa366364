"""disco through C: anchors and pictures are Python's, to the last bit."""

from __future__ import annotations

from ctypes import byref, c_size_t, c_uint8

import numpy as np
import pytest

import colordeploy
from colordeploy import Anchor

from .library import LABF, RGB8, RGB16, Failure, anchors_of
from .library import Anchor as Handed


@pytest.fixture(scope="module")
def models(library):
    with (
        library.load("disco") as model,
        colordeploy.load("disco", backend="onnxruntime", device="cpu") as other,
    ):
        yield model, other


@pytest.fixture(scope="module")
def canvases(models, photo):
    model, other = models
    with model.prepare(photo) as canvas:
        yield canvas, other.prepare(photo)


def same(handed, expected):
    assert [(a.y, a.x, a.a, a.b) for a in handed] == [(a.y, a.x, *a.ab) for a in expected]
    for ours, theirs in zip(handed, expected, strict=True):
        assert ours.lightness == theirs.lightness
        count = ours.candidate_count
        candidates = [((c.a, c.b), c.probability) for c in ours.candidates[:count]]
        assert candidates == list(theirs.candidates)


@pytest.mark.parametrize("sample", range(10))
def test_anchors(canvases, sample):
    canvas, expected = canvases
    same(canvas.anchors(sample), expected.diverse_anchors(sample))


def test_numbers_and_seeds(models, photo):
    model, other = models
    for count, seed in ((1, 0), (5, 7), (100000, 2**64 - 1)):
        with model.prepare(photo[:100, :130], anchors=count, seed=seed) as canvas:
            expected = other.prepare(photo[:100, :130], anchors=count, seed=seed)
            same(canvas.anchors(0), expected.anchors)


@pytest.mark.parametrize("relocate", [False, True])
def test_anchors_from_a_picture(canvases, photo, relocate):
    canvas, expected = canvases
    other = np.ascontiguousarray(photo[::-1])
    same(canvas.anchors_from(other, relocate), expected.anchors_from(other, relocate=relocate))


@pytest.mark.parametrize("format", [RGB8, RGB16, LABF])
def test_automatic(canvases, format):
    canvas, expected = canvases
    output = {RGB8: "rgb8", RGB16: "rgb16", LABF: "lab"}[format]
    np.testing.assert_array_equal(
        canvas.anchored(None, format=format), expected.render(output=output)
    )


@pytest.mark.parametrize("sample", [1, 4])
def test_samples(canvases, sample):
    canvas, expected = canvases
    np.testing.assert_array_equal(canvas.anchored(None, sample), expected.render(sample=sample))


def test_edited_anchors(canvases):
    canvas, expected = canvases
    wanted = [Anchor(40.5, 60.25, (30.0, -20.0)), Anchor(300, 470, (-25.5, 33.0))]
    np.testing.assert_array_equal(
        canvas.anchored(anchors_of(wanted), region=(20, 30, 200, 220)),
        expected.render(wanted, region=(20, 30, 200, 220)),
    )
    np.testing.assert_array_equal(
        canvas.anchored(anchors_of(wanted), short_side=99, saturation=1.7),
        expected.render(wanted, size=99, saturation=1.7),
    )


@pytest.mark.parametrize("form", ["gray", "floats", "words", "gray floats"])
def test_pictures_of_every_form(models, photo, form):
    model, other = models
    picture = {
        "gray": photo[..., 1],
        "floats": (photo / np.float32(255)).astype(np.float32),
        "words": photo.astype(np.uint16) * 257,
        "gray floats": np.ascontiguousarray(photo[..., 0] / np.float32(255)),
    }[form]
    with model.prepare(picture, short_side=128) as canvas:
        np.testing.assert_array_equal(
            canvas.anchored(None), other.prepare(picture, size=128).render()
        )


def test_wrong_anchors(canvases, photo):
    canvas, _ = canvases
    for anchors, word in (
        ([Anchor(-1, 0, (0.0, 0.0))], "outside the picture"),
        ([Anchor(5, 5, (200.0, 0.0))], "no colour of sRGB"),
        ([Anchor(5, 5, (float("nan"), 0.0))], "chroma of an anchor"),
        ([], "no anchors"),
    ):
        with pytest.raises(Failure, match=word):
            canvas.anchored(anchors_of(anchors))
    with pytest.raises(Failure, match="leave anchors out"):
        canvas.anchored(anchors_of([Anchor(5, 5, (0.0, 0.0))]), 1)
    for sample in (-1, 10):
        with pytest.raises(Failure, match="sample"):
            canvas.anchors(sample)
    with pytest.raises(Failure, match="must be in colour"):
        canvas.anchors_from(photo[..., 0], False)
    with pytest.raises(Failure, match="360x480"):
        canvas.anchors_from(photo[:20], False)


def test_no_more_than_there_is_room_for(canvases):
    canvas, _ = canvases
    room = (Handed * 3)()
    count = c_size_t()
    canvas.library.call("cd_anchors", canvas.handle, 0, room, c_size_t(2), byref(count))
    assert count.value == 8
    assert room[1].candidate_count == 10
    assert room[2].candidate_count == 0
    canvas.library.call("cd_anchors", canvas.handle, 0, None, c_size_t(0), byref(count))
    assert count.value == 8


def test_the_colour_to_show(canvases):
    canvas, expected = canvases
    for ours, theirs in zip(canvas.anchors(2), expected.diverse_anchors(2), strict=True):
        rgb = (c_uint8 * 3)()
        canvas.library.lab_color(ours.lightness, ours.a, ours.b, rgb)
        assert tuple(rgb) == theirs.color


def test_at_least_one_anchor_is_asked_for(models, photo):
    model, _ = models
    with pytest.raises(Failure, match="anchors must be at least 1"):
        model.prepare(photo, anchors=0)
