"""Who is let in, and what the page may load."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette")
pytest.importorskip("httpx2")

from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

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
    for path in ("/", "/static/main.js", "/api/models", "/none"):
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
