"""Who may talk to the service: token, Host and Origin; and what the page may load."""

from __future__ import annotations

import hmac
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

_COOKIE = "colordeploy-token"  # and the port: cookies do not keep services of one name apart
_LOCAL = ("localhost", "127.0.0.1", "[::1]")
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Middleware around the whole service.

    A request is let through when its Host is one of ours (a name that an attacker made point here,
    DNS rebinding, is none), its Origin, where a browser sends one, is the service itself (no page
    of another site posts here), and it knows the token: as a cookie, as ``Authorization: Bearer``,
    or once as ``?token=`` on the page, which becomes the cookie. The page's own files need none.

    Parameters
    ----------
    app : ASGI application
    token : str or None
        None lets everybody in who passes the other two.
    hosts : sequence of str
        Names by which the service is called, besides those of this machine's loopback.
    """

    def __init__(self, app: ASGIApp, token: str | None, hosts: tuple[str, ...] = ()) -> None:
        self._app, self._token = app, token
        self._hosts = {*_LOCAL, *(host.lower() for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or answer."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "not allowed"})
        else:
            await refusal(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        host = headers.get("host", "").lower()
        if _name_of(host) not in self._hosts:
            return _no(
                421,
                f"this service is not called {_name_of(host)!r}; use localhost, or start it with "
                "--host",
            )
        origin = headers.get("origin")
        if origin is not None and _netloc_of(origin) != host:
            return _no(403, f"requests from pages of {origin!r} are not allowed")
        if scope["path"].startswith("/static/") or self._knows(scope, headers):
            return self._signed_in(scope, headers)
        return _no(
            401,
            "the token is missing or wrong; open the address that colordeploy studio printed, or "
            "send it as Authorization: Bearer",
        )

    def _knows(self, scope: Scope, headers: dict[str, str]) -> bool:
        given = headers.get("authorization", "").removeprefix("Bearer ").strip()
        cookie = SimpleCookie(headers.get("cookie", "")).get(_cookie_of(headers))
        return (
            self._same(given)
            or (cookie is not None and self._same(cookie.value))
            or (scope["path"] == "/" and self._same(_token_of(scope)))
        )

    def _same(self, given: str) -> bool:
        return self._token is None or hmac.compare_digest(given.encode(), self._token.encode())

    def _signed_in(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        """The page with the token in its address becomes the page with a cookie."""
        if scope["type"] != "http" or scope["path"] != "/" or not _token_of(scope):
            return None
        query = scope["query_string"].decode("latin-1")
        rest = "&".join(part for part in query.split("&") if not part.startswith("token="))
        answer = RedirectResponse("/" + (f"?{rest}" if rest else ""), 303)
        answer.set_cookie(
            _cookie_of(headers),
            _token_of(scope),
            httponly=True,
            samesite="strict",
            max_age=30 * 86400,
        )
        return answer


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(
                    (name.encode(), value.encode())
                    for name, value in _HEADERS.items()
                    if name.encode() not in there
                ),
            ]
        await send(message)

    return sent


def _name_of(host: str) -> str:
    """A host without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _cookie_of(headers: dict[str, str]) -> str:
    """Name of the cookie of the service at this port."""
    port = headers.get("host", "").rpartition("]")[2].rpartition(":")[2]
    return f"{_COOKIE}-{port}" if port.isdecimal() else _COOKIE


def _netloc_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # an address that is none
        return ""


def _token_of(scope: Scope) -> str:
    query: str = scope["query_string"].decode("latin-1")
    return parse_qs(query).get("token", [""])[0]


def _no(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status)
