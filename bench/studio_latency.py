"""From the pointer's event to its pixels on the screen, in the studio's page: measured by the page.

    python bench/studio_latency.py [--case lga ...] [--seconds 6] [--rate 60] [--json FILE]

A Chromium (Debian's; Playwright drives it) shows the page at 1280x800 with the example photo,
enlarged to a megapixel. A hand draws strokes that wind through the picture, `rate` events a second;
the page measures each frame as it does for everybody: from the event's time stamp to the paint
after its pixels. Service and browser share this machine's processors, without a GPU. The aim is at
most 60 ms at the median and 120 ms at the 95th percentile on two cores.

Cases: strokes by `levin` and `lga`, `lga` zoomed in three times, hints on line art by `rasc` (a
drawing of a megapixel), anchors that are dragged (`disco`: each place is a run of its network).
Also printed: how long the service worked on a frame, and how many frames came in a second.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import Page, sync_playwright
from studio_process import MEGAPIXEL, photo, studio

CASES = {  # model, and how far the view is zoomed in
    "levin": ("levin", 1.0),
    "lga": ("lga", 1.0),
    "lga zoomed in": ("lga", 3.0),
    "rasc hints": ("rasc", 1.0),
    "disco anchors": ("disco", 1.0),
}
WARM = 1.0  # seconds of drawing that are not counted


def level_priorities() -> None:
    """Give the browser's processes this one's priority: it lowers theirs itself, and on a machine
    that works on something else besides the page would be starved.
    """
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents[int(stat.parent.name)] = int(fields[1])
    mine = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in mine} - mine:
        mine |= more
    for process in mine:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{process}/task").iterdir():
                os.setpriority(os.PRIO_PROCESS, int(task.name), os.getpriority(os.PRIO_PROCESS, 0))


def until(page: Page, expression: str) -> None:
    deadline = time.monotonic() + 120
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


def draw(page: Page, seconds: float, rate: float) -> None:
    """Strokes of half a second that wind about the middle of the picture."""
    box = page.locator("#overlay").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    radius, began, step = 0.35 * min(box["width"], box["height"]), time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        angle = 1.3 * passed
        reach = radius * (0.3 + 0.7 * abs(math.sin(0.7 * passed)))
        page.mouse.move(middle[0] + reach * math.cos(angle), middle[1] + reach * math.sin(angle))
        if step % round(rate / 2) == 0:
            page.mouse.up()
            page.mouse.down()
        step += 1
        time.sleep(max(0.0, began + step / rate - time.perf_counter()))
    page.mouse.up()


def line_art(path: Path) -> None:
    """Closed outlines on a grid."""
    page = Image.new("L", MEGAPIXEL, 255)
    pen = ImageDraw.Draw(page)
    for x in range(20, MEGAPIXEL[0] - 150, 160):
        for y in range(20, MEGAPIXEL[1] - 150, 160):
            shape = pen.ellipse if (x + y) % 320 == 40 else pen.rectangle
            shape((x, y, x + 140, y + 140), outline=0, width=6)
    page.save(path)


def opened(page: Page, path: Path) -> None:
    """In a tab of its own."""
    with page.expect_file_chooser() as chooser:
        page.locator("#open").click()
    chooser.value.set_files(path)
    until(page, f"studio.editor.live && studio.editor.document.name === {path.name!r}")


def measured(page: Page, model: str, zoom: float, seconds: float, rate: float) -> dict[str, Any]:
    page.locator("#model").select_option(model)
    page.evaluate("studio.editor.change({ strokes: [] })")
    until(page, f"studio.editor.live && studio.editor.canvas?.model === {model!r}")
    page.evaluate("zoom => { studio.view.fit(); studio.view.zoom(zoom); }", zoom)
    page.evaluate("studio.editor.follow()")
    draw(page, WARM, rate)
    page.evaluate("studio.latency.times = []")
    page.evaluate(
        """() => {
          const { editor } = studio, frame = editor.frame.bind(editor);
          window.spent = [];
          editor.live.told.frame = (header, data) => {
            spent.push(header.spent);
            frame(header, data);
          };
        }"""
    )
    draw(page, seconds, rate)
    page.wait_for_timeout(500)
    # There is colour on the screen, or the times are of nothing.
    assert (
        page.evaluate(
            """() => {
          const { image } = studio.view.part ?? studio.view.whole;
          const { data } = image.getContext("2d").getImageData(0, 0, image.width, image.height);
          let most = 0;
          for (let i = 0; i < data.length; i += 4) {
            most = Math.max(most, Math.abs(data[i] - data[i + 2]));
          }
          return most;
        }"""
        )
        > 30
    )
    frames, spent = page.evaluate("studio.latency.times.length"), sorted(page.evaluate("spent"))
    return {
        "median_ms": round(page.evaluate("studio.latency.at(0.5)"), 1),
        "p95_ms": round(page.evaluate("studio.latency.at(0.95)"), 1),
        "frames": frames,
        "frames_a_second": round(frames / seconds, 1),
        "service_median_ms": spent[len(spent) // 2],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rate", type=float, default=60.0)
    parser.add_argument("--note", default="", help="of the machine, kept in the file")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found: dict[str, Any] = {
        "picture": list(MEGAPIXEL),
        "processors": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[0], 2),
        "note": arguments.note,
    }
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as running:
        file, drawing = Path(folder, "photo.png"), Path(folder, "drawing.png")
        file.write_bytes(photo())
        line_art(drawing)
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        with studio(file) as (address, _):
            browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(address)
            until(page, "window.studio?.editor.live && studio.view.whole")
            level_priorities()
            for case in arguments.case or CASES:
                model, zoom = CASES[case]
                if model == "rasc":
                    opened(page, drawing)
                found[case] = measured(page, model, zoom, arguments.seconds, arguments.rate)
                print(case, *(f"{name} {value}" for name, value in found[case].items()), sep="  ")
                if model == "rasc":
                    page.locator("#tab-close").click()
                    until(page, "studio.editor.live && studio.editor.document.name === 'photo.png'")
            browser.close()
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
