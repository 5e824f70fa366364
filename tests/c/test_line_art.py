"""rasc through C: pictures, layers, regions and styles are Python's, to the last bit."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_float, c_int32, c_size_t, c_ssize_t, c_uint64, pointer

import numpy as np
import pytest

import colordeploy
from colordeploy import Stroke

from .library import (
    BGRA8,
    LABF,
    RGB8,
    RGB16,
    RGBA8,
    Cancel,
    Failure,
    Progress,
    Sized,
    Strokes,
    image_of,
    strokes_of,
)  # fmt: skip

PREDICTED, SEED, CODE, HINTS = range(4)


class Style(Sized):
    _fields_ = (
        ("size", c_size_t), ("kind", c_int32), ("seed", c_uint64), ("code", POINTER(c_float)),
        ("count", c_size_t), ("hints", POINTER(Strokes)), ("flat", c_int32),
    )  # fmt: skip


def style_of(style=None, hints=None, flat=False):
    """A style as Python takes it, as the library takes it."""
    given = {"kind": PREDICTED, "flat": int(flat)}
    if isinstance(style, str):
        given["kind"] = HINTS
    elif isinstance(style, int):
        given |= {"kind": SEED, "seed": style}
    elif style is not None:
        code = np.ascontiguousarray(style, np.float32)
        values = (c_float * len(code))(*code)
        given |= {"kind": CODE, "code": values, "count": len(code)}
    if isinstance(hints, list):
        lines = strokes_of([(s.points, s.width, s.color) for s in hints])
        given["hints"] = pointer(lines)
    elif hints is not None:
        given["hints"] = pointer(Strokes(layer=pointer(image_of(hints))))
    return Style(**given)


def rendered(canvas, style=None, hints=None, flat=False, **options):
    given = style_of(style, hints, flat)
    return canvas.render("cd_render_style", byref(given), **options)


def code_of(canvas, kind, seed=0):
    count = c_size_t()
    arguments = canvas.handle, c_int32(kind), c_uint64(seed)
    canvas.library.call("cd_style_code", *arguments, None, c_size_t(0), byref(count))
    code = np.zeros(count.value, np.float32)
    room = code.ctypes.data_as(POINTER(c_float))
    canvas.library.call("cd_style_code", *arguments, room, count, byref(count))
    return code


def regions_of(canvas):
    info = canvas.info()
    labels = np.zeros((info.height, info.width), np.int32)
    rows = labels.ctypes.data_as(POINTER(c_int32)), c_ssize_t(labels.strides[0])
    canvas.library.call("cd_regions", canvas.handle, *rows)
    return labels


@pytest.fixture(scope="module")
def drawing():
    """(280, 380) uint8: a grid of boxes, open circles and a diagonal, as pens draw them."""
    page = np.full((280, 380), 255, np.uint8)
    page[40:240:50, 20:360] = 30
    page[40:241, 20:360:85] = 30
    y, x = np.mgrid[:280, :380]
    ring = np.abs(np.hypot(y - 115, x - 150) - 45) < 1.6
    page[ring & ~((x > 190) & (np.abs(y - 115) < 4))] = 60
    page[np.abs(y - 0.6 * x - 10) < 1.2] = 90
    return page


@pytest.fixture(scope="module")
def models(library):
    with (
        library.load("rasc") as model,
        colordeploy.load("rasc", backend="onnxruntime", device="cpu") as other,
    ):
        yield model, other


@pytest.fixture(scope="module")
def canvases(models, drawing):
    model, other = models
    with model.prepare(drawing) as canvas:
        yield canvas, other.prepare(drawing)


def dabs():
    return [
        Stroke([(60, 60), (75, 80)], (200, 30, 40), 9),
        Stroke([(110, 150)], (20, 90, 220), 14),
        Stroke([(130, 60)], (240, 200, 10), 6),
        Stroke([(120, 30), (132, 33)], (10, 200, 10), 5),
    ]


@pytest.fixture(scope="module")
def layer(drawing):
    """Soft dabs on a layer, two of them in one region."""
    rgba = np.zeros((*drawing.shape, 4), np.uint8)
    y, x = np.mgrid[: drawing.shape[0], : drawing.shape[1]]
    for row, column, color in ((65, 70, (250, 20, 20)), (205, 300, (30, 30, 240)),
                               (215, 340, (20, 160, 60)), (115, 150, (120, 20, 160))):  # fmt: skip
        soft = np.clip(9 - np.hypot(y - row, x - column), 0, 1)
        rgba[soft > 0, :3] = color
        rgba[..., 3] = np.maximum(rgba[..., 3], (255 * soft).astype(np.uint8))
    return rgba


def test_regions_and_codes(canvases):
    canvas, expected = canvases
    assert np.array_equal(regions_of(canvas), expected.regions)
    assert np.array_equal(code_of(canvas, PREDICTED), expected.style)
    for seed in (0, 3, 2**32 - 1, 2**32, 2**64 - 1):
        assert np.array_equal(code_of(canvas, SEED, seed), expected.random_style(seed))


@pytest.mark.parametrize("format", [RGB8, RGB16, LABF])
@pytest.mark.parametrize("flat", [False, True])
def test_the_predicted_style(canvases, format, flat):
    canvas, expected = canvases
    output = {RGB8: "rgb8", RGB16: "rgb16", LABF: "lab"}[format]
    np.testing.assert_array_equal(
        rendered(canvas, flat=flat, format=format), expected.render(flat=flat, output=output)
    )


@pytest.mark.parametrize("form", ["seed", "code", "hints", "lines", "layer", "all"])
def test_styles_and_hints(canvases, layer, form):
    canvas, expected = canvases
    mixed = 0.4 * expected.random_style(1) + 0.6 * expected.style
    style, hints = {
        "seed": (5, None), "code": (mixed, None), "hints": ("hints", None),
        "lines": (None, dabs()), "layer": ("hints", layer), "all": (8, layer),
    }[form]  # fmt: skip
    np.testing.assert_array_equal(rendered(canvas, style, hints), expected.render(style, hints))
    np.testing.assert_array_equal(
        rendered(canvas, style, hints, region=(30, 40, 200, 333), saturation=1.6),
        expected.render(style, hints, region=(30, 40, 200, 333), saturation=1.6),
    )
    np.testing.assert_array_equal(
        rendered(canvas, style, hints, short_side=111), expected.render(style, hints, size=111)
    )


@pytest.mark.parametrize("format", [RGBA8, BGRA8])
@pytest.mark.parametrize("colored", [False, True])
def test_layers(models, drawing, layer, format, colored):
    model, other = models
    page = drawing
    if colored:  # ink of a colour
        page = np.stack([drawing, drawing // 2 + 127, drawing], axis=-1)
    lines, colors = (np.zeros((*drawing.shape, 4), np.uint8) for _ in range(2))
    with model.prepare(page) as canvas:
        targets = [image_of(array, format=format) for array in (lines, colors)]
        canvas.library.call(
            "cd_render_layers", canvas.handle, byref(style_of(3, layer)), None,
            *(byref(target) for target in targets),
        )  # fmt: skip
        preview = rendered(canvas, short_side=90)
    expected = other.prepare(page)
    order = [2, 1, 0, 3] if format == BGRA8 else [0, 1, 2, 3]
    for found, wanted in zip((lines, colors), expected.layers(3, layer), strict=True):
        np.testing.assert_array_equal(found[..., order], wanted)
    np.testing.assert_array_equal(preview, expected.render(size=90))


def previews_are_equal(canvas, expected):
    info = canvas.info()
    small = np.zeros((info.working_height, info.working_width, 3), np.uint8)
    for style in (None, 4):
        canvas.library.call(
            "cd_style_preview", canvas.handle, byref(style_of(style)), None, byref(image_of(small))
        )
        np.testing.assert_array_equal(small, expected.preview(style))


def test_a_preview_of_a_style(canvases):
    previews_are_equal(*canvases)


@pytest.mark.parametrize("form", ["colour", "floats", "words", "dark", "large", "native", "lines"])
def test_drawings_of_every_form(models, drawing, form):
    model, other = models
    page = {
        "colour": np.stack([drawing, drawing, drawing // 2 + 127], axis=-1),
        "floats": np.ascontiguousarray(drawing / np.float32(255)),
        "words": drawing.astype(np.uint16) * 257,
        "dark": 255 - drawing,
        "large": drawing.repeat(3, 0).repeat(3, 1),
        "lines": np.where(np.arange(9)[:, None] == 4, np.uint8(0), np.full((9, 70), 255, np.uint8)),
    }.get(form, drawing)
    short, size = {"native": (-1, "native"), "large": (512, 512)}.get(form, (0, None))
    with model.prepare(page, short_side=short) as canvas:
        expected = other.prepare(page, size=size)
        assert np.array_equal(regions_of(canvas), expected.regions)
        np.testing.assert_array_equal(rendered(canvas), expected.render())
        np.testing.assert_array_equal(rendered(canvas, 2), expected.render(2))


def test_radii(models, drawing):
    model, other = models
    for radii in ((0,), (7, 2)):
        given = (c_int32 * len(radii))(*radii)
        with model.prepare(drawing, radii=given, radius_count=len(radii)) as canvas:
            assert np.array_equal(regions_of(canvas), other.prepare(drawing, radii=radii).regions)
    with pytest.raises(Failure, match="radii must be decreasing"):
        model.prepare(drawing, radii=(c_int32 * 2)(1, 2), radius_count=2)
    with pytest.raises(Failure, match="between 0 and 31"):
        model.prepare(drawing, radii=(c_int32 * 2)(32, 2), radius_count=2)


@pytest.fixture(scope="module")
def strip(drawing):
    """(684, 180) uint8: three pages, of two sizes of drawings."""
    page = np.full((228, 180), 255, np.uint8)
    page[10:212] = drawing[39:241, 100:280]
    other = np.full((228, 180), 255, np.uint8)
    other[20:120, 30:160] = drawing[39:139, 20:150]
    return np.concatenate([page, other, page[:, ::-1]])


@pytest.fixture(scope="module")
def strips(models, strip):
    model, other = models
    with model.prepare(strip) as canvas:
        yield canvas, other.prepare(strip)


def test_a_strip_is_coloured_page_by_page(models, strips, strip):
    canvas, expected = strips
    model, _ = models
    info = canvas.info()
    assert (info.working_height, info.working_width) == expected.working_size
    assert info.bytes > strip.nbytes
    whole = rendered(canvas)
    np.testing.assert_array_equal(whole, expected.render())
    with model.prepare(strip[:228]) as page:
        np.testing.assert_array_equal(whole[:228], rendered(page))
    assert np.array_equal(regions_of(canvas), expected.regions)
    assert np.array_equal(code_of(canvas, PREDICTED), expected.style)
    for region in ((100, 10, 500, 90), (230, 0, 240, 180)):
        np.testing.assert_array_equal(
            rendered(canvas, 3, region=region), expected.render(3, region=region)
        )
    with pytest.raises(Failure, match="numbers, not 3"):
        rendered(canvas, np.ones(3))


@pytest.mark.parametrize("format", [RGB8, RGB16, LABF])
def test_a_small_strip(strips, format):
    canvas, expected = strips
    output = {RGB8: "rgb8", RGB16: "rgb16", LABF: "lab"}[format]
    np.testing.assert_array_equal(
        rendered(canvas, 2, short_side=97, format=format),
        expected.render(2, size=97, output=output),
    )


@pytest.mark.parametrize("form", ["floats", "colour", "words"])
def test_strips_of_every_form(models, strip, form):
    model, other = models
    page = {
        "floats": np.ascontiguousarray(strip / np.float32(255)),
        "colour": np.stack([strip, strip, strip // 2 + 127], axis=-1),
        "words": strip.astype(np.uint16) * 257,
    }[form]
    with model.prepare(page) as canvas:
        np.testing.assert_array_equal(rendered(canvas), other.prepare(page).render())


def test_hints_and_layers_of_a_strip(strips, strip):
    canvas, expected = strips
    hints = [Stroke([(300, 60), (310, 70)], (200, 30, 40), 9), Stroke([(600, 90)], (9, 99, 9), 7)]
    np.testing.assert_array_equal(rendered(canvas, 1, hints), expected.render(1, hints))
    rgba = np.zeros((*strip.shape, 4), np.uint8)
    rgba[40:44, 60:64] = 20, 90, 220, 255
    lines, colors = (np.zeros((*strip.shape, 4), np.uint8) for _ in range(2))
    canvas.library.call(
        "cd_render_layers", canvas.handle, byref(style_of(None, rgba)), None,
        byref(image_of(lines, format=RGBA8)), byref(image_of(colors, format=RGBA8)),
    )  # fmt: skip
    for found, wanted in zip((lines, colors), expected.layers(None, rgba), strict=True):
        np.testing.assert_array_equal(found, wanted)
    for nothing in ([], np.zeros((*strip.shape, 4), np.uint8)):
        with pytest.raises(Failure, match="strokes hold no mark"):
            rendered(canvas, 1, nothing)
    with pytest.raises(Failure, match="180x684"):
        rendered(canvas, 1, rgba[1:])


def test_a_preview_of_a_strip(strips):
    previews_are_equal(*strips)


def test_a_strip_is_cancelled_between_pages(library, strips):
    canvas, _ = strips
    seen = []
    with Cancel(library) as cancel:

        def progress(user, done, what):
            seen.append(what.decode())
            if what == b"page 2":
                cancel.set()

        with pytest.raises(Failure, match="cancelled"):
            rendered(canvas, 6, cancel=cancel.handle, progress=Progress(progress))
    assert "page 2" in seen
    assert "page 3" not in seen


def test_what_cannot_be_used_is_said(models, canvases, drawing, photo):
    model, _ = models
    canvas, expected = canvases
    with pytest.raises(Failure, match="input: the picture is empty, or noise alone"):
        model.prepare(np.full((90, 90), 200, np.uint8))
    count = len(expected.style)
    for code, word in (
        (np.ones(3), f"a style code has {count} numbers, not 3"),
        (np.zeros(count), "not all zero"),
        (np.full(count, np.nan), "finite"),
    ):
        with pytest.raises(Failure, match=word):
            rendered(canvas, code)
    with pytest.raises(Failure, match="strokes hold no mark"):
        rendered(canvas, None, np.zeros((*drawing.shape, 4), np.uint8))
    with pytest.raises(Failure, match="380x280"):
        rendered(canvas, None, np.zeros((20, 20, 4), np.uint8))
    odd = Style(kind=9)
    with pytest.raises(Failure, match="no cd_style_kind"):
        canvas.render("cd_render_style", byref(odd))
    with pytest.raises(Failure, match="style->code must not be NULL"):
        canvas.render("cd_render_style", byref(Style(kind=CODE, count=count)))
    rgb = image_of(np.zeros((*drawing.shape, 3), np.uint8))
    with pytest.raises(Failure, match="CD_RGBA8 or CD_BGRA8"):
        canvas.library.call("cd_render_layers", canvas.handle, None, None, byref(rgb), byref(rgb))
    with pytest.raises(Failure, match="cd_render_strokes is not for a canvas of the method 'rasc'"):
        canvas.lines([([(5, 5)], 3, (1, 2, 3))])
    assert ctypes.sizeof(Style) == 56
