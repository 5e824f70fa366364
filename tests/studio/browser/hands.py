"""What a person does on the page, and waits for."""

from __future__ import annotations

import os
import time
from pathlib import Path


def until(page, expression: str, argument: object = None) -> None:
    """Wait for an expression; Playwright's own waiting evaluates text, which the page forbids."""
    deadline = time.monotonic() + 60
    while not page.evaluate(expression, argument):
        said = page.locator("#status-text").inner_text()
        assert time.monotonic() < deadline, f"{expression}; the page says: {said}"
        page.wait_for_timeout(50)


def prepared(page) -> None:
    """The picture is there, and its first pixels."""
    until(page, "window.studio?.editor.live && studio.view.whole")


def choose_model(page, name: str) -> None:
    page.locator("#model").select_option(name)
    until(
        page,
        "name => studio.editor.live && studio.editor.canvas?.model === name && studio.view.whole",
        name,
    )


def open_file(page, path: Path | str, button: str = "#open") -> None:
    with page.expect_file_chooser() as chooser:
        page.locator(button).click()
    chooser.value.set_files(path)


def open_picture(page, path: Path | str) -> None:
    """In a tab of its own, which is shown then."""
    count = page.evaluate("studio.editor.documents.length")
    open_file(page, path)
    until(
        page,
        "count => studio.editor.documents.length > count && studio.editor.live && "
        "studio.view.whole",
        count,
    )


def download(page, kind: str, to: Path) -> bytes:
    with page.expect_download() as found:
        page.locator("#download").select_option(kind)
    found.value.save_as(to)
    return to.read_bytes()


def place(page, across: float = 0.5, down: float = 0.45) -> tuple[float, float]:
    """A place on the stage, in the page's pixels."""
    box = page.locator("#overlay").bounding_box()
    return box["x"] + box["width"] * across, box["y"] + box["height"] * down


def draw(page, across: float = 0.5, down: float = 0.45, length: float = 54) -> None:
    x, y = place(page, across, down)
    page.mouse.move(x - length / 2, y)
    page.mouse.down()
    for step in range(1, 10):
        page.mouse.move(x - length / 2 + length * step / 9, y + step)
    page.mouse.up()


def strokes(page) -> int:
    return page.evaluate("studio.editor.state.strokes.length")


def chroma(page) -> float:
    """How far from grey the shown frame is, in levels of 255, at its most colourful."""
    return page.evaluate(
        """() => {
          const { draft, part, whole } = studio.view, frame = draft ?? part ?? whole;
          if (!frame) return 0;
          const { image } = frame;
          const { data } = image.getContext("2d").getImageData(0, 0, image.width, image.height);
          let most = 0;
          for (let i = 0; i < data.length; i += 4) {
            most = Math.max(most, Math.abs(data[i] - data[i + 2]), Math.abs(data[i] - data[i + 1]));
          }
          return most;
        }"""
    )


def coloured(page, wanted: bool = True) -> None:
    deadline = time.monotonic() + 60
    while (chroma(page) > 15) != wanted:
        assert time.monotonic() < deadline, f"colours never {'came' if wanted else 'went'}"
        page.wait_for_timeout(100)


def complains(page, *words: str) -> None:
    """The status line says what is wrong."""
    until(page, "document.querySelector('#status').classList.contains('error')")
    said = page.locator("#status-text").inner_text()
    assert all(word in said for word in words), said


def shot(page, name: str) -> None:
    page.wait_for_timeout(50)  # until it is painted
    folder = os.environ.get("STUDIO_SHOTS")
    if folder:
        width = page.viewport_size["width"]
        page.screenshot(path=f"{folder}/{name}-{width}.png")
