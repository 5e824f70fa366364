"""The tools by keys alone: anchors, hints, and what a reader of the screen is told."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette")
pytest.importorskip("playwright")

from PIL import Image, ImageDraw

from .hands import choose_model, coloured, open_picture, shot, strokes, until

pytestmark = pytest.mark.studio_browser
ANCHORS = "studio.editor.state.anchors"


def press(page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page, selector: str) -> None:
    """As often as it takes, and no more than there are things to reach."""
    for _ in range(120):
        if page.evaluate("s => document.activeElement?.matches(s) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached")


def said(page) -> str:
    return page.locator("#status-text").inner_text()


def test_anchors(page):
    choose_model(page, "disco")
    tab_to(page, "#overlay")
    press(page, "n")  # takes the model's own anchors in hand
    assert page.evaluate(f"{ANCHORS}.length") == 8
    assert said(page).startswith("anchor 1 of 8, #")
    press(page, "Shift+n")
    assert said(page).startswith("anchor 8 of 8, #")
    press(page, "n", "n")
    assert said(page).startswith("anchor 2 of 8, #")
    before = page.evaluate(f"{ANCHORS}[1]")
    # Moved: the cursor is on it, space takes it, arrows move it, space lets it go.
    steps = page.evaluate("studio.editor.document.history.place")
    press(page, "Enter", " ", "ArrowRight", "ArrowRight", "Shift+ArrowDown", " ", "Escape")
    after = page.evaluate(f"{ANCHORS}[1]")
    assert after["x"] > before["x"]
    assert after["y"] > before["y"]
    assert page.evaluate("studio.editor.document.history.place") == steps + 1  # one step
    # Recoloured, from the candidates and by a colour of one's own; the focus stays.
    until(page, "document.querySelectorAll('#candidates button').length === 10")
    tab_to(page, "#candidates button")
    press(page, "Tab", "Tab", "Enter")
    chosen = page.evaluate(f"{ANCHORS}[1]")
    assert chosen["ab"] == chosen["candidates"][2]["ab"]
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    shot(page, "keyboard-anchors")
    # Added: anywhere else, by the cursor in the middle.
    press(page, "Escape")
    page.evaluate("document.querySelector('#overlay').focus()")
    press(page, "Enter", *["ArrowUp"] * 4, *["ArrowLeft"] * 3, " ", " ", "Escape")
    assert page.evaluate(f"{ANCHORS}.length") == 9
    # Removed, and had back.
    press(page, "Delete")
    assert page.evaluate(f"{ANCHORS}.length") == 8
    press(page, "Control+z")
    assert page.evaluate(f"{ANCHORS}.length") == 9


def test_hints(page, tmp_path):
    drawing = Image.new("L", (320, 320), 255)
    ImageDraw.Draw(drawing).rectangle((60, 60, 260, 260), outline=0, width=5)
    drawing.save(tmp_path / "box.png")
    open_picture(page, tmp_path / "box.png")
    choose_model(page, "rasc")
    tab_to(page, "#swatches button")
    press(page, *["Tab"] * 5, "Enter")
    color = page.locator("#color").input_value()
    assert page.evaluate("document.activeElement.matches('#swatches button')")
    page.evaluate("document.querySelector('#overlay').focus()")
    press(page, "Enter", " ", " ", "Escape")
    assert strokes(page) == 1
    assert page.evaluate("studio.editor.state.strokes[0].color") == color
    coloured(page)
    press(page, "e", "Enter", " ", " ", "Escape")
    assert strokes(page) == 0
    press(page, "Control+z")
    assert strokes(page) == 1


def test_styles_and_examples(wide, tmp_path):
    choose_model(wide, "sscn")
    tab_to(wide, "#gallery button")
    press(wide, "Enter")
    until(wide, "studio.editor.document.exampleId")
    coloured(wide)
    choose_model(wide, "rasc")
    until(wide, "document.querySelectorAll('#styles img').length === 12")
    tab_to(wide, "#styles button")
    press(wide, "Tab", "Tab", "Enter")
    assert wide.evaluate("studio.editor.state.style") == 2
    assert wide.evaluate("document.activeElement.matches('#styles button')")
