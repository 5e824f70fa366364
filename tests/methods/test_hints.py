"""Hints: dabs of colour on a drawing."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw

import colordeploy
from colordeploy import Stroke
from colordeploy.cli import cli
from colordeploy.errors import InputError

from ..recording import recorded_model
from .test_sketch import write_tiny

RED, GREEN, BLUE = (200, 30, 40), (20, 150, 60), (40, 60, 200)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("hints") / "bundle")


@pytest.fixture(scope="module")
def drawing():
    """(200, 300) uint8: a circle, and a box in two halves joined by a wide gap."""
    picture = Image.new("L", (300, 200), 255)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((20, 30, 120, 130), outline=0, width=2)
    draw.rectangle((140, 40, 280, 160), outline=0, width=2)
    draw.line((210, 40, 210, 80), fill=0, width=2)
    draw.line((210, 120, 210, 160), fill=0, width=2)
    return np.asarray(picture)


@pytest.fixture(scope="module")
def canvas(bundle, drawing):
    with colordeploy.load(bundle, device="cpu", threads=1) as model:
        yield model.prepare(drawing)


def region(canvas, y, x):
    return canvas.regions == canvas.regions[y, x]


def test_a_region_gets_exactly_its_hint(canvas):
    hints = [Stroke([(80, 70)], RED, 5)]
    circle = region(canvas, 80, 70)
    flat = canvas.render(hints=hints, flat=True)
    assert (flat[circle] == RED).all()
    shaded = canvas.render(hints=hints).astype(int)
    assert np.abs(shaded[circle] - RED).max() <= 2
    own = canvas.render(flat=True)
    assert np.array_equal(flat[~circle & (canvas.regions > 0)], own[~circle & (canvas.regions > 0)])


def test_all_forms_of_hints_are_one(canvas, tmp_path):
    strokes = [Stroke([(80, 70)], RED, 5), Stroke([(10, 10), (10, 200)], "teal", 3)]
    layer = np.zeros((200, 300, 4), np.uint8)
    layer[78:83, 68:73] = (*RED, 255)
    layer[9:12, 9:202] = (0, 128, 128, 255)
    Image.fromarray(layer).save(tmp_path / "hints.png")
    forms = (
        strokes,
        layer,
        Image.fromarray(layer),
        tmp_path / "hints.png",
        str(tmp_path / "hints.png"),
    )
    pictures = [canvas.render(hints=form) for form in forms]
    assert all(np.array_equal(pictures[0], picture) for picture in pictures)


def test_soft_and_premultiplied_dabs_have_their_colour(canvas):
    layer = np.zeros((200, 300, 4), np.uint8)
    layer[70:90, 60:80] = (*RED, 255)
    rim = (*(value * 90 // 255 for value in RED), 90)
    layer[69, 60:80] = layer[90, 60:80] = rim
    assert (canvas.render(hints=layer, flat=True)[region(canvas, 80, 70)] == RED).all()


def test_several_hints_divide_a_region_at_its_gap(canvas):
    hints = [Stroke([(100, 160)], GREEN, 5), Stroke([(90, 270)], BLUE, 5)]
    assert canvas.regions[100, 160] == canvas.regions[90, 270]
    picture = canvas.render(hints=hints, flat=True)
    box = region(canvas, 100, 160)
    x = np.indices(box.shape)[1]
    assert (picture[box & (x < 200)] == GREEN).all()
    assert (picture[box & (x > 220)] == BLUE).all()
    colors = {tuple(color) for color in picture[box]}
    assert colors == {GREEN, BLUE}


def test_nearly_equal_colours_are_one_hint(canvas):
    hints = [Stroke([(100, 160)], GREEN, 9), Stroke([(90, 270)], (22, 148, 61), 3)]
    assert (canvas.render(hints=hints, flat=True)[region(canvas, 100, 160)] == GREEN).all()


def test_what_slips_over_a_line_does_not_count(canvas):
    layer = np.zeros((200, 300, 4), np.uint8)
    layer[60:100, 60:119] = (*RED, 255)
    layer[78:82, 119:124] = (*RED, 255)  # across the circle's line
    picture = canvas.render(hints=layer, flat=True)
    ground = region(canvas, 5, 5)
    assert (picture[region(canvas, 80, 70)] == RED).all()
    assert np.array_equal(picture[ground], canvas.render(flat=True)[ground])


def test_a_stroke_over_two_regions_is_for_both(canvas):
    picture = canvas.render(hints=[Stroke([(80, 70), (80, 135)], RED, 3)], flat=True)
    assert (picture[region(canvas, 80, 70)] == RED).all()
    assert (picture[region(canvas, 80, 132)] == RED).all()


def test_white_without_a_hint(canvas, drawing):
    picture = canvas.render("hints", [Stroke([(80, 70)], RED, 5)])
    circle = region(canvas, 80, 70)
    assert (picture[circle] == RED).all()
    assert (picture[(canvas.regions > 0) & ~circle] == 255).all()
    assert (picture[drawing == 0] == 0).all()


def test_parts_and_previews_have_the_hints(canvas):
    hints = [Stroke([(100, 160)], GREEN, 5), Stroke([(90, 270)], BLUE, 5)]
    whole = canvas.render(hints=hints)
    part = canvas.render(hints=hints, region=(30, 100, 150, 290))
    assert np.array_equal(part, whole[30:150, 100:290])
    small = canvas.render(hints=hints, size=50, flat=True)
    assert tuple(small[25, 40]) == GREEN
    assert tuple(small[22, 67]) == BLUE


def test_balls_decide_what_leaks(bundle, drawing):
    hints = [Stroke([(100, 160)], GREEN, 5)]
    with colordeploy.load(bundle, device="cpu", threads=1) as model:
        wide = model.prepare(drawing).render(hints=hints, flat=True)
        closed = model.prepare(drawing, radii=(24, 12, 3)).render(hints=hints, flat=True)
    assert tuple(wide[90, 270]) == GREEN
    assert tuple(closed[90, 270]) != GREEN
    assert tuple(closed[100, 160]) == GREEN


@pytest.mark.parametrize(
    ("hints", "word"),
    [
        ([], "the list is empty"),
        (np.zeros((200, 300, 4), np.uint8), "no mark"),
        (np.zeros((20, 30, 4), np.uint8), "the picture is 300x200"),
        ([Stroke([(900, 900)], RED, 3)], "outside"),
    ],
)
def test_hints_that_say_nothing(canvas, hints, word):
    with pytest.raises(InputError, match=word):
        canvas.render(hints=hints)


def test_edits_do_not_run_the_network(bundle, drawing):
    model, graphs = recorded_model(bundle)
    canvas = model.prepare(drawing)
    canvas.render(hints=[Stroke([(80, 70)], RED, 5)])
    runs = {name: len(graph.runs) for name, graph in graphs.items()}
    canvas.render(hints=[Stroke([(81, 70)], BLUE, 5)])
    assert {name: len(graph.runs) for name, graph in graphs.items()} == runs


def test_a_document_is_the_picture(canvas):
    hints = [Stroke([(80, 70)], RED, 5)]
    document = canvas.document(hints=hints)
    assert [layer.name for layer in document.layers] == ["flat", "shading", "hints", "lines"]
    assert [layer.visible for layer in document.layers] == [True, True, False, True]
    assert np.array_equal(document.merged, canvas.render(hints=hints))
    assert np.array_equal(
        document.layers[0].pixels[..., :3], canvas.layers(hints=hints, flat=True)[1][..., :3]
    )
    shown = [layer for layer in document.layers if layer.visible]
    under = np.zeros((*canvas.size, 3))
    for layer in shown:
        alpha = layer.pixels[..., 3:] / 255
        under = under * (1 - alpha) + layer.pixels[..., :3] * alpha
    assert np.abs(under - document.merged).max() <= 1
    vivid = canvas.document(hints=hints, saturation=1.6)
    assert np.array_equal(vivid.merged, canvas.render(hints=hints, saturation=1.6))
    once = canvas.document(hints=iter(hints))  # hints that can be walked through once only
    assert np.array_equal(once.merged, document.merged)


def test_command(bundle, drawing, tmp_path):
    Image.fromarray(drawing).save(tmp_path / "page.png")
    layer = np.zeros((200, 300, 4), np.uint8)
    layer[78:83, 68:73] = (*RED, 255)
    Image.fromarray(layer).save(tmp_path / "hints.png")
    arguments = [
        "sketch", str(tmp_path / "page.png"), "-o", str(tmp_path / "out.png"),
        "--model", str(bundle), "--hints", str(tmp_path / "hints.png"), "--flat", "--device", "cpu",
    ]  # fmt: skip
    result = CliRunner().invoke(cli, [*arguments, "--unhinted", "white", "--gap", "48", "--ora"])
    assert result.exit_code == 0, result.output
    picture = np.asarray(Image.open(tmp_path / "out.png"))
    assert tuple(picture[80, 70]) == RED
    assert tuple(picture[5, 5]) == (255, 255, 255)
    assert (tmp_path / "out.ora").read_bytes()[30:54] == b"mimetypeimage/openraster"
    wrong = CliRunner().invoke(cli, [*arguments, "--unhinted", "white", "--style", "3"])
    assert wrong.exit_code == 2
    assert "--unhinted white" in wrong.output
