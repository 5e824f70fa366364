"""Strokes, undo, keys, what is kept: on a wide and on a phone's screen."""

from __future__ import annotations

import base64

import numpy as np
import pytest

pytest.importorskip("starlette")
pytest.importorskip("playwright")

from PIL import Image, ImageDraw

from .conftest import EXAMPLES
from .hands import (
    choose_model,
    chroma,
    coloured,
    complains,
    download,
    draw,
    open_file,
    open_picture,
    place,
    prepared,
    shot,
    strokes,
    until,
)

pytestmark = pytest.mark.studio_browser


def test_strokes_undo_reload_and_project(page, tmp_path):
    assert chroma(page) < 3
    shot(page, "opened")
    draw(page)
    coloured(page)
    assert strokes(page) == 1
    until(page, "document.querySelector('#latency').textContent.endsWith('ms')")
    shot(page, "strokes")
    page.keyboard.press("Control+z")
    coloured(page, False)
    page.keyboard.press("Control+y")
    coloured(page)
    with page.expect_download() as saved:
        page.locator("#save").click()
    saved.value.save_as(tmp_path / "a.zip")
    first = download(page, "png", tmp_path / "first.png")
    page.wait_for_timeout(600)  # kept in the browser
    page.reload()
    prepared(page)
    assert strokes(page) == 1
    coloured(page)
    page.keyboard.press("Control+z")  # steps are kept, too
    coloured(page, False)
    open_file(page, tmp_path / "a.zip")
    until(page, "studio.editor.documents.length === 2 && studio.editor.live && studio.view.whole")
    assert strokes(page) == 1
    coloured(page)
    assert download(page, "png", tmp_path / "second.png") == first


_SCREEN = """() => {
  const { pixels } = studio.view;
  const { data } = pixels.getContext("2d").getImageData(0, 0, pixels.width, pixels.height);
  return btoa(String.fromCharCode(...data.filter((_, i) => (i >> 2) % 37 === 0)));
}"""


def screen(page) -> np.ndarray:
    """Some pixels of the stage, RGB."""
    page.wait_for_timeout(60)  # until it is painted
    rgba = np.frombuffer(base64.b64decode(page.evaluate(_SCREEN)), np.uint8)
    return rgba.reshape(-1, 4)[:, :3].astype(float)


def hand_at_work(page) -> tuple[float, float]:
    """A hand draws a line and has not let go; where it is."""
    x, y = place(page)
    page.mouse.move(x - 40, y)
    page.mouse.down()
    for step in range(12):
        page.mouse.move(x - 40 + 6 * step, y + step)
        page.wait_for_timeout(20)
    return x + 26, y + 11


def test_all_pixels_come_when_the_hand_rests(wide):
    hand_at_work(wide)
    coloured(wide)
    assert strokes(wide) == 0
    wide.wait_for_timeout(400)
    until(wide, "!studio.view.draft")
    assert chroma(wide) > 15
    wide.mouse.up()
    until(wide, "studio.editor.state.strokes.length === 1")
    assert wide.evaluate("studio.latency.times.length") >= 2


@pytest.mark.parametrize(("zoom", "part"), [(1, False), (2, False), (8, True)])
def test_what_follows_the_hand_looks_like_the_result(wide, tmp_path, zoom, part):
    """It is coarse, over the photo's own luma; of a small part, as it is seen."""
    with Image.open(EXAMPLES / "colosseum.jpg") as photo:
        photo.resize((1180, 868)).save(tmp_path / "large.png")
    open_picture(wide, tmp_path / "large.png")
    draw(wide, 0.4, 0.3)
    coloured(wide)
    wide.evaluate("zoom => { studio.view.zoom(zoom); studio.editor.follow(); }", zoom)
    until(
        wide, "zoom => studio.editor.live.pending === 0 && (zoom === 1 || studio.view.part)", zoom
    )
    wide.evaluate("studio.editor.rested = () => {}")
    hand_at_work(wide)
    until(wide, "studio.view.draft && studio.editor.live.pending === 0")
    assert wide.evaluate("studio.view.draft.whole") != part
    coarse = screen(wide)
    shot(wide, f"draft-{zoom}")
    wide.mouse.up()
    wide.evaluate("studio.editor.follow()")
    until(wide, "studio.editor.state.strokes.length === 2 && !studio.view.draft")
    exact = screen(wide)
    luma = np.array([0.299, 0.587, 0.114])
    assert np.abs((coarse - exact) @ luma).mean() < 2.5
    assert np.abs(coarse - exact).mean() < 12


def test_hints_follow_the_hand_under_the_drawings_own_lines(wide, tmp_path):
    drawing = Image.new("L", (1180, 868), 255)
    pen = ImageDraw.Draw(drawing)
    for x in range(20, 1100, 160):
        for y in range(20, 800, 160):
            pen.rectangle((x, y, x + 140, y + 140), outline=0, width=5)
    drawing.save(tmp_path / "large.png")
    open_picture(wide, tmp_path / "large.png")
    choose_model(wide, "rasc")
    until(wide, "studio.view.before && !studio.view.before.provisional")
    until(wide, "studio.editor.live.pending === 0")
    wide.evaluate("studio.editor.rested = () => {}")
    hand_at_work(wide)
    until(wide, "studio.view.draft?.whole && studio.editor.live.pending === 0")
    coarse = screen(wide)
    shot(wide, "draft-hints")
    wide.mouse.up()
    wide.evaluate("studio.editor.follow()")
    until(wide, "studio.editor.state.strokes.length === 1 && !studio.view.draft")
    difference = np.abs(coarse - screen(wide))
    assert difference.mean() < 6
    assert (difference.max(axis=1) > 60).mean() < 0.01  # lines are as sharp, and where they are


def test_shift_draws_a_straight_line_and_the_eraser_takes_it_away(wide):
    x, y = place(wide)
    wide.keyboard.down("Shift")
    wide.mouse.move(x, y)
    wide.mouse.down()
    for across, down in ((20, 30), (50, -20), (80, 10)):
        wide.mouse.move(x + across, y + down)
    wide.mouse.up()
    wide.keyboard.up("Shift")
    assert wide.evaluate("studio.editor.state.strokes[0].points.length") == 2
    wide.keyboard.press("e")
    wide.mouse.click(x + 40, y + 5)
    assert strokes(wide) == 0
    wide.keyboard.press("Control+z")
    assert strokes(wide) == 1


def test_keys_alone_draw_a_stroke(wide):
    wide.locator("#overlay").focus()
    for key in ("Enter", "ArrowRight", " ", *["ArrowRight"] * 5, "ArrowDown", " ", "Escape"):
        wide.keyboard.press(key)
    assert strokes(wide) == 1
    assert wide.evaluate("studio.editor.state.strokes[0].points.length") == 7
    coloured(wide)
    wide.keyboard.press("?")
    assert wide.locator("#keys").is_visible()
    shot(wide, "keys")
    wide.locator("#keys button").click()
    wide.locator("#overlay").focus()
    wide.keyboard.press("e")
    assert wide.locator("[data-mode=eraser]").get_attribute("aria-checked") == "true"
    scale = wide.evaluate("studio.view.scale")
    wide.keyboard.press("+")
    assert wide.evaluate("studio.view.scale") > scale
    wide.keyboard.press("0")
    assert wide.evaluate("studio.view.scale") == pytest.approx(scale)


def test_wheel_space_and_middle_button_move_the_picture(wide):
    """Also right after a colour, a tool or a slider was chosen with the pointer."""

    def sight():
        return wide.evaluate("[studio.view.left, studio.view.top, studio.view.scale]")

    def dragged(button: str = "left") -> None:
        x, y = place(wide)
        wide.mouse.move(x, y)
        wide.mouse.down(button=button)
        wide.mouse.move(x + 30, y + 20)
        wide.mouse.up(button=button)

    wide.mouse.move(*place(wide))
    wide.mouse.wheel(0, -200)
    until(wide, "studio.view.scale > 2.6")
    for chosen in ("#swatches button >> nth=3", "[data-mode=brush]", "#brush", "#zoom-in"):
        wide.locator(chosen).click()
        left, top, _ = sight()
        wide.keyboard.down(" ")
        dragged()
        wide.keyboard.up(" ")
        assert sight()[:2] == pytest.approx([left + 30, top + 20])
        dragged("middle")
        assert sight()[:2] == pytest.approx([left + 60, top + 40])
    assert strokes(wide) == 0
    wide.evaluate("document.activeElement.blur()")
    wide.keyboard.down(" ")
    dragged()
    wide.keyboard.up(" ")
    assert strokes(wide) == 0
    dragged()
    assert strokes(wide) == 1


def test_fingers_draw_and_pinch(open_page):
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True)
    x, y = place(page)
    page.evaluate(
        """([x, y]) => {
          const overlay = document.querySelector("#overlay");
          overlay.setPointerCapture = () => {}; // no such finger
          const send = (type, id, px, py) => overlay.dispatchEvent(new PointerEvent(type, {
            pointerId: id, pointerType: "touch", clientX: px, clientY: py, bubbles: true }));
          send("pointerdown", 1, x, y);
          send("pointerdown", 2, x + 20, y); // a second finger: no stroke, but a pinch
          send("pointermove", 2, x + 60, y);
          send("pointerup", 2, x + 60, y);
          send("pointerup", 1, x, y);
        }""",
        [x, y],
    )
    assert strokes(page) == 0
    assert page.evaluate("studio.view.scale") > page.evaluate(
        "document.querySelector('#overlay').clientWidth / studio.view.size.width"
    )
    page.touchscreen.tap(x, y)
    assert strokes(page) == 1
    coloured(page)


def test_colours_to_choose_from(wide):
    draw(wide)
    coloured(wide)
    until(wide, "document.querySelectorAll('#picture-colors button').length > 0")
    assert wide.locator("#recent button").count() == 1
    wide.locator("#swatches button").nth(5).click()
    assert wide.locator("#color").input_value() == "#4f83c4"
    wide.keyboard.press("i")
    x, y = place(wide)
    wide.mouse.click(x, y)
    assert wide.locator("#color").input_value() != "#4f83c4"
    assert wide.locator("[data-mode=brush]").get_attribute("aria-checked") == "true"


def test_before_and_after(wide):
    draw(wide)
    coloured(wide)

    def middle():
        wide.wait_for_timeout(100)  # until it is painted
        return wide.evaluate(
            """() => {
              const canvas = document.querySelector("#pixels");
              const x = canvas.width / 2 - 8, y = canvas.height * 0.45 + 4;
              const { data } = canvas.getContext("2d").getImageData(x, y, 1, 1);
              return Math.max(...data.slice(0, 3)) - Math.min(...data.slice(0, 3));
            }"""
        )

    assert middle() > 15
    wide.locator("#overlay").focus()
    wide.keyboard.down("c")
    assert middle() < 3
    wide.keyboard.up("c")
    assert middle() > 15
    wide.locator("#compare").fill("80")
    assert middle() < 3


def test_a_lost_connection_loses_nothing(page):
    page.context.set_offline(True)
    page.evaluate("studio.editor.live.socket.close()")
    draw(page)
    complains(page)
    assert strokes(page) == 1
    page.context.set_offline(False)
    coloured(page)
    # The service has forgotten the canvas: the page sends the picture again.
    page.evaluate("fetch(`/api/canvases/${studio.editor.canvas.id}`, { method: 'DELETE' })")
    before = page.evaluate("studio.editor.canvas.id")
    draw(page, down=0.4)
    until(page, "id => studio.editor.canvas.id !== id", before)
    coloured(page)
    assert strokes(page) == 2
