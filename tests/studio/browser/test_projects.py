"""A project file opens again to the same bits, in a browser that knows nothing of it."""

from __future__ import annotations

import json
import zipfile

import pytest

pytest.importorskip("starlette")
pytest.importorskip("playwright")

from PIL import Image

from .hands import (
    choose_model,
    complains,
    download,
    draw,
    open_file,
    open_picture,
    place,
    until,
)

pytestmark = pytest.mark.studio_browser
SETTLED = "studio.editor.live && studio.editor.live.pending === 0 && studio.view.whole"


def strokes_and_settings(page, _) -> None:
    choose_model(page, "levin")
    page.locator("#size").select_option("512")
    until(page, "studio.editor.canvas.size === 512")
    page.locator("#saturation").fill("145")
    draw(page)
    page.locator("#swatches button").nth(5).click()
    draw(page, 0.6, 0.3)


def anchors(page, _) -> None:
    choose_model(page, "disco")
    page.locator("#anchors-start").click()
    first, second, third = (
        page.evaluate(
            """(index) => {
              const { y, x } = studio.editor.state.anchors[index];
              const box = document.querySelector("#overlay").getBoundingClientRect();
              const [left, top] = studio.view.toScreen([y, x]);
              return [box.left + left, box.top + top];
            }""",
            index,
        )
        for index in range(3)
    )
    page.mouse.click(*third)
    page.keyboard.press("Delete")
    page.mouse.click(*second)
    until(page, "document.querySelectorAll('#candidates button').length === 10")
    page.locator("#candidates button").nth(2).click()
    page.mouse.move(*first)
    page.mouse.down()
    page.mouse.move(first[0] + 9, first[1] + 7, steps=3)
    page.mouse.up()
    page.mouse.click(*place(page, 0.5, 0.2))
    until(page, "studio.editor.state.anchors.at(-1).candidates.length === 10")
    page.locator("#anchor-color").fill("#3050a0")
    assert page.evaluate("studio.editor.state.anchors.length") == 8


def another_sample(page, _) -> None:
    choose_model(page, "disco")
    until(page, "document.querySelectorAll('#samples img').length === 6")
    page.locator("#samples button").nth(3).click()
    page.locator("#saturation").fill("80")


def example(page, folder) -> None:
    choose_model(page, "sscn")
    with Image.open("colordeploy/studio/static/gallery/lawn.jpg") as lawn:
        lawn.save(folder / "own.png")
    open_file(page, folder / "own.png", "#choose-example")
    until(page, "studio.editor.document.example?.name === 'own.png'")


def line_art(page, folder) -> None:
    from PIL import ImageDraw

    drawing = Image.new("L", (320, 320), 255)
    pen = ImageDraw.Draw(drawing)
    pen.rectangle((60, 140, 260, 290), outline=0, width=5)
    pen.polygon(((40, 140), (160, 40), (280, 140)), outline=0, width=5)
    drawing.save(folder / "house.png")
    open_picture(page, folder / "house.png")
    choose_model(page, "rasc")
    until(page, "document.querySelectorAll('#styles img').length === 12")
    page.locator("#styles button").nth(3).click()
    page.locator("#styles button").nth(5).click()
    page.locator("#mix").fill("30")
    draw(page, 0.5, 0.3, 10)
    page.locator("#flat").check()


CASES = [strokes_and_settings, anchors, another_sample, example, line_art]


def saved(page, to) -> None:
    with page.expect_download() as found:
        page.locator("#save").click()
    found.value.save_as(to)


@pytest.mark.parametrize("work", CASES, ids=lambda work: work.__name__)
def test_opens_again_to_the_same_bits(open_page, tmp_path, work):
    page = open_page(viewport={"width": 1280, "height": 800})
    work(page, tmp_path)
    until(page, SETTLED)
    page.wait_for_timeout(200)
    saved(page, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as project:
        state = json.loads(project.read("project.json"))["state"]
    first = download(page, "png16", tmp_path / "first.png")
    other = open_page(viewport={"width": 1280, "height": 800})
    open_picture(other, tmp_path / "a.zip")
    until(other, SETTLED)
    assert other.evaluate("studio.editor.state") == state
    assert download(other, "png16", tmp_path / "second.png") == first
    assert other.evaluate("studio.editor.document.name") == page.evaluate(
        "studio.editor.document.name"
    )
    saved(other, tmp_path / "b.zip")  # and what is saved again is the same
    assert (tmp_path / "b.zip").read_bytes() == (tmp_path / "a.zip").read_bytes()


def test_projects_of_several_tabs_open_at_once(open_page, tmp_path):
    page = open_page(viewport={"width": 1280, "height": 800})
    strokes_and_settings(page, tmp_path)
    saved(page, tmp_path / "one.zip")
    first = download(page, "png", tmp_path / "one.png")
    line_art(page, tmp_path)
    saved(page, tmp_path / "two.zip")
    second = download(page, "png", tmp_path / "two.png")
    other = open_page(viewport={"width": 1280, "height": 800})
    with other.expect_file_chooser() as chooser:
        other.locator("#open").click()
    chooser.value.set_files([tmp_path / "one.zip", tmp_path / "two.zip"])
    until(other, "studio.editor.documents.length === 3")
    until(other, "studio.editor.document.name === 'house.png'")
    until(other, SETTLED)
    assert download(other, "png", tmp_path / "two again.png") == second
    other.locator("#tabs [role=tab]").nth(1).click()
    until(other, "studio.editor.document.name === 'colosseum.jpg'")
    until(other, SETTLED)
    assert other.locator("#model").input_value() == "levin"
    assert download(other, "png", tmp_path / "one again.png") == first


GOOD = {"model": "lga", "strokes": [{"points": [[1, 2]], "color": "#123456", "width": 3}]}


def changed(**parts) -> str:
    return json.dumps({"form": "colordeploy-studio", "version": 1, "state": GOOD | parts})


@pytest.mark.parametrize(
    ("about", "word"),
    [
        ("{", "damaged"),
        (json.dumps({"form": "other"}), "no project of the studio"),
        (json.dumps({"form": "colordeploy-studio", "version": 99}), "newer version"),
        (changed(strokes=[None]), "damaged"),
        (changed(strokes=[{"points": [], "color": "red", "width": 1}]), "damaged"),
        (changed(anchors=[{"y": 1, "x": 1, "ab": [0, 0], "candidates": 5}]), "damaged"),
        (changed(anchors=[{"y": 1, "x": None, "ab": [0, 0]}]), "damaged"),
        (changed(style={"from": 1, "to": "x", "share": 0.5}), "damaged"),
        (changed(size="large"), "damaged"),
    ],
)
def test_damaged_projects_are_said_and_leave_what_is_open(wide, tmp_path, about, word):
    draw(wide)
    with zipfile.ZipFile(tmp_path / "bad.zip", "w", zipfile.ZIP_DEFLATED) as project:
        project.writestr("project.json", about)
        project.write("examples/colosseum.jpg", "picture")
    open_file(wide, tmp_path / "bad.zip")
    complains(wide, "bad.zip", word)
    assert wide.evaluate("studio.editor.documents.length") == 1
    assert wide.evaluate("studio.editor.state.strokes.length") == 1


def test_a_project_that_hides_a_large_file_is_refused(wide, tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as project:
        project.writestr("project.json", changed())
        with project.open("picture", "w", force_zip64=False) as picture:
            for _ in range(520):
                picture.write(bytes(1 << 20))
    open_file(wide, tmp_path / "bomb.zip")
    complains(wide, "bomb.zip", "larger than 512 MiB")
    whole = (tmp_path / "bomb.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2] + whole[-22:])
    open_file(wide, tmp_path / "cut.zip")
    until(wide, "document.querySelector('#status-text').textContent.startsWith('cut.zip')")
    complains(wide, "damaged")
