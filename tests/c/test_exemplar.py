"""sscn through C: pictures are Python's, to the last bit."""

from __future__ import annotations

from ctypes import byref, c_int32, c_size_t, c_uint64

import numpy as np
import pytest

import colordeploy

from .library import (
    LABF,
    RGB8,
    RGB16,
    Cancel,
    Failure,
    Handle,
    PrepareOptions,
    Sized,
    image_of,
)


class Selection(Sized):
    _fields_ = (
        ("size", c_size_t), ("k", c_int32), ("r", c_int32), ("seed", c_uint64),
        ("coarse", c_int32),
    )  # fmt: skip

    def __init__(self, **values):
        super().__init__(**{"k": -1, "r": -1, **values})


class Reference(Handle):
    free = "cd_reference_free"

    def __init__(self, model, picture, reversed_=False, **options):
        given = PrepareOptions(**options)
        image = image_of(picture, reversed_)
        library = model.library
        made = library.made("cd_encode_reference", model.handle, byref(image), byref(given))
        super().__init__(library, made)


def rendered(canvas, reference, selection=None, **options):
    given = None if selection is None else byref(Selection(**selection))
    return canvas.render("cd_render_reference", reference.handle, given, **options)


@pytest.fixture(scope="module")
def models(library):
    with (
        library.load("sscn") as model,
        colordeploy.load("sscn", backend="onnxruntime", device="cpu") as other,
    ):
        yield model, other


@pytest.fixture(scope="module")
def example(photo):
    """Another picture, whose colours are turned round."""
    return np.ascontiguousarray(photo[30:300, 400:40:-1, ::-1])


@pytest.fixture(scope="module")
def both(models, photo, example):
    model, other = models
    with model.prepare(photo) as canvas, Reference(model, example) as reference:
        yield canvas, reference, other.prepare(photo), other.encode_reference(example)


@pytest.mark.parametrize("format", [RGB8, RGB16, LABF])
def test_every_output(both, format):
    canvas, reference, expected, encoded = both
    output = {RGB8: "rgb8", RGB16: "rgb16", LABF: "lab"}[format]
    np.testing.assert_array_equal(
        rendered(canvas, reference, format=format), expected.render(encoded, output=output)
    )


@pytest.mark.parametrize(
    "chosen", [{"k": 7, "r": 0}, {"k": 0, "r": 31, "seed": 2**64 - 1}, {"seed": 5}, {"r": 3}]
)
def test_selections(both, chosen):
    canvas, reference, expected, encoded = both
    np.testing.assert_array_equal(
        rendered(canvas, reference, chosen), expected.render(encoded, **chosen)
    )


def test_the_first_stage_alone_parts_and_previews(both):
    canvas, reference, expected, encoded = both
    np.testing.assert_array_equal(
        rendered(canvas, reference, {"coarse": 1}), expected.render(encoded, coarse=True)
    )
    np.testing.assert_array_equal(
        rendered(canvas, reference, region=(20, 30, 200, 220), saturation=0.4),
        expected.render(encoded, region=(20, 30, 200, 220), saturation=0.4),
    )
    np.testing.assert_array_equal(
        rendered(canvas, reference, short_side=99), expected.render(encoded, size=99)
    )


@pytest.mark.parametrize("form", ["reversed", "floats", "words", "native", "small"])
def test_references_of_every_form(models, photo, example, form):
    model, other = models
    picture = {
        "floats": (example / np.float32(255)).astype(np.float32),
        "words": example.astype(np.uint16) * 257,
    }.get(form, example)
    size = {"native": "native", "small": 64}.get(form)
    short = {"native": -1, "small": 64}.get(form, 0)
    turned = form == "reversed"
    given = np.concatenate([picture[..., ::-1], np.full_like(picture[..., :1], 255)], axis=2)
    with (
        model.prepare(photo, short_side=128) as canvas,
        Reference(model, given if turned else picture, turned, short_side=short) as reference,
    ):
        encoded = other.encode_reference(picture, size=size)
        np.testing.assert_array_equal(
            rendered(canvas, reference), other.prepare(photo, size=128).render(encoded)
        )


def test_references_outlive_models(library, photo, example):
    model = library.load("sscn")
    reference, canvas = Reference(model, example), model.prepare(photo[:64, :64])
    model.close()
    first = rendered(canvas, reference)
    with library.load("sscn") as again, again.prepare(photo[:64, :64]) as other:
        np.testing.assert_array_equal(rendered(other, reference), first)
    reference.close()
    canvas.close()


def test_wrong_references(library, models, both, photo):
    model, _ = models
    canvas, reference, _, encoded = both
    with pytest.raises(Failure, match="input: the reference is gray"):
        Reference(model, photo[..., 0])
    with pytest.raises(Failure, match="the reference is gray"):
        Reference(model, np.repeat(photo[..., :1], 3, axis=2))
    with pytest.raises(Failure, match="at least 8x8 pixels, not 7x20"):
        Reference(model, photo[:7, :20])
    for chosen in ({"k": 0, "r": 0}, {"k": encoded.places + 1}, {"k": -2}):
        with pytest.raises(Failure, match="input: k"):
            rendered(canvas, reference, chosen)
    with (
        library.load("levin") as levin,
        pytest.raises(Failure, match="cd_encode_reference is not for a model of the method"),
    ):
        Reference(levin, photo)
    with pytest.raises(Failure, match="reference must not be NULL"):
        canvas.render("cd_render_reference", None, None)


def test_cancelling(library, models, photo):
    model, _ = models
    with Cancel(library) as cancel:
        cancel.set()
        with pytest.raises(Failure, match="cancelled"):
            Reference(model, photo, cancel=cancel.handle)
