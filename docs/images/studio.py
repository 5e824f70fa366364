"""Makes the pictures of docs/studio.md and the recording in the README, by drawing on the page.

    python docs/images/studio.py

Needs the extra [studio], Playwright and a Chromium (Debian's is found by itself). The photos are
the example photo and pictures of the page's own gallery (CC0 1.0), the drawing is drawn here.
"""

from __future__ import annotations

import io
import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PHOTO = ROOT / "examples" / "colosseum.jpg"
GALLERY = ROOT / "colordeploy" / "studio" / "static" / "gallery"
_MAIN = "from colordeploy.cli import main; main()"
SKY, STONE, SHADE, SUN = "#4f83c4", "#c68863", "#24457a", "#d9b25f"
STROKES = (  # colour, and places across and down the stage
    (SKY, ((0.62, 0.10), (0.75, 0.20), (0.86, 0.14))),
    (STONE, ((0.20, 0.78), (0.33, 0.80), (0.47, 0.86))),
    (STONE, ((0.33, 0.40), (0.44, 0.52), (0.50, 0.62))),
    (SUN, ((0.78, 0.74), (0.84, 0.68), (0.92, 0.72))),
    (SHADE, ((0.14, 0.56), (0.20, 0.58))),
)  # fmt: skip


def until(page: Page, expression: str) -> None:
    deadline = time.monotonic() + 120
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


def ready(page: Page, model: str) -> None:
    page.locator("#model").select_option(model)
    until(page, f"studio.editor.live && studio.editor.canvas?.model === {model!r}")
    until(page, "studio.view.whole")
    page.wait_for_timeout(500)


def at(page: Page, across: float, down: float) -> tuple[float, float]:
    """A place of the picture, in the page's pixels."""
    x, y = page.evaluate(
        """([across, down]) => {
          const { left, top, scale, size } = studio.view;
          const box = document.querySelector("#overlay").getBoundingClientRect();
          return [box.left + left + across * size.width * scale,
                  box.top + top + down * size.height * scale];
        }""",
        [across, down],
    )
    return x, y


def draw(page: Page, color: str, places: Any, seen: Callable[[], None] = lambda: None) -> None:
    page.evaluate("color => { document.querySelector('#color').value = color; }", color)
    page.mouse.move(*at(page, *places[0]))
    page.mouse.down()
    for first, last in itertools.pairwise(places):
        for step in range(1, 7):
            share = step / 6
            page.mouse.move(*at(page, *((1 - share) * a + share * b for a, b in zip(
                first, last, strict=True))))  # fmt: skip
            page.wait_for_timeout(60)
            seen()
    page.mouse.up()
    page.wait_for_timeout(500)
    seen()


def open_file(page: Page, path: Path) -> None:
    count = page.evaluate("studio.editor.documents.length")
    with page.expect_file_chooser() as chooser:
        page.locator("#open").click()
    chooser.value.set_files(path)
    until(page, f"studio.editor.documents.length > {count} && studio.editor.live")
    until(page, "studio.view.whole")


def shot(page: Page, name: str) -> None:
    page.wait_for_timeout(600)
    seen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    seen.save(HERE / f"studio-{name}.webp", quality=80, method=6)


def house(path: Path) -> Path:
    """A drawing of closed outlines."""
    big = Image.new("L", (1440, 1080), 255)
    pen = ImageDraw.Draw(big)
    for points in (
        ((340, 540), (340, 960), (1000, 960), (1000, 540)),
        ((250, 560), (670, 230), (1090, 560)),
        ((600, 720), (600, 960), (750, 960), (750, 720)),
        ((420, 640), (420, 780), (540, 780), (540, 640)),
        ((810, 640), (810, 780), (930, 780), (930, 640)),
    ):
        pen.line((*points, points[0], points[1]), fill=0, width=14, joint="curve")
    pen.ellipse((1120, 90, 1300, 270), outline=0, width=14)
    pen.arc((1050, 540, 1410, 980), 180, 360, fill=0, width=14)
    pen.line(((1050, 760), (1050, 960), (1410, 960), (1410, 760)), fill=0, width=14, joint="curve")
    pen.line(((40, 960), (1420, 960)), fill=0, width=14)
    big.resize((720, 540), Image.Resampling.LANCZOS).save(path)
    return path


def pictures(page: Page, folder: Path) -> None:
    for stroke in STROKES:
        draw(page, *stroke)
    shot(page, "strokes")
    open_file(page, PHOTO)
    ready(page, "disco")
    page.locator("#anchors-start").click()
    until(page, "document.querySelectorAll('#samples img').length === 6")
    page.mouse.click(*at(page, 0.8, 0.2))
    until(page, "document.querySelectorAll('#candidates button').length === 10")
    shot(page, "anchors")
    open_file(page, GALLERY / "mountains.jpg")
    ready(page, "sscn")
    page.locator("#gallery button").nth(3).click()
    until(page, "studio.editor.document.exampleId")
    page.mouse.move(*at(page, 0.5, 0.5))
    until(page, "studio.example.known")
    page.mouse.move(*at(page, 0.45, 0.3))
    shot(page, "example")
    open_file(page, house(folder / "house.png"))
    ready(page, "rasc")
    until(page, "document.querySelectorAll('#styles img').length === 12")
    page.locator("#styles button").nth(4).click()
    draw(page, "#a32a2e", ((0.46, 0.4), (0.47, 0.4)))
    page.mouse.move(*at(page, 0.84, 0.3))
    until(page, "studio.insight.regions")
    page.mouse.move(*at(page, 0.85, 0.8))
    shot(page, "drawing")


def recording(page: Page) -> None:
    """Strokes on the example photo, colours following; an animated WebP."""
    frames: list[Image.Image] = []

    def seen() -> None:
        frames.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))

    seen()
    for stroke in STROKES:
        draw(page, *stroke, seen=seen)
    page.evaluate("document.querySelector('#show-strokes').click()")
    page.wait_for_timeout(200)
    seen()
    for share in (20, 45, 70, 45, 20, 0):
        page.locator("#compare").fill(str(share))
        page.wait_for_timeout(80)
        seen()
    small = [frame.resize((800, 500), Image.Resampling.LANCZOS) for frame in frames]
    durations = [110] * (len(small) - 1) + [1800]
    small[0].save(
        HERE / "studio.webp", save_all=True, append_images=small[1:], duration=durations, loop=0,
        quality=75, method=6, minimize_size=True,
    )  # fmt: skip


def main() -> None:
    command = [sys.executable, "-c", _MAIN, "studio", str(PHOTO), "--no-browser", "--port", "0"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process,
        sync_playwright() as running,
    ):
        assert process.stderr is not None
        try:
            line = next(line for line in process.stderr if "http://" in line)
            address = "http://" + line.strip().rpartition("http://")[2]
            path = shutil.which("chromium") or shutil.which("chromium-browser")
            browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
            for work in (lambda page: pictures(page, Path(folder)), recording):
                page = browser.new_context(viewport={"width": 1120, "height": 700}).new_page()
                page.goto(address)
                until(page, "window.studio?.editor.live && studio.view.whole")
                # Taking pictures is slow: the times in the corner would be of that.
                page.evaluate("document.querySelector('#latency').hidden = true")
                page.wait_for_timeout(500)
                work(page)
            browser.close()
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
