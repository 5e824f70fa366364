"""What a canvas knows of places, and layers."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

pytest.importorskip("starlette")
pytest.importorskip("httpx2")

from PIL import Image

import colordeploy
from colordeploy import Picture, Stroke

from .conftest import pixels
from .test_service import prepared, rendered

_STROKES = {"strokes": [{"points": [[30, 40], [80, 100]], "color": "#c03028", "width": 6}]}


@pytest.fixture
def drawing_file() -> bytes:
    page = np.full((160, 160), 255, np.uint8)
    page[40:120, 40:44] = page[40:120, 116:120] = page[40:44, 40:120] = page[116:120, 40:120] = 0
    file = io.BytesIO()
    Image.fromarray(page).save(file, "PNG")
    return file.getvalue()


def picture(answer) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def test_affinities(service, photo_file):
    client = service()
    path = f"/api/canvases/{prepared(client, photo_file)['id']}/affinities"
    found = picture(client.get(path, params={"y": 50.4, "x": 70}))
    with colordeploy.load("levin") as model:
        wanted = model.prepare(Picture.from_bytes(photo_file)).affinity(50, 70)
    assert np.abs(found - 255 * wanted).max() <= 0.51
    assert picture(client.get(path, params={"y": 50, "x": 70, "size": 60})).shape == (60, 80)
    for query in ({"y": 1}, {"y": "a", "x": 1}, {"y": "nan", "x": 1}, {"y": 900, "x": 1},
                  {"y": 1, "x": 1, "size": "-1"}, {"y": 1, "x": 1, "size": 0}):  # fmt: skip
        assert client.get(path, params=query).status_code == 422, query
    assert client.get(path.replace("affinities", "regions")).status_code == 422
    assert client.get("/api/canvases/none/affinities?y=1&x=1").status_code == 404


def test_regions(service, drawing_file):
    client = service()
    path = f"/api/canvases/{prepared(client, drawing_file, 'rasc')['id']}/regions"
    channels = picture(client.get(path)).astype(int)
    labels = channels[..., 0] + 256 * channels[..., 1] + 65536 * channels[..., 2]
    with colordeploy.load("rasc") as model:
        wanted = model.prepare(Picture.from_bytes(drawing_file)).regions
    assert np.array_equal(labels, wanted)
    assert len(np.unique(wanted)) >= 3
    assert picture(client.get(path, params={"size": 40})).shape == (40, 40, 3)


def test_an_anchor_for_a_place(service, photo_file):
    client = service()
    canvas = prepared(client, photo_file, "disco", anchors=2)
    path = f"/api/canvases/{canvas['id']}/anchor"
    own = canvas["anchors"][0]
    said = client.get(path, params={"y": own["y"], "x": own["x"]}).json()
    assert said == own
    other = client.get(path, params={"y": 5, "x": 150}).json()
    assert (other["y"], other["x"], len(other["candidates"])) == (5, 150, 10)
    chosen = {"anchors": [own | {"ab": other["candidates"][3]["ab"]}]}
    assert rendered(client, canvas, {"anchors": [{k: chosen["anchors"][0][k] for k in
                    ("y", "x", "ab")}]}).status_code == 200  # fmt: skip
    assert client.get(path, params={"y": 500, "x": 1}).status_code == 422


def test_matches(service, photo_file, photo_like):
    client, file = service(), io.BytesIO()
    Image.fromarray(photo_like).save(file, "PNG")
    example = client.post("/api/pictures", content=file.getvalue()).json()["id"]
    path = f"/api/canvases/{prepared(client, photo_file, 'sscn')['id']}/matches"
    points = [[10, 20], [100.5, 90]]
    said = client.post(path, json={"reference": example, "points": points}).json()
    assert [[m["y"], m["x"]] for m in said["matches"]] == points
    for match in said["matches"]:
        assert 0 <= match["reference_y"] < said["height"]
        assert 0 <= match["reference_x"] < said["width"]
        assert 0 < match["weight"] <= 1
    for content in ({"reference": example, "points": [[1]]}, {"reference": example},
                    {"reference": example, "points": [[900, 1]]}, {"points": points}):  # fmt: skip
        assert client.post(path, json=content).status_code == 422, content
    assert client.post(path, json={"reference": "none", "points": points}).status_code == 404


def test_layers(service, photo_file, drawing_file):
    client = service()
    canvas = prepared(client, photo_file)
    for guidance, names in ((_STROKES, ["strokes", "colours", "picture"]), (None, ["picture"])):
        answer = rendered(client, canvas, guidance, format="ora")
        assert answer.headers["content-type"] == "image/openraster"
        merged, found = layers_of(answer.content)
        assert found == names
        assert np.array_equal(merged, pixels(rendered(client, canvas, guidance)))
    drawing = prepared(client, drawing_file, "rasc")
    hints = [{"points": [[80, 80]], "color": "#2040c0", "width": 8}]
    guidance = {"style": 3, "flat": True, "hints": hints}
    view = {"saturation": 0.5}
    merged, found = layers_of(rendered(client, drawing, guidance, format="ora", view=view).content)
    assert found == ["lines", "hints", "flat"]
    assert np.array_equal(merged, pixels(rendered(client, drawing, guidance, view=view)))
    assert 0 < int(merged[90, 90, 2]) - int(merged[90, 90, 0]) < 0xC0 - 0x20  # muted


def layers_of(data: bytes) -> tuple[np.ndarray, list[str]]:
    import xml.etree.ElementTree as Tree

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        stack = Tree.fromstring(archive.read("stack.xml"))
        merged = np.asarray(Image.open(archive.open("mergedimage.png")).convert("RGB"))
    return merged, [str(layer.get("name")) for layer in stack.iter("layer")]


def test_strokes_of_the_library_are_those_of_the_service(service, photo_file):
    """The strokes of a layered file are drawn as the solver reads them."""
    client = service()
    canvas = prepared(client, photo_file)
    data = rendered(client, canvas, _STROKES, format="ora").content
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        drawn = np.asarray(Image.open(archive.open("data/layer2.png")))
    with colordeploy.load("levin") as model:
        held = model.prepare(Picture.from_bytes(photo_file))
        wanted = held.render([Stroke([(30, 40), (80, 100)], "#c03028", 6)])
        assert np.array_equal(held.render(drawn), wanted)
