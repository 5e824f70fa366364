"""A running service, a browser, and pages of it: ``python -m pytest -m studio_browser``.

Needs Playwright and a Chromium (Debian's is found by itself). With STUDIO_SHOTS=FOLDER screenshots
are kept there, to be looked at.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ..running import served

SIZES = {"wide": (1280, 800), "phone": (360, 740)}
EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="session")
def address():
    """A service that opens with the example photo."""
    photo = EXAMPLES / "colosseum.jpg"
    with served(first=photo.read_bytes(), first_name=photo.name) as found:
        yield found


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        opened = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser, address):
    """From options of a browser's context to a page that shows the example photo."""
    from .hands import prepared

    contexts, wrong = [], []

    def make(url: str | None = None, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(240_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        # What the network refuses is said in the page; what the page itself breaks is wrong.
        page.on("console", lambda m: wrong.append(m.text) if "Policy" in m.text else None)
        page.on(
            "request",
            lambda r: None if r.url.startswith(("http://127.0.0.1:", "blob:", "data:")) else (
                wrong.append(f"fetched {r.url}")
            ),
        )  # fmt: skip
        page.goto(url or address)
        prepared(page)
        return page

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(params=SIZES)
def page(request, open_page):
    """Of each size."""
    width, height = SIZES[request.param]
    return open_page(viewport={"width": width, "height": height})


@pytest.fixture
def wide(open_page):
    width, height = SIZES["wide"]
    return open_page(viewport={"width": width, "height": height})
