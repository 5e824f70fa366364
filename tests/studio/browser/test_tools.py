"""Anchors, examples, line art, and what lies under the pointer."""

from __future__ import annotations

import zipfile

import pytest

pytest.importorskip("starlette")
pytest.importorskip("playwright")

import numpy as np
from PIL import Image, ImageDraw

from .hands import (
    choose_model,
    chroma,
    coloured,
    download,
    draw,
    open_file,
    open_picture,
    place,
    shot,
    strokes,
    until,
)

pytestmark = pytest.mark.studio_browser


@pytest.fixture
def drawing(tmp_path):
    """A house of closed outlines, drawn here."""
    page = Image.new("L", (320, 320), 255)
    draw = ImageDraw.Draw(page)
    draw.rectangle((60, 140, 260, 290), outline=0, width=5)
    draw.polygon(((40, 140), (160, 40), (280, 140)), outline=0, width=5)
    draw.rectangle((140, 210, 190, 290), outline=0, width=5)
    draw.ellipse((80, 170, 120, 210), outline=0, width=5)
    page.save(tmp_path / "house.png")
    return tmp_path / "house.png"


def test_anchors(page):
    choose_model(page, "disco")
    coloured(page)
    page.locator("#anchors-start").click()
    assert page.evaluate("studio.editor.state.anchors.length") == 8
    until(page, "document.querySelectorAll('#samples img').length === 6")
    page.evaluate("studio.editor.change({ anchors: studio.editor.state.anchors.slice(0, 1) })")
    page.evaluate("studio.editor.document.history.settle()")
    first = page.evaluate("studio.editor.state.anchors[0]")
    x, y = place(page, 0.75, 0.3)
    page.mouse.click(x, y)  # another, with what the model thinks of the place
    until(page, "document.querySelectorAll('#candidates button').length === 10")
    said = page.locator("#candidates button").first.inner_text()
    assert said.strip().endswith("%")
    assert page.evaluate("studio.editor.state.anchors.length") == 2
    page.locator("#candidates button").nth(3).click()
    chosen = page.evaluate("studio.editor.state.anchors[1]")
    assert chosen["ab"] == chosen["candidates"][3]["ab"]
    assert page.locator("#candidates button").nth(3).get_attribute("aria-pressed") == "true"
    before = page.evaluate("studio.editor.document.history.place")
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(x - 6 * step, y + 6 * step)
    page.mouse.up()
    moved = page.evaluate("studio.editor.state.anchors[1]")
    assert moved["x"] < chosen["x"]
    assert page.evaluate("studio.editor.document.history.place") == before + 1  # one step
    shot(page, "anchors")
    page.locator("#anchor-remove").click()
    assert page.evaluate("studio.editor.state.anchors") == [first]
    page.locator("#samples button").nth(2).click()
    assert page.evaluate("[studio.editor.state.sample, studio.editor.state.anchors]") == [2, None]
    assert page.locator("#samples button").nth(2).get_attribute("aria-pressed") == "true"


def test_examples(page, tmp_path, photo_like):
    choose_model(page, "sscn")
    assert chroma(page) < 3
    page.locator("#gallery button").first.click()
    coloured(page)
    x, y = place(page)
    page.mouse.move(x, y)
    until(page, "studio.example.known")
    page.mouse.move(x + 3, y + 3)
    until(page, "!document.querySelector('#match').classList.contains('away')")
    assert "attention" in page.locator("#match-text").inner_text()
    shot(page, "example")
    page.mouse.move(2, 2)
    until(page, "document.querySelector('#match').classList.contains('away')")
    Image.fromarray(photo_like).save(tmp_path / "own.png")
    before = page.evaluate("studio.editor.document.exampleId")
    open_file(page, tmp_path / "own.png", "#choose-example")
    until(page, "id => studio.editor.document.exampleId !== id", before)
    assert page.evaluate("studio.editor.document.example.name") == "own.png"
    # Dropped on the panel.
    page.evaluate(
        """async () => {
          const data = new DataTransfer();
          const blob = await (await fetch("/static/gallery/lawn.jpg")).blob();
          data.items.add(new File([blob], "dropped.jpg"));
          const how = { dataTransfer: data, bubbles: true, cancelable: true };
          document.querySelector("#panel-exemplar").dispatchEvent(new DragEvent("drop", how));
        }"""
    )
    until(page, "studio.editor.document.example?.name === 'dropped.jpg'")


def test_line_art(page, drawing, tmp_path):
    open_picture(page, drawing)
    choose_model(page, "rasc")
    until(page, "document.querySelectorAll('#styles img').length === 12")
    page.locator("#styles button").nth(3).click()
    page.locator("#styles button").nth(5).click()
    page.locator("#mix").fill("40")
    assert page.evaluate("studio.editor.state.style") == {"from": 3, "to": 5, "share": 0.4}
    assert "style 3 to style 5" in page.locator("#mix-ends").inner_text()
    page.locator("#mix").fill("0")
    assert page.evaluate("studio.editor.state.style") == 3
    page.mouse.move(*place(page, 0.5, 0.3))
    until(page, "studio.insight.regions")
    page.mouse.move(*place(page, 0.505, 0.3))
    until(page, "studio.insight.shown")
    outlined = page.evaluate("studio.insight.regions.shown")
    assert outlined > 0
    shot(page, "region")
    draw(page, 0.5, 0.3, 10)  # a dab of colour in the gable
    assert strokes(page) == 1
    page.locator("#flat").check()
    png = download(page, "png", tmp_path / "house.png")
    assert png
    hinted = np.asarray(Image.open(tmp_path / "house.png").convert("RGB"))
    color = [int(page.locator("#color").input_value()[i : i + 2], 16) for i in (1, 3, 5)]
    assert (hinted == color).all(axis=-1).sum() > 1000  # all of the region has it
    download(page, "ora", tmp_path / "house.ora")
    with zipfile.ZipFile(tmp_path / "house.ora") as layers:
        stack = layers.read("stack.xml").decode()
        merged = Image.open(layers.open("mergedimage.png")).convert("RGB")
    assert all(f'name="{name}"' in stack for name in ("lines", "hints", "flat"))
    assert np.array_equal(np.asarray(merged), hinted)


def test_affinities_on_request(wide):
    wide.mouse.move(*place(wide))
    wide.wait_for_timeout(200)
    assert not wide.evaluate("Boolean(studio.insight.shown)")
    wide.locator("#overlay").focus()
    wide.keyboard.press("a")
    wide.mouse.move(*place(wide, 0.5, 0.46))
    until(wide, "studio.insight.shown")
    shot(wide, "affinities")
    wide.mouse.move(2, 2)
    until(wide, "!studio.insight.shown")


def test_a_photo_as_layers_and_sixteen_bits(wide, tmp_path):
    from colordeploy import Picture

    draw(wide)
    coloured(wide)
    download(wide, "png", tmp_path / "a.png")
    shown = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    download(wide, "ora", tmp_path / "a.ora")
    with zipfile.ZipFile(tmp_path / "a.ora") as layers:
        stack = layers.read("stack.xml").decode()
        merged = Image.open(layers.open("mergedimage.png")).convert("RGB")
    assert stack.index("strokes") < stack.index("colours") < stack.index('"picture"')
    assert np.array_equal(np.asarray(merged), shown)
    download(wide, "tiff16", tmp_path / "a.tif")
    deep = Picture.from_bytes((tmp_path / "a.tif").read_bytes())
    assert np.abs(deep.samples * 255 - shown).max() <= 1
