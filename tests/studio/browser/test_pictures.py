"""Several pictures, bad ones, and what is said of them."""

from __future__ import annotations

import io

import pytest

pytest.importorskip("starlette")
pytest.importorskip("playwright")

from PIL import Image

from ..running import served
from .conftest import EXAMPLES
from .hands import (
    choose_model,
    coloured,
    complains,
    draw,
    open_file,
    open_picture,
    prepared,
    shot,
    strokes,
    until,
)

pytestmark = pytest.mark.studio_browser


@pytest.fixture
def photos(tmp_path, photo_like):
    paths = []
    for name in ("one.png", "two.png"):
        Image.fromarray(photo_like).convert("L").save(tmp_path / name)
        paths.append(tmp_path / name)
    return paths


def test_tabs(page, photos):
    draw(page)
    coloured(page)
    for path in photos:
        open_picture(page, path)
    assert page.locator("#tabs [role=tab]").all_inner_texts() == [
        "colosseum.jpg", "one.png", "two.png",
    ]  # fmt: skip
    assert strokes(page) == 0
    choose_model(page, "levin")
    draw(page)
    shot(page, "tabs")
    page.locator("#tabs [role=tab]").first.click()
    until(page, "studio.editor.document.name === 'colosseum.jpg' && studio.editor.live")
    assert (strokes(page), page.locator("#model").input_value()) == (1, "lga")
    coloured(page)
    page.keyboard.press("Control+z")  # each has its own history
    assert strokes(page) == 0
    page.locator("#overlay").focus()
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    until(page, "studio.editor.document.name === 'two.png' && studio.editor.live")
    assert strokes(page) == 1
    page.locator("#tab-close").click()
    until(page, "studio.editor.document.name === 'one.png'")
    page.locator("#status-action").click()
    until(page, "studio.editor.document.name === 'two.png' && studio.editor.live")
    assert strokes(page) == 1
    page.wait_for_timeout(600)
    page.reload()
    prepared(page)
    names = page.evaluate("studio.editor.documents.map(d => d.name)")
    assert sorted(names) == ["colosseum.jpg", "one.png", "two.png"]
    assert page.evaluate(
        "studio.editor.documents.find(d => d.name === 'two.png').state.strokes.length"
    ) == 1  # fmt: skip


def test_the_last_tab_leaves_a_page_to_open_the_next(wide, photos):
    wide.locator("#tab-close").click()
    assert wide.locator("#welcome").is_visible()
    assert wide.locator("#save").is_disabled()
    open_file(wide, photos[0], "#welcome-open")
    until(wide, "studio.editor.live && studio.editor.document.name === 'one.png'")
    assert not wide.locator("#welcome").is_visible()


def test_pasted_and_dropped_pictures(wide):
    for kind, name in (("paste", "pasted.jpg"), ("drop", "dropped.jpg")):
        wide.evaluate(
            """async ([kind, name]) => {
              const data = new DataTransfer();
              const blob = await (await fetch("/static/gallery/cat.jpg")).blob();
              data.items.add(new File([blob], name));
              const event = kind === "paste"
                ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true })
                : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
              document.querySelector("#overlay").dispatchEvent(event);
            }""",
            [kind, name],
        )
        until(wide, "name => studio.editor.document.name === name && studio.editor.live", name)


def test_bad_files_are_said_where_one_looks(page, tmp_path):
    draw(page)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    open_file(page, tmp_path / "broken.jpg")
    complains(page, "broken.jpg")
    shot(page, "broken")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 nothing")
    open_file(page, tmp_path / "broken.zip")
    until(page, "document.querySelector('#status-text').textContent.startsWith('broken.zip')")
    complains(page, "no project file")
    assert page.evaluate("studio.editor.documents.length") == 1
    assert strokes(page) == 1
    coloured(page)


def test_a_picture_that_the_service_refuses_leaves_the_others(browser, tmp_path):
    """A file too large, a model that fails: said, and what is drawn stays."""
    import colordeploy
    from colordeploy.errors import BackendError
    from colordeploy.studio import Limits

    def load(name):
        if name == "disco":
            raise BackendError("disco cannot be loaded today")
        if name == "sscn":
            raise MemoryError
        return colordeploy.load(name)

    photo = (EXAMPLES / "colosseum.jpg").read_bytes()
    options = {"loader": load, "first": photo, "first_name": "a.jpg"}
    with served(limits=Limits(upload=len(photo) + 1000), **options) as address:
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(address)
        prepared(page)
        draw(page)
        file = io.BytesIO()
        Image.effect_noise((400, 400), 80).save(file, "PNG")
        (tmp_path / "large.png").write_bytes(file.getvalue())
        open_file(page, tmp_path / "large.png")
        complains(page, "large.png", "limit")
        page.locator("#model").select_option("disco")
        complains(page, "cannot be loaded today")
        page.locator("#model").select_option("sscn")
        until(page, "document.querySelector('#status-text').textContent.includes('memory')")
        complains(page, "no memory left", "smaller")
        assert strokes(page) == 1
        page.keyboard.press("Control+z")
        page.keyboard.press("Control+z")  # back to the model that works, and its canvas
        until(page, "studio.editor.live && studio.editor.state.model === 'lga'")
        coloured(page)
        page.close()


def test_a_service_started_anew_says_that_it_has_another_token(browser):
    photo = (EXAMPLES / "colosseum.jpg").read_bytes()
    with served(first=photo, first_name="a.jpg") as address:
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(address)
        prepared(page)
        page.context.clear_cookies()
        page.evaluate("studio.editor.live.socket.close()")
        draw(page)
        until(page, "document.querySelector('#status-text').textContent.includes('token')")
        complains(page, "open the address")
        page.context.request.get(address)  # the cookie is there again
        coloured(page)
        assert strokes(page) == 1
        page.close()


@pytest.fixture
def imported_bundle(tmp_path):
    from colordeploy.importing import Described, import_network
    from tests.importing import networks

    (tmp_path / "network.onnx").write_bytes(networks.ab_network())
    described = Described(
        (("l-100",),), "ab", "mine", "MIT", "nothing", multiple=4, working_size=64
    )
    import_network(tmp_path / "network.onnx", tmp_path / "mine", described)
    return tmp_path / "mine"


def test_a_bundle_of_ones_own(browser, tmp_path, imported_bundle):
    """``colordeploy studio --model BUNDLE``: an imported network colours by itself."""
    photo = (EXAMPLES / "colosseum.jpg").read_bytes()
    with served(first=photo, first_name="a.jpg", bundles=[imported_bundle]) as address:
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(address)
        prepared(page)
        choose_model(page, imported_bundle.name)
        coloured(page)
        assert page.locator("#panel-auto").is_hidden()  # it has no anchors
        shot(page, "imported")
        page.close()
