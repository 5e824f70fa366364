"""levin and lga through C: the pictures are Python's, to the last bit."""

from __future__ import annotations

import threading
from ctypes import byref, pointer

import numpy as np
import pytest

import colordeploy
from colordeploy import Stroke

from .library import (
    ABF,
    BGRA8,
    BGRAF,
    GRAY8,
    LABF,
    RGB8,
    RGB16,
    RGBA8,
    RGBA16,
    Cancel,
    Failure,
    Progress,
    Strokes,
    image_of,
    strokes_of,
)  # fmt: skip

METHODS = ("levin", "lga")
STROKES = [Stroke([(20, 30), (60, 90)], (10, 200, 30), 5), Stroke([(300, 300)], (200, 20, 30), 12)]
LINES = [(stroke.points, stroke.width, stroke.color) for stroke in STROKES]
OUTPUTS = [(RGB8, "rgb8"), (RGB16, "rgb16"), (LABF, "lab")]


@pytest.fixture(scope="module", params=METHODS)
def models(request, library):
    backend = "auto" if request.param == "levin" else "onnxruntime"
    with (
        library.load(request.param) as model,
        colordeploy.load(request.param, backend=backend, device="cpu") as other,
    ):
        yield model, other


@pytest.fixture(scope="module")
def canvases(models, photo):
    model, other = models
    with model.prepare(photo) as canvas:
        yield canvas, other.prepare(photo)


def words(photo):
    return (photo.astype(np.uint16) * 257) ^ 0x155


def floats(photo):
    return (words(photo) / np.float32(65535)).astype(np.float32)


FORMS = {
    "rgb8": lambda photo: photo,
    "gray8": lambda photo: photo[..., 1],
    "rgb16": words,
    "gray16": lambda photo: words(photo)[..., 1],
    "rgb float": floats,
    "gray float": lambda photo: floats(photo)[..., 1],
    "upside down": lambda photo: photo[::-1],
    "mirrored": lambda photo: photo[:, ::-1],
    "every second": lambda photo: photo[::2, ::2],
    "rows of columns": lambda photo: np.asfortranarray(photo[..., 1]),
}


@pytest.mark.parametrize("form", FORMS)
def test_pictures_of_every_form(models, photo, form):
    model, other = models
    picture = FORMS[form](photo)
    with model.prepare(picture) as canvas:
        ours = canvas.lines(LINES)
    np.testing.assert_array_equal(ours, other.prepare(picture).render(STROKES))


@pytest.mark.parametrize("short_side", [0, 64, 200, -1])
def test_working_sizes(models, photo, short_side):
    model, other = models
    size = {-1: "native", 0: None}.get(short_side, short_side)
    picture = photo[:150, :170]
    expected = other.prepare(picture, size=size)
    with model.prepare(picture, short_side=short_side) as canvas:
        info = canvas.info()
        assert (info.working_height, info.working_width) == expected.working_size
        np.testing.assert_array_equal(canvas.lines(LINES[:1]), expected.render(STROKES[:1]))


@pytest.mark.parametrize(("format", "output"), OUTPUTS)
def test_layers_and_outputs(canvases, layer, format, output):
    canvas, expected = canvases
    np.testing.assert_array_equal(
        canvas.strokes(layer, format=format), expected.render(layer, output=output)
    )


@pytest.mark.parametrize("region", [(0, 0, 360, 480), (10, 20, 11, 21), (100, 7, 260, 330)])
def test_rectangles(canvases, region):
    canvas, expected = canvases
    y0, x0, y1, x1 = region
    whole = canvas.lines(LINES)
    part = canvas.lines(LINES, region=region)
    np.testing.assert_array_equal(part, whole[y0:y1, x0:x1])
    np.testing.assert_array_equal(part, expected.render(STROKES, region=region))


def test_previews_and_saturation(canvases):
    canvas, expected = canvases
    assert canvas.size(short_side=90) == (90, 120)
    for saturation in (0.0, 0.5, 2.0):
        np.testing.assert_array_equal(
            canvas.lines(LINES, short_side=90, saturation=saturation),
            expected.render(STROKES, size=90, saturation=saturation),
        )


def test_alpha_and_what_lies_between_stay(canvases):
    canvas, _ = canvases
    whole = canvas.lines(LINES)
    wide = np.full((360, 500, 4), 7, np.uint8)
    canvas.lines(LINES, out=wide[:, 10:490], format=RGBA8)
    np.testing.assert_array_equal(wide[:, 10:490, :3], whole)
    assert (wide[..., 3] == 7).all()
    assert (wide[:, :10] == 7).all()
    assert (wide[:, 490:] == 7).all()


def test_blue_first_and_upside_down(canvases, layer):
    canvas, _ = canvases
    whole = canvas.strokes(layer)
    target = np.zeros((360, 480, 4), np.uint8)
    turned = np.ascontiguousarray(layer[..., [2, 1, 0, 3]])
    given = Strokes(layer=pointer(image_of(turned, True)))
    canvas.render("cd_render_strokes", byref(given), None, out=target[::-1], format=BGRA8)
    np.testing.assert_array_equal(target[::-1, :, 2::-1], whole)


def test_words_with_alpha(canvases):
    canvas, _ = canvases
    target = np.zeros((360, 480, 4), np.uint16)
    canvas.lines(LINES, out=target, format=RGBA16)
    np.testing.assert_array_equal(target[..., :3], canvas.lines(LINES, format=RGB16))


def test_transparent_pictures_lie_over_white(models, photo):
    model, other = models
    alpha = np.linspace(0, 255, photo.shape[1]).astype(np.uint8)
    given = np.dstack([photo, np.broadcast_to(alpha, photo.shape[:2])])
    cover = alpha[:, None].astype(int)
    over = ((photo * cover + 255 * (255 - cover) + 127) // 255).astype(np.uint8)
    with model.prepare(np.ascontiguousarray(given)) as canvas:
        np.testing.assert_array_equal(canvas.lines(LINES), other.prepare(over).render(STROKES))
    bgra = np.ascontiguousarray(given[..., [2, 1, 0, 3]]).astype(np.float32) / np.float32(255)
    assert image_of(bgra, True).format == BGRAF
    with model.prepare(bgra, True) as canvas:
        assert (
            np.abs(canvas.lines(LINES).astype(int) - other.prepare(over).render(STROKES)).max() < 4
        )


@pytest.mark.parametrize("reach", [0.0, 0.3, 0.5, 1.0])
def test_mending_a_picture(canvases, photo, reach):
    canvas, expected = canvases
    base = np.ascontiguousarray(photo[:, ::-1])
    np.testing.assert_array_equal(
        canvas.mended(strokes_of(LINES), image_of(base), reach),
        expected.render(STROKES, base=base, reach=reach),
    )


def test_mending_previews_floats_and_chroma(canvases, photo):
    canvas, expected = canvases
    base = floats(photo[:, ::-1])
    np.testing.assert_array_equal(
        canvas.mended(strokes_of(LINES), image_of(base), short_side=100),
        expected.render(STROKES, base=base, size=100),
    )
    ab = np.random.default_rng(5).uniform(-40, 40, (360, 480, 2)).astype(np.float32)
    np.testing.assert_array_equal(
        canvas.mended(strokes_of(LINES), image_of(ab, format=ABF)),
        expected.render(STROKES, base=ab),
    )


def test_a_base_needs_no_stroke(canvases, photo):
    canvas, expected = canvases
    np.testing.assert_array_equal(
        canvas.mended(strokes_of([]), image_of(photo)), expected.render([], base=photo)
    )


def test_affinities(canvases):
    canvas, expected = canvases
    np.testing.assert_array_equal(canvas.affinity(200, 300), expected.affinity(200, 300))


def test_several_threads_on_one_canvas(canvases, layer):
    canvas, _ = canvases
    wanted = [canvas.lines(LINES), canvas.lines(LINES[:1]), canvas.strokes(layer)]
    wrong = []

    def work(number):
        for turn in range(6):
            which = (number + turn) % 3
            made = (
                canvas.strokes(layer) if which == 2 else canvas.lines(LINES[: 2 - which])
            )  # fmt: skip
            if not np.array_equal(made, wanted[which]):
                wrong.append((number, turn))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_model_may_go_before_its_canvas(library, photo):
    model = library.load("lga")
    canvas = model.prepare(photo)
    before = canvas.lines(LINES)
    model.close()
    np.testing.assert_array_equal(canvas.lines(LINES, region=(0, 0, 50, 60)), before[:50, :60])
    canvas.close()


def test_cancelled_before_and_while_it_works(library, photo):
    with library.load("lga") as model, Cancel(library) as cancel, Cancel(library) as later:
        cancel.set()
        assert library.raw.cd_cancelled(cancel.handle) == 1
        with pytest.raises(Failure, match="cancelled"):
            model.prepare(photo, cancel=cancel.handle)
        steps = []

        def report(user, done, what):
            steps.append(what.decode())
            if what == b"affinities":
                later.set()

        with pytest.raises(Failure) as failure:
            model.prepare(photo, cancel=later.handle, progress=Progress(report))
        assert failure.value.kind == "cancelled"
        assert steps == ["reading", "features", "affinities"]
        with model.prepare(photo) as canvas:
            whole = canvas.lines(LINES)
            with pytest.raises(Failure, match="cancelled"):
                canvas.lines(LINES, cancel=cancel.handle)
            np.testing.assert_array_equal(canvas.lines(LINES), whole)


def test_progress(library, photo):
    said = []
    report = Progress(lambda user, done, what: said.append((user, done, what.decode())))
    with library.load("levin", progress=report, progress_user=41) as model:
        assert said[-1] == (41, 1.0, "done")
        with model.prepare(photo, progress=report) as canvas:
            said.clear()
            canvas.lines(LINES, progress=report, progress_user=7)
    assert said == [(7, 0.0, "colours"), (7, 0.5, "pixels"), (7, 1.0, "done")]


def test_gray_targets_and_others_are_refused(canvases):
    canvas, _ = canvases
    out = np.zeros((360, 480), np.uint8)
    with pytest.raises(Failure, match="must be in colour"):
        canvas.lines(LINES, out=out, format=GRAY8)
    with pytest.raises(Failure, match="no cd_format"):
        canvas.lines(LINES, out=np.zeros((360, 480, 3), np.uint8), format=99)


def test_what_a_canvas_and_a_model_say(models, photo):
    model, other = models
    info = model.info()
    assert info.name.decode() == other.name
    assert info.method.decode() == other.method
    with model.prepare(photo) as canvas:
        said = canvas.info()
        assert (said.height, said.width) == photo.shape[:2]
        assert said.device == b"cpu"
        before = said.bytes
        canvas.lines(LINES)
        assert canvas.info().bytes > before > photo[..., 0].size * 4


def test_an_older_program_knows_less_of_a_struct(models, photo):
    model, _ = models
    with model.prepare(photo) as canvas:
        info = canvas.info()
        info.size = type(info).bytes.offset  # as if that was the end of it
        info.bytes = 7
        canvas.library.call("cd_canvas_get_info", canvas.handle, byref(info))
        assert info.height == 360
        assert info.bytes == 7
