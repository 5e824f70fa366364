"""Who is let in, and what the page may load."""

from __future__ import annotations

import io
import re
import resource
import struct
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest

pytest.importorskip("starlette")
pytest.importorskip("httpx2")

from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from colordeploy import studio
from colordeploy.studio import create_app

from .conftest import TOKEN

_LIVE = "ws://localhost:8000/api/canvases/x/live"


@pytest.fixture(scope="module")
def stranger():
    with TestClient(create_app(token=TOKEN), base_url="http://localhost:8000") as client:
        yield client


def test_without_the_token(stranger):
    for path in ("/", "/api/models", "/api/first", "/?token=wrong", "/api/models?token=secret"):
        answer = stranger.get(path)
        assert answer.status_code == 401
        assert "token" in answer.json()["error"]
    assert stranger.post("/api/pictures", content=b"x").status_code == 401
    with (
        pytest.raises(WebSocketDisconnect),
        stranger.websocket_connect(_LIVE),
    ):
        pass


def test_the_token_in_the_address_becomes_a_cookie(stranger):
    answer = stranger.get(f"/?token={TOKEN}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    page = stranger.get(f"/?token={TOKEN}")
    assert page.status_code == 200
    assert "<title>colordeploy studio" in page.text
    assert stranger.get("/api/models").status_code == 200
    stranger.cookies.clear()


def test_services_at_two_ports_keep_their_cookies(stranger):
    """Cookies are of a name, not of a port: a second service must not sign out the first."""
    names = set()
    for port in (8000, 8001):
        host = {"host": f"localhost:{port}"}
        answer = stranger.get(f"/?token={TOKEN}", headers=host, follow_redirects=False)
        names.add(answer.headers["set-cookie"].partition("=")[0])
    assert len(names) == 2
    stranger.cookies.clear()


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", ""]
)
def test_other_names_are_not_ours(service, host):
    """DNS rebinding: a name of the attacker that points here."""
    assert service().get("/api/models", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"])
def test_names_of_this_machine(service, host):
    assert service().get("/api/models", headers={"host": host}).status_code == 200
    assert service(hosts=("box",)).get("/api/models", headers={"host": "box:1"}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:9999", "http://["]
)
def test_pages_of_other_sites(service, origin):
    client = service()
    for call in (client.get, client.post):
        assert call("/api/pictures", headers={"origin": origin}).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(
            "ws://localhost:8000/api/canvases/x/live", headers={"origin": origin}
        ),
    ):
        pass
    own = {"origin": "http://localhost:8000"}
    assert client.get("/api/models", headers=own).status_code == 200


def test_what_the_page_may_load(service):
    client = service()
    for path in ("/", "/static/main.js", "/static/gallery/cat.jpg", "/api/models", "/none"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert client.get(path).headers["x-content-type-options"] == "nosniff"
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"):
        assert client.get(path).status_code == 404
    page = client.get("/").text
    assert "http://" not in page
    assert "https://" not in page
    assert "<script>" not in page
    assert " style=" not in page
    assert re.search(r"\son\w+=", page) is None


def test_the_page_names_no_other_place():
    """Scripts, styles and pictures are in the package, and nothing becomes markup or code."""
    for file in (Path(studio.__file__).parent / "static").rglob("*"):
        if file.suffix not in (".js", ".css", ".html", ".svg"):
            continue
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        for word in ("http://", "https://", "//cdn", "eval(", "innerHTML", "document.write"):
            assert word not in text, (file.name, word)


def test_bombs_are_refused_before_they_are_decoded(service):
    """Files that say little and are much: a PNG of 400 megapixels in 400 kB, a TIFF likewise."""
    client = service()
    row = zlib.compress(b"\0" * (20_000 * 20_001), 9)
    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", head), (b"IDAT", row), (b"IEND", b""))
    )
    before = resident()
    answer = client.post("/api/pictures?name=bomb.png", content=png)
    assert answer.status_code == 422, answer.text
    assert "bomb.png" in answer.json()["error"]
    assert resident() - before < 100e6
    assert client.app.state.studio.store.counts["pictures"] == 0


def resident() -> float:
    said = Path("/proc/self/statm").read_text().split()
    return int(said[1]) * resource.getpagesize()


def test_an_upload_is_given_up_when_it_is_too_long(service):
    """Counted while it arrives, whatever its header says."""
    client = service(studio.Limits(upload=1000))
    read = 0

    def parts():
        nonlocal read
        for _ in range(100):
            read += 500
            yield b"x" * 500

    assert client.post("/api/pictures", content=parts()).status_code == 413
    assert client.post("/api/pictures", content=b"", headers={"content-length": "9" * 30}
                       ).status_code in (400, 413)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../../etc/passwd", "%2e%2e%2fetc%2fpasswd", "file:///etc/passwd", "C:\\x"],
)
def test_no_path_of_a_client_is_opened(service, photo_file, name, monkeypatch):
    """Names are for messages; what is asked for by a path is not there."""
    client = service()
    picture = client.post("/api/pictures", params={"name": name}, content=photo_file)
    assert picture.status_code == 201
    opened = []
    real = io.open
    monkeypatch.setattr("builtins.open", lambda *a, **k: (opened.append(a[0]), real(*a, **k))[1])
    wanted = {"picture": picture.json()["id"], "model": name}
    assert client.post("/api/canvases", json=wanted).status_code == 422
    assert client.post("/api/canvases", json={"picture": name, "model": "levin"}).status_code == 404
    assert client.get(f"/api/pictures/{quote(name, safe='')}").status_code == 404
    assert client.get(f"/static/{quote(name, safe='')}").status_code == 404
    assert not [path for path in opened if "passwd" in str(path)]
