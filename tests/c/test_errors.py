"""What a host does wrong is a status and a message, never a crash."""

from __future__ import annotations

import os
import subprocess
import sys
from ctypes import (
    POINTER,
    byref,
    c_double,
    c_float,
    c_size_t,
    c_ssize_t,
    c_uint8,
    c_void_p,
    pointer,
)
from pathlib import Path

import numpy as np
import pytest

import colordeploy

from .library import (
    RGB8,
    CanvasInfo,
    Failure,
    ModelInfo,
    PrepareOptions,
    Rect,
    RenderOptions,
    Strokes,
    SystemOptions,
    image_of,
    strokes_of,
)  # fmt: skip

LINE = [([(20, 30), (60, 90)], 5, (10, 200, 30))]


@pytest.fixture(scope="module")
def levin(library):
    with library.load("levin") as model:
        yield model


@pytest.fixture(scope="module")
def canvas(levin, photo):
    with levin.prepare(photo) as canvas:
        yield canvas


def kind_of(call, *arguments, **keywords):
    with pytest.raises(Failure) as failure:
        call(*arguments, **keywords)
    assert failure.value.message
    return failure.value.kind


def test_null_is_an_input_error_everywhere(library, levin, canvas, photo):
    image, handle, out = image_of(photo), c_void_p(), np.zeros((360, 480, 3), np.uint8)
    target, strokes = image_of(out), strokes_of(LINE)
    for name, *arguments in (
        ("cd_load", None, None, byref(handle)),
        ("cd_load", b"levin", None, None),
        ("cd_model_get_info", None, byref(ModelInfo())),
        ("cd_model_get_info", levin.handle, None),
        ("cd_prepare", None, byref(image), None, byref(handle)),
        ("cd_prepare", levin.handle, None, None, byref(handle)),
        ("cd_prepare", levin.handle, byref(image), None, None),
        ("cd_canvas_get_info", None, byref(CanvasInfo())),
        ("cd_canvas_get_info", canvas.handle, None),
        ("cd_render_size", None, None, None, None),
        ("cd_render_size", canvas.handle, None, None, None),
        ("cd_render_strokes", None, byref(strokes), None, None, byref(target)),
        ("cd_render_strokes", canvas.handle, None, None, None, byref(target)),
        ("cd_render_strokes", canvas.handle, byref(strokes), None, None, None),
        ("cd_affinity", canvas.handle, 0, 0, None, c_ssize_t(0), None),
        ("cd_cancel_new", None),
        ("cd_output", None, None),
        ("cd_anchors", None, 0, None, c_size_t(0), None),
        ("cd_anchors_from", None, None, 0, None, c_size_t(0), None),
        ("cd_render_anchors", None, None, c_size_t(0), 0, None, None),
        ("cd_system_new", None, 1, 1, 1, None, None, None),
        ("cd_system_solve", None, None, None, 1, None, None),
    ):
        assert kind_of(library.call, name, *arguments) == "input", name
    for name in ("cd_model_free", "cd_canvas_free", "cd_cancel_free", "cd_system_free"):
        getattr(library.raw, name)(None)
    library.raw.cd_cancel_set(None)
    assert library.raw.cd_cancelled(None) == 0
    library.raw.cd_lab_color(c_double(50), c_double(0), c_double(0), None)
    library.raw.cd_color_lab(None, (c_double * 3)())
    library.raw.cd_color_lab((c_uint8 * 3)(), None)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"height": 0}, "at least a pixel"),
        ({"width": -3}, "at least a pixel"),
        ({"data": None}, "data must not be NULL"),
        ({"row_bytes": 0}, "overlap"),
        ({"row_bytes": 480 * 3 - 1}, "overlap"),
        ({"pixel_bytes": 2}, "overlap"),
        ({"pixel_bytes": -(2**62)}, "overlap"),
        ({"format": 0}, "no cd_format"),
        ({"format": -5}, "no cd_format"),
        ({"format": 13}, "not in CIE Lab"),
        ({"format": 6, "row_bytes": 480 * 6 + 1}, "whole multiples of 2"),
        ({"format": 10}, "multiples|overlap"),
    ],
)
def test_odd_pictures(levin, photo, change, word):
    image = image_of(photo)
    for name, value in change.items():
        setattr(image, name, value)
    with pytest.raises(Failure, match=word) as failure:
        levin.library.made("cd_prepare", levin.handle, byref(image), byref(PrepareOptions()))
    assert failure.value.kind == "input"


def test_floats_out_of_range(levin, photo):
    picture = photo.astype(np.float32)
    with pytest.raises(Failure, match="divide it by 255"):
        levin.prepare(picture)
    picture = (photo / 255).astype(np.float32)
    picture[3, 4, 1] = np.nan
    with pytest.raises(Failure, match="NaN"):
        levin.prepare(picture)


@pytest.mark.parametrize("short_side", [-2, -100])
def test_odd_working_sizes(levin, photo, short_side):
    assert kind_of(levin.prepare, photo, short_side=short_side) == "input"


@pytest.mark.parametrize("size", [0, 7, 12, 21, 1 << 20])
def test_structs_without_a_size(levin, photo, size):
    with pytest.raises(Failure, match="_INIT macro"):
        levin.prepare(photo, size=size)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"saturation": -0.1}, "saturation"),
        ({"saturation": 2.1}, "saturation"),
        ({"saturation": float("nan")}, "saturation"),
        ({"short_side": -1}, "short_side"),
        ({"region": pointer(Rect(0, 0, 0, 5))}, "region"),
        ({"region": pointer(Rect(0, 0, 361, 5))}, "region"),
        ({"region": pointer(Rect(-1, 0, 3, 5))}, "region"),
        ({"region": pointer(Rect(0, 0, 3, 5)), "short_side": 9}, "not both"),
    ],
)
def test_odd_renderings(canvas, options, word):
    out = np.zeros((360, 480, 3), np.uint8)
    target, given = image_of(out), RenderOptions(**options)
    strokes = strokes_of(LINE)
    with pytest.raises(Failure, match=word):
        canvas.library.call(
            "cd_render_strokes", canvas.handle, byref(strokes), None, byref(given), byref(target)
        )


def test_targets_of_another_size(canvas):
    with pytest.raises(Failure, match="360 x 480"):
        canvas.lines(LINE, out=np.zeros((360, 479, 3), np.uint8), format=RGB8)


def test_odd_strokes(canvas, layer):
    for lines, word in (
        ([], "list is empty"),
        ([([(5000, 9000)], 3, (1, 2, 3))], "outside of the picture"),
        ([([(float("nan"), 0)], 3, (1, 2, 3))], "finite"),
        ([([(1e9, 0)], 3, (1, 2, 3))], "finite"),
        ([([(5, 5)], 0.5, (1, 2, 3))], "width"),
        ([([], 3, (1, 2, 3))], "at least one point"),
    ):
        with pytest.raises(Failure, match=word):
            canvas.lines(lines)
    with pytest.raises(Failure, match="no mark"):
        canvas.strokes(np.zeros((360, 480, 4), np.uint8))
    with pytest.raises(Failure, match="layer of the picture's size"):
        canvas.strokes(np.ascontiguousarray(layer[:100]))
    with pytest.raises(Failure, match="must be CD_RGBA8 or CD_BGRA8"):
        canvas.strokes(np.ascontiguousarray(layer[..., :3]))
    given = Strokes(count=3)
    with pytest.raises(Failure, match="must not be NULL"):
        canvas.render("cd_render_strokes", byref(given), None)


def test_bases_and_reaches(canvas, photo):
    with pytest.raises(Failure, match="same size"):
        canvas.mended(strokes_of(LINE), image_of(photo[:50]))
    for reach in (-0.1, 1.1, float("nan")):
        with pytest.raises(Failure, match="reach"):
            canvas.mended(strokes_of(LINE), image_of(photo), reach)


def test_affinities_outside(canvas):
    assert kind_of(canvas.affinity, 360, 0) == "input"
    assert kind_of(canvas.affinity, 0, -1) == "input"
    plane = np.zeros((360, 480), np.float32)
    rows = plane.ctypes.data_as(POINTER(c_float))
    for stride in (0, 4, 480 * 4 - 4, 480 * 4 + 2, -4):
        with pytest.raises(Failure, match="row_bytes"):
            canvas.library.call(
                "cd_affinity", canvas.handle, 0, 0, rows, c_ssize_t(stride), None
            )  # fmt: skip


def test_guidance_of_another_method(canvas):
    out = np.zeros((360, 480, 3), np.uint8)
    target = image_of(out)
    with pytest.raises(Failure, match="not for a canvas of the method 'levin'"):
        canvas.library.call(
            "cd_render_anchors", canvas.handle, None, c_size_t(0), 0, None, byref(target)
        )


@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        ("nothing like it", {}, "bundle"),
        ("lga", {"bundles": b"/nowhere"}, "bundle"),
        ("", {}, "bundle"),
        ("lga", {"device": b"cuda:0"}, "backend"),
        ("levin", {"threads": -1}, "input"),
        ("levin", {"max_concurrency": -1}, "input"),
        ("lga", {"onnxruntime": b"/nowhere/libonnxruntime.so"}, "backend"),
        ("lga", {"onnxruntime": b"libm.so.6"}, "backend"),
    ],
)
def test_what_does_not_load(library, name, options, kind):
    assert kind_of(library.load, name, **options) == kind


def test_without_the_runtime_it_is_said_how_to_name_it(prefix):
    code = (
        "import sys; from pathlib import Path; from tests.c.library import *\n"
        "library = Library(Path(sys.argv[1]))\n"
        "library.load('levin').close()\n"
        "try: library.load('lga')\n"
        "except Failure as error: print(error)\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "COLORDEPLOY_ONNXRUNTIME"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(prefix / "lib" / "libcolordeploy.so")],
        env=environment, capture_output=True, text=True, check=True,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert done.stdout.startswith("backend: ONNX Runtime does not load")
    assert "COLORDEPLOY_ONNXRUNTIME" in done.stdout


def test_the_default_bundles_are_read_as_python_reads_them(library):
    for name in ("lga", "disco"):
        with library.load(name) as model, colordeploy.load(name, device="cpu") as other:
            info = model.info()
            assert info.name.decode() == other.name
            assert info.version


def test_the_solver_alone(library):
    rng = np.random.default_rng(4)
    features = rng.random((20, 30, 3)).astype(np.float32)
    mask = rng.random((20, 30)) < 0.05
    values = rng.random((20, 30, 2))
    options = SystemOptions(sigma=0.3, alpha=0.01, phi=1e-8, global_step=12)
    system = c_void_p()
    given = features.ctypes.data_as(POINTER(c_float))
    library.call("cd_system_new", given, 20, 30, 3, byref(options), None, byref(system))
    x = np.zeros_like(values)
    marks = mask.astype(np.uint8)
    arguments = (
        marks.ctypes.data_as(POINTER(c_uint8)), values.ctypes.data_as(POINTER(c_double)), 2,
        x.ctypes.data_as(POINTER(c_double)), None,
    )  # fmt: skip
    library.call("cd_system_solve", system, *arguments)
    expected = colordeploy.native.propagate(features, mask, values, sigma=0.3, alpha=0.01)
    np.testing.assert_array_equal(x, expected)
    marks[:] = 0
    with pytest.raises(Failure, match="marks no pixel"):
        library.call("cd_system_solve", system, *arguments)
    library.raw.cd_system_free(system)
    for change in ({"sigma": 0.0}, {"alpha": -1.0}, {"phi": float("inf")}, {"global_step": -1}):
        options = SystemOptions(**{"sigma": 0.3, "alpha": 0.01, "phi": 1e-8, **change})
        with pytest.raises(Failure):
            library.call("cd_system_new", given, 20, 30, 3, byref(options), None, byref(system))


def test_colours_of_lab(library):
    rgb = (c_uint8 * 3)()
    library.raw.cd_lab_color(c_double(60.0), c_double(25.0), c_double(-30.0), rgb)
    expected = colordeploy.native.color.compose_lab(
        np.array([60.0]), np.array([[25.0, -30.0]])
    )  # fmt: skip
    assert list(rgb) == expected[0].tolist()


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (1, 128, 254), (180, 40, 30)])
def test_lab_of_colours(library, color):
    lab = (c_double * 3)()
    library.raw.cd_color_lab((c_uint8 * 3)(*color), lab)
    expected = colordeploy.native.color.lab_of(np.array(color, np.float32) / np.float32(255))
    assert list(lab) == expected.tolist()
    assert lab[0] == pytest.approx(
        {(0, 0, 0): 0.0, (255, 255, 255): 100.0, (180, 40, 30): 40.0}.get(color, lab[0]), abs=0.2
    )
    rgb = (c_uint8 * 3)()
    library.raw.cd_lab_color(*(c_double(value) for value in lab), rgb)
    assert tuple(rgb) == color


def test_memory_is_given_back(library, levin, photo):
    with levin.prepare(photo) as canvas:
        canvas.lines(LINE)
    assert library.raw.cd_trim() > 0
