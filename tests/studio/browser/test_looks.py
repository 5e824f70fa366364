"""Accessibility by axe, layout that holds still, screenshots against those that were looked at.

``STUDIO_RENEW=1`` writes the screenshots anew; look at them before they are committed.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette")
pytest.importorskip("playwright")

from PIL import Image

from .hands import choose_model, coloured, draw, open_picture, until

pytestmark = pytest.mark.studio_browser
SCREENS = Path(__file__).parent / "screens"
TOOLS = {"lga": "strokes", "disco": "anchors", "sscn": "example", "rasc": "styles"}
SMALL = (8, 8)  # a pixel of what is compared: fonts differ between machines
TOLERANCE = 6.0  # levels of 255 in the mean, of these
WORST = 0.04  # share of them that may be farther than 40 levels


def show(page, model: str) -> None:
    """The tool of a model with something done."""
    choose_model(page, model)
    if model == "lga":
        draw(page)
    elif model == "disco":
        page.locator("#anchors-start").click()
        until(page, "document.querySelectorAll('#samples img').length === 6")
        page.evaluate("studio.editor.change({})")
    elif model == "sscn":
        page.locator("#gallery button").first.click()
    else:
        until(page, "document.querySelectorAll('#styles img').length === 12")
    coloured(page)
    page.mouse.move(1, 1)
    page.wait_for_timeout(700)  # the palette follows a moment later


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing(open_page, width, scheme):
    """WCAG 2.2 A and AA and axe's own good practice, in each tool and in the sheet of keys."""
    axe = pytest.importorskip("axe_core_python.sync_playwright").Axe()
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    found = {}
    for model, name in TOOLS.items():
        show(page, model)
        found[name] = axe.run(page)["violations"]
    page.locator("#help").click()
    found["keys"] = axe.run(page)["violations"]
    said = {
        name: [(v["id"], [node["html"][:120] for node in v["nodes"]]) for v in violations]
        for name, violations in found.items()
        if violations
    }
    assert said == {}


def test_what_is_there_holds_still(open_page, tmp_path, photo_like):
    """No layout shift while pictures are opened, drawn on, and tools are changed."""
    page = open_page(viewport={"width": 1280, "height": 800})
    page.evaluate(
        """() => {
          window.shift = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
          }).observe({ type: "layout-shift", buffered: true });
        }"""
    )
    draw(page)
    coloured(page)
    Image.fromarray(photo_like).save(tmp_path / "a.png")
    open_picture(page, tmp_path / "a.png")
    draw(page)
    page.wait_for_timeout(900)
    assert page.evaluate("shift") < 0.02


@pytest.mark.parametrize(
    ("width", "height"), [(360, 740), (1280, 800), (4000, 2200)], ids=lambda side: str(side)
)
def test_nothing_is_cut_off(open_page, width, height):
    """At every width the buttons lie within the window, and the picture has room."""
    page = open_page(viewport={"width": width, "height": height})
    for model in TOOLS:
        choose_model(page, model)
        outside = page.evaluate(
            """() => [...document.querySelectorAll("button, select, input:not([type=file])")]
              .filter((e) => e.offsetParent && !e.closest("#tabs, dialog"))
              .filter((e) => {
                const { left, right } = e.getBoundingClientRect();
                return left < 0 || right > innerWidth;
              }).map((e) => e.id || e.textContent)"""
        )
        assert outside == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        header = page.locator("header").bounding_box()
        assert header["height"] < (100 if width < 720 else 60)  # two lines, or one
        stage = page.locator("#stage").bounding_box()
        assert stage["width"] * stage["height"] > 0.3 * width * height


@pytest.mark.parametrize("model", TOOLS)
@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (360, "dark")], ids=["wide", "phone"]
)
def test_screens(open_page, model, width, scheme):
    page = open_page(viewport={"width": width, "height": 760}, color_scheme=scheme)
    show(page, model)
    # What depends on the time of day: how long things took.
    page.evaluate("document.querySelector('#latency').textContent = ''")
    page.evaluate("document.querySelector('#status-text').textContent = ''")
    seen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    kept = SCREENS / f"{TOOLS[model]}-{width}.webp"
    if os.environ.get("STUDIO_RENEW"):
        SCREENS.mkdir(exist_ok=True)
        seen.save(kept, quality=60, method=6)
    small = (seen.width // SMALL[0], seen.height // SMALL[1])
    with Image.open(kept) as wanted:
        assert wanted.size == seen.size
        pair = [np.asarray(one.convert("RGB").resize(small), float) for one in (seen, wanted)]
    difference = np.abs(pair[0] - pair[1]).max(axis=2)
    assert difference.mean() < TOLERANCE
    assert (difference > 40).mean() < WORST
