"""Pictures, canvases and renders, as another program uses them."""

from __future__ import annotations

import io
import struct
import time

import numpy as np
import pytest

pytest.importorskip("starlette")
pytest.importorskip("httpx2")

import colordeploy
from colordeploy import Picture, Stroke
from colordeploy.studio import Limits

from .conftest import pixels

_LIVE = "ws://localhost:8000/api/canvases/{}/live"
_POINTS = [[30, 40], [80, 100]]
_STROKES = {"strokes": [{"points": _POINTS, "color": "#c03028", "width": 6}]}


def prepared(client, photo: bytes, model: str = "levin", **wanted) -> dict:
    picture = client.post("/api/pictures?name=a.png", content=photo)
    assert picture.status_code == 201, picture.text
    made = client.post(
        "/api/canvases", json={"picture": picture.json()["id"], "model": model, **wanted}
    )
    assert made.status_code == 201, made.text
    return made.json()


def rendered(client, canvas: dict, guidance, **more):
    content = {"guidance": guidance, **more}
    return client.post(f"/api/canvases/{canvas['id']}/renders", json=content)


def test_strokes_give_what_the_library_gives(service, photo_file):
    client = service()
    canvas = prepared(client, photo_file)
    assert (canvas["height"], canvas["width"], canvas["tool"]) == (120, 160, "scribble")
    with colordeploy.load("levin") as model:
        direct = model.prepare(Picture.from_bytes(photo_file))
        wanted = direct.render([Stroke([(30, 40), (80, 100)], "#c03028", 6)])
    assert np.array_equal(pixels(rendered(client, canvas, _STROKES)), wanted)
    small = pixels(rendered(client, canvas, _STROKES, view={"size": 60}))
    assert small.shape == (60, 80, 3)
    deep = Picture.from_bytes(rendered(client, canvas, _STROKES, format="tiff16").content)
    assert np.abs(deep.samples * 255 - wanted).max() <= 1
    gray = pixels(rendered(client, canvas, None))
    assert (np.ptp(gray.astype(int), axis=-1) == 0).all()
    assert np.array_equal(gray[..., 0], np.rint(Picture.from_bytes(photo_file).samples))
    assert client.get("/api/canvases/" + canvas["id"]).json()["bytes"] > 0


def test_automatic_and_line_art(service, photo_file):
    client = service()
    canvas = prepared(client, photo_file, "disco", anchors=4)
    assert len(canvas["anchors"]) == 4
    anchor = canvas["anchors"][0]
    assert sum(c["probability"] for c in anchor["candidates"]) <= 1.01
    own = pixels(rendered(client, canvas, {}))
    moved = [{"y": a["y"], "x": a["x"], "ab": [60, 40]} for a in canvas["anchors"]]
    assert not np.array_equal(own, pixels(rendered(client, canvas, {"anchors": moved})))
    page = np.full((160, 160), 255, np.uint8)
    page[40:120, 40:44] = page[40:120, 116:120] = page[40:44, 40:120] = page[116:120, 40:120] = 0
    file = io.BytesIO()
    from PIL import Image

    Image.fromarray(page).save(file, "PNG")
    drawing = prepared(client, file.getvalue(), "rasc")
    results = [
        pixels(rendered(client, drawing, {"style": style}))
        for style in (
            None,
            3,
            {"from": None, "to": 3, "share": 1},
            {"from": 3, "to": 5, "share": 0},
        )
    ]
    assert not np.array_equal(results[0], results[1])
    assert np.array_equal(results[1], results[2])
    assert np.array_equal(results[1], results[3])
    hints = [{"points": [[80, 80]], "color": "#2040c0", "width": 8}]
    hinted = pixels(rendered(client, drawing, {"style": 3, "flat": True, "hints": hints}))
    assert hinted[90, 90].tolist() == [0x20, 0x40, 0xC0]


def test_an_example_is_another_picture(service, photo_file, photo_like):
    from PIL import Image

    client, file = service(), io.BytesIO()
    Image.fromarray(photo_like).save(file, "PNG")
    example = client.post("/api/pictures", content=file.getvalue()).json()
    assert example["colour"]
    canvas = prepared(client, photo_file, "sscn")
    coloured = pixels(rendered(client, canvas, {"reference": example["id"]}))
    assert np.ptp(coloured.astype(int), axis=-1).max() > 10
    assert rendered(client, canvas, {"reference": "none"}).status_code == 404


@pytest.mark.parametrize(
    ("guidance", "word"),
    [
        ([], "object"),
        ({"strokes": [{"points": [[1, None]]}]}, "pairs"),
        ({"strokes": [{"points": [[1, 1]], "color": "nonsense"}]}, "colour"),
        ({"strokes": [{"points": [[1, 1]], "path": "/etc/passwd"}]}, "points, color and width"),
        ({"strokes": "/etc/passwd"}, "list"),
        ({"strokes": [{"points": [[9e8, 1]], "color": "red"}]}, "point"),
        (_STROKES | {"style": 3}, "takes strokes"),
    ],
)
def test_odd_guidance_is_refused(service, photo_file, guidance, word):
    client = service()
    canvas = prepared(client, photo_file)
    answer = rendered(client, canvas, guidance)
    assert answer.status_code == 422, answer.text
    assert word in answer.json()["error"]


def test_odd_requests(service, photo_file):
    client = service(Limits(upload=100_000, pixels=50_000, message=2000))
    assert client.post("/api/pictures", content=b"x" * 100_001).status_code == 413
    answer = client.post("/api/pictures?name=b.png", content=b"no picture")
    assert (answer.status_code, "b.png" in answer.json()["error"]) == (422, True)
    bomb = b"P5 40000 40000 255\n"
    assert client.post("/api/pictures", content=bomb).status_code == 422
    for content in (b"", b"[]", b"{", b'{"picture": NaN}', b"\xff"):
        assert client.post("/api/canvases", content=content).status_code == 422
    assert client.post("/api/canvases", content=b" " * 2001).status_code == 413
    assert client.get("/api/pictures/none").status_code == 404
    assert client.get("/api/nothing").json()["error"].startswith("nothing is here")
    picture = client.post("/api/pictures", content=photo_file).json()["id"]
    for model in ("/etc/passwd", "../x", "none"):
        answer = client.post("/api/canvases", json={"picture": picture, "model": model})
        assert answer.status_code == 422
        assert "there is no model" in answer.json()["error"]
    tight = service(Limits(working=10_000))
    held = tight.post("/api/pictures", content=photo_file).json()["id"]
    for size, status in (("native", 422), (100, 422), (80, 201), (True, 422), ("x", 422)):
        wanted = {"picture": held, "model": "levin", "size": size}
        answer = tight.post("/api/canvases", json=wanted)
        assert answer.status_code == status, answer.text
    canvas = prepared(client, photo_file)
    for view in ({"size": 0}, {"saturation": 9}, []):
        assert rendered(client, canvas, _STROKES, view=view or [1]).status_code == 422
    assert rendered(client, canvas, _STROKES, format="exe").status_code == 422


def test_the_oldest_leaves_first_and_says_so(service, photo_file):
    client = service(Limits(canvases=2))
    canvases = [prepared(client, photo_file) for _ in range(3)]
    answer = rendered(client, canvases[0], _STROKES)
    assert answer.status_code == 410
    assert "oldest of more than 2 canvases" in answer.json()["error"]
    assert rendered(client, canvases[1], _STROKES).status_code == 200
    client.delete("/api/canvases/" + canvases[1]["id"])
    assert "deleted" in rendered(client, canvases[1], _STROKES).json()["error"]
    tight = service(Limits(memory=100_000))
    first, _ = prepared(tight, photo_file), prepared(tight, photo_file)
    assert "MiB were held" in rendered(tight, first, _STROKES).json()["error"]


def test_age(service, photo_file):
    client = service(Limits(age=0.2))
    canvas = prepared(client, photo_file)
    time.sleep(0.3)
    assert "not used for" in rendered(client, canvas, _STROKES).json()["error"]


def test_live(service, photo_file):
    """Binary frames of a region and a preview; errors leave the connection."""
    client = service()
    canvas = prepared(client, photo_file)
    whole = pixels(rendered(client, canvas, _STROKES))
    path = _LIVE.format(canvas["id"])
    with client.websocket_connect(path) as socket:
        region = {"region": [10, 20, 70, 90]}
        socket.send_json({"number": 1, "guidance": _STROKES, "view": region})
        head, rgba = split(socket.receive_bytes())
        assert head[:7] == (1, 10, 20, 70, 90, 60, 70)
        assert np.array_equal(rgba[..., :3], whole[10:70, 20:90])
        assert (rgba[..., 3] == 255).all()
        for message, word in (
            ("{", "object"),
            ('{"number": 2, "guidance": {"strokes": 1}}', "list"),
            ('{"number": 2, "guidance": {}, "view": {"region": [0, 0, 0, 5]}}', "empty"),
            ('{"number": 2, "guidance": {}, "view": [1]}', "object"),
            ('{"number": 2, "guidance": {}, "view": {"region": 5}}', "region"),
        ):
            socket.send_text(message)
            assert word in socket.receive_json()["error"]
        socket.send_json({"number": 3, "guidance": _STROKES, "view": {"size": 60}})
        head, rgba = split(socket.receive_bytes())
        assert (head[0], rgba.shape) == (3, (60, 80, 4))
        client.delete("/api/canvases/" + canvas["id"])
        socket.send_json({"number": 4, "guidance": _STROKES})
        assert socket.receive_json()["gone"]
    with client.websocket_connect(path) as socket:
        assert socket.receive_json()["gone"]


@pytest.mark.parametrize("model", ["levin", "disco"])
def test_a_draft_is_asked_for_and_exact_pixels_stay_exact(service, photo_file, model):
    """Coarser colours while a hand moves, where the method has them; memory counts them."""
    client = service()
    canvas = prepared(client, photo_file, model)
    held = client.app.state.studio.store.canvas(canvas["id"])
    blue = {"points": [[100, 20], [90, 50]], "color": "#2050c0", "width": 6}
    guidance = {"strokes": [*_STROKES["strokes"], blue]} if model == "levin" else {}
    with client.websocket_connect(_LIVE.format(canvas["id"])) as socket:

        def frame(number, **view):
            socket.send_json({"number": number, "guidance": guidance, "view": view})
            return split(socket.receive_bytes())[1][..., :3]

        exact = frame(1)
        deadline = time.monotonic() + 20
        while model == "levin" and held.draft is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        draft = frame(2, draft=True)
        assert draft.shape == exact.shape
        assert np.array_equal(draft, exact) == (model == "disco")
        assert np.array_equal(frame(3, draft=False), exact)
        assert frame(4, size=60, draft=True).shape == (60, 80, 3)
        socket.send_json({"number": 5, "guidance": guidance, "view": {"draft": 1}})
        assert "true or false" in socket.receive_json()["error"]
    assert (held.draft is None) == (model == "disco")
    if model == "levin":
        assert held.nbytes == held.canvas.nbytes + held.draft.nbytes
        draft = held.draft
        client.delete("/api/canvases/" + canvas["id"])
        assert draft.nbytes == 0


def test_only_the_newest_edit_is_answered(service, photo_file):
    client = service()
    canvas = prepared(client, photo_file)
    with client.websocket_connect(_LIVE.format(canvas["id"])) as socket:
        for number in range(1, 41):
            points = [[30, 40], [40 + number, 100]]
            guidance = {"strokes": [{"points": points, "color": "#c03028", "width": 6}]}
            socket.send_json({"number": number, "guidance": guidance})
        seen = []
        while not seen or seen[-1] < 40:
            seen.append(split(socket.receive_bytes())[0][0])
    assert seen == sorted(seen)
    assert len(seen) < 40


def test_the_first_picture(service, photo_file):
    client = service(first=photo_file, first_name="Füße.png")
    answer = client.get("/api/first")
    assert answer.content == photo_file
    assert "F%C3%BC" in answer.headers["content-disposition"]
    assert service().get("/api/first").status_code == 204


def test_the_description_names_every_path(service):
    client = service()
    said = client.get("/api").json()
    routes = {r.path for r in client.app.routes if r.path.startswith("/api/")}
    assert set(said["paths"]) == routes - {"/api/first", "/api/canvases/{id}/live"}
    names = {m["name"] for m in client.get("/api/models").json()["models"]}
    assert names >= {"levin", "lga", "disco", "sscn", "rasc"}


def split(data: bytes) -> tuple[tuple[int, ...], np.ndarray]:
    head = struct.unpack_from("<8I", data)
    return head, np.frombuffer(data, np.uint8, offset=32).reshape(head[5], head[6], 4)
