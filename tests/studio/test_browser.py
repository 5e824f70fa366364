"""The page in a real browser: ``python -m pytest -m studio_browser``.

Needs Playwright and a Chromium (Debian's is found by itself). With STUDIO_SHOTS=FOLDER screenshots
are kept there, to be looked at.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette")
pytest.importorskip("playwright")

import uvicorn
from playwright import sync_api as playwright

from colordeploy.studio import create_app

pytestmark = pytest.mark.studio_browser
TOKEN = "secret"
SIZES = {"wide": (1280, 800), "phone": (390, 844)}


@pytest.fixture(scope="module")
def address(request):
    """A running service that opens with the example photo."""
    photo = Path(__file__).parents[2] / "examples" / "colosseum.jpg"
    app = create_app(token=TOKEN, first=photo.read_bytes(), first_name=photo.name)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/?token={TOKEN}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as running:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        opened = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(params=SIZES)
def page(request, browser, address):
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    opened = context.new_page()
    opened.set_default_timeout(240_000)
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    # What the network refuses is said in the page; what the page itself breaks is wrong.
    opened.on("console", lambda m: wrong.append(m.text) if "Policy" in m.text else None)
    opened.goto(address)
    prepared(opened)
    yield opened
    context.close()
    assert wrong == []


def until(page, expression: str, argument: object = None) -> None:
    """Wait for an expression; Playwright's own waiting evaluates text, which the page forbids."""
    deadline = time.monotonic() + 240
    while not page.evaluate(expression, argument):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


def prepared(page) -> None:
    """The picture is there, and its first pixels."""
    until(page, "window.studio?.editor.live && studio.view.whole")


def shot(page, name: str) -> None:
    folder = os.environ.get("STUDIO_SHOTS")
    if folder:
        size = page.viewport_size
        page.screenshot(path=f"{folder}/{name}-{size['width']}.png")


def chroma(page) -> float:
    """How far from grey the shown frame is, in levels of 255, at its most colourful."""
    return page.evaluate(
        """() => {
          if (!studio.view.whole) return 0;
          const { image } = studio.view.whole;
          const { data } = image.getContext("2d").getImageData(0, 0, image.width, image.height);
          let most = 0;
          for (let i = 0; i < data.length; i += 4) {
            most = Math.max(most, Math.abs(data[i] - data[i + 2]), Math.abs(data[i] - data[i + 1]));
          }
          return most;
        }"""
    )


def coloured(page, wanted: bool = True) -> None:
    deadline = time.monotonic() + 240
    while (chroma(page) > 15) != wanted:
        assert time.monotonic() < deadline, f"colours never {'came' if wanted else 'went'}"
        page.wait_for_timeout(100)


def draw(page) -> None:
    box = page.locator("#overlay").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 30, y)
    page.mouse.down()
    for step in range(10):
        page.mouse.move(x - 30 + 6 * step, y + step)
    page.mouse.up()


def test_strokes_undo_reload_and_project(page, tmp_path):
    assert chroma(page) < 3
    shot(page, "opened")
    draw(page)
    coloured(page)
    assert page.evaluate("studio.editor.state.strokes.length") == 1
    assert page.locator("#latency").inner_text().endswith("ms")
    shot(page, "strokes")
    page.keyboard.press("Control+z")
    coloured(page, False)
    page.keyboard.press("Control+y")
    coloured(page)
    with page.expect_download() as saved:
        page.locator("#save").click()
    saved.value.save_as(tmp_path / "a.zip")
    with page.expect_download() as result:
        page.locator("#download").select_option("png")
    result.value.save_as(tmp_path / "first.png")
    page.wait_for_timeout(600)  # kept in the browser
    page.reload()
    prepared(page)
    assert page.evaluate("studio.editor.state.strokes.length") == 1
    coloured(page)
    page.locator("#clear").click()
    coloured(page, False)
    with page.expect_file_chooser() as chooser:
        page.locator("#open").click()
    chooser.value.set_files(tmp_path / "a.zip")
    until(page, "studio.editor.state.strokes.length === 1 && studio.editor.live")
    coloured(page)
    with page.expect_download() as again:
        page.locator("#download").select_option("png")
    again.value.save_as(tmp_path / "second.png")
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


def test_a_lost_service_loses_nothing(page):
    page.context.set_offline(True)
    page.evaluate("studio.editor.live.socket.close()")
    draw(page)
    until(page, "document.querySelector('#status').classList.contains('error')")
    assert page.evaluate("studio.editor.state.strokes.length") == 1
    page.context.set_offline(False)
    coloured(page)
    # The service has forgotten the canvas: the page sends the picture again.
    page.evaluate("fetch(`/api/canvases/${studio.editor.canvas.id}`, { method: 'DELETE' })")
    before = page.evaluate("studio.editor.canvas.id")
    draw(page)
    until(page, "id => studio.editor.canvas.id !== id", before)
    coloured(page)


def test_anchors(page):
    page.locator("#model").select_option("disco")
    until(page, "studio.editor.canvas?.tool === 'auto' && studio.view.whole")
    coloured(page)
    page.locator("#anchors-start").click()
    count = page.evaluate("studio.editor.state.anchors.length")
    assert count == 8
    page.evaluate("studio.view.draw()")
    draw(page)  # adds one, or drags one that lies there
    page.keyboard.press("Delete")
    assert page.evaluate("studio.editor.state.anchors.length") in (count - 1, count)
    until(page, "document.querySelectorAll('#samples img').length === 4")
    shot(page, "anchors")


def test_a_broken_picture_is_said_where_one_looks(page, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    with page.expect_file_chooser() as chooser:
        page.locator("#open").click()
    chooser.value.set_files(tmp_path / "broken.jpg")
    until(page, "document.querySelector('#status').classList.contains('error')")
    assert "broken.jpg" in page.locator("#status").inner_text()
    draw(page)
    coloured(page)


def test_keys_and_help(page):
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.locator("#keys button").click()
    page.locator("#overlay").focus()
    page.keyboard.press("e")
    assert page.locator("[data-mode=eraser]").get_attribute("aria-checked") == "true"
    scale = page.evaluate("studio.view.scale")
    page.keyboard.press("+")
    assert page.evaluate("studio.view.scale") > scale
    shown = np.array(page.locator("#stage").bounding_box()["width"])
    assert shown > 200
