"""The service as an ASGI application: pictures, canvases and renders as resources, and the page."""

from __future__ import annotations

import asyncio
import json
import math
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from anyio import to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from ..cancellation import CancelToken
from ..errors import Cancelled, ColorDeployError, InputError
from ..models import load
from .guidance import describe
from .limits import Limits
from .live import live
from .openapi import description
from .security import Guard
from .store import GoneError, HeldCanvas, HeldPicture, UnknownError
from .studio import FILES, Studio
from .views import view_of

__all__ = ["create_app"]

_STATIC = Path(__file__).parent / "static"


class _TooLargeError(Exception):
    pass


def create_app(
    *,
    limits: Limits | None = None,
    token: str | None = None,
    hosts: tuple[str, ...] = (),
    first: bytes | None = None,
    first_name: str = "the picture",
    loader: Callable[[str], Any] = load,
    bundles: Sequence[str | os.PathLike[str]] = (),
) -> Starlette:
    """The service.

    Parameters
    ----------
    limits : Limits, optional
    token : str, optional
        What clients must know; None lets everybody in who calls the service by a name of its own.
    hosts : sequence of str
        Further names by which it is called.
    first : bytes, optional
        A picture file that the page opens with.
    first_name : str
    loader : callable
        From a model's name, or a bundle's path, to a model.
    bundles : sequence of path
        Of further models, imported ones say, known by the names in their manifests.

    Raises
    ------
    BundleError
        When there is no such bundle or it is damaged.
    InputError
        When the first picture cannot be read, or two models have one name.
    """
    studio = Studio(limits or Limits(), loader, bundles)
    if first is not None:
        studio.add_picture(first, first_name)  # an error is said before anything is served
    service = _Service(studio, first, first_name)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        studio.close()

    async def socket(websocket: WebSocket) -> None:
        await live(websocket, studio)

    app = Starlette(
        routes=[
            Route("/", service.page),
            Mount("/static", StaticFiles(directory=_STATIC)),
            Route("/api", service.api),
            Route("/api/models", service.models),
            Route("/api/first", service.first),
            Route("/api/pictures", service.add_picture, methods=["POST"]),
            Route("/api/pictures/{id}", service.picture, methods=["GET", "DELETE"]),
            Route("/api/canvases", service.add_canvas, methods=["POST"]),
            Route("/api/canvases/{id}", service.canvas, methods=["GET", "DELETE"]),
            Route("/api/canvases/{id}/renders", service.render, methods=["POST"]),
            Route("/api/canvases/{id}/affinities", service.affinities),
            Route("/api/canvases/{id}/anchor", service.anchor),
            Route("/api/canvases/{id}/regions", service.regions),
            Route("/api/canvases/{id}/matches", service.matches, methods=["POST"]),
            WebSocketRoute("/api/canvases/{id}/live", socket),
        ],
        middleware=[Middleware(Guard, token=token, hosts=hosts)],
        exception_handlers={
            ColorDeployError: _refused,
            GoneError: _gone,
            UnknownError: _unknown,
            _TooLargeError: _too_large,
            MemoryError: _no_memory,
            ClientDisconnect: _nobody,
            404: _not_here,
            405: _not_here,
            Exception: _fault,
        },
        lifespan=lifespan,
    )
    app.state.studio = studio
    return app


class _Service:
    def __init__(self, studio: Studio, first: bytes | None, first_name: str) -> None:
        self._studio = studio
        self._first, self._first_name = first, first_name

    async def page(self, request: Request) -> Response:
        return FileResponse(_STATIC / "index.html", headers={"cache-control": "no-store"})

    async def api(self, request: Request) -> Response:
        return JSONResponse(description(self._studio.limits))

    async def models(self, request: Request) -> Response:
        return JSONResponse({"models": await to_thread.run_sync(self._studio.models)})

    async def first(self, request: Request) -> Response:
        """The file that the page opens with: nothing else of this machine is ever sent."""
        if self._first is None:
            return Response(status_code=204)
        name = quote(self._first_name)
        return Response(
            self._first,
            media_type="application/octet-stream",
            headers={"content-disposition": f"attachment; filename*=UTF-8''{name}"},
        )

    async def add_picture(self, request: Request) -> Response:
        data = await _body(request, self._studio.limits.upload)
        name = request.query_params.get("name", "the picture")[:200]
        held = await to_thread.run_sync(self._studio.add_picture, data, name)
        return JSONResponse(_described(held), 201, headers={"location": f"/api/pictures/{held.id}"})

    async def picture(self, request: Request) -> Response:
        name = request.path_params["id"]
        if request.method == "DELETE":
            self._studio.store.remove(name)
            return Response(status_code=204)
        return JSONResponse(_described(self._studio.store.picture(name)))

    async def add_canvas(self, request: Request) -> Response:
        given = await _object(request, self._studio.limits.message)
        picture = self._studio.store.picture(_text(given, "picture"))
        model = _text(given, "model")
        keywords = {
            name: given[name] for name in ("size", "anchors", "seed") if given.get(name) is not None
        }
        token = CancelToken()
        held = await _cancelled_with(
            request, token, lambda: self._studio.prepare(picture, model, keywords, token)
        )
        return JSONResponse(describe(held), 201, headers={"location": f"/api/canvases/{held.id}"})

    async def canvas(self, request: Request) -> Response:
        name = request.path_params["id"]
        if request.method == "DELETE":
            self._studio.store.remove(name)
            return Response(status_code=204)
        return JSONResponse(describe(self._studio.store.canvas(name)))

    async def render(self, request: Request) -> Response:
        given = await _object(request, self._studio.limits.message)
        held = self._of(request)
        guidance, kind = given.get("guidance", {}), given.get("format", "png")
        view = view_of(given)
        if "region" in view:
            raise InputError("a file is of the whole result: view has size and saturation here")
        if not isinstance(kind, str):
            raise InputError(f"format is a word, not {kind!r:.60}")
        token = CancelToken()
        data, suffix = await _cancelled_with(
            request, token, lambda: self._studio.save(held, guidance, kind, view, token)
        )
        return Response(
            data,
            media_type=FILES[kind][0],
            headers={"content-disposition": f'attachment; filename="coloured.{suffix}"'},
        )

    async def affinities(self, request: Request) -> Response:
        held, query = self._of(request), request.query_params
        data = await to_thread.run_sync(
            self._studio.affinities, held, query.get("y"), query.get("x"), _size(request)
        )
        return Response(data, media_type="image/png")

    async def regions(self, request: Request) -> Response:
        held = self._of(request)
        data = await to_thread.run_sync(self._studio.regions, held, _size(request))
        return Response(data, media_type="image/png")

    async def anchor(self, request: Request) -> Response:
        held, query = self._of(request), request.query_params
        said = await to_thread.run_sync(self._studio.anchor, held, query.get("y"), query.get("x"))
        return JSONResponse(said)

    async def matches(self, request: Request) -> Response:
        given = await _object(request, self._studio.limits.message)
        held, reference = self._of(request), _text(given, "reference")
        said = await to_thread.run_sync(self._studio.matches, held, given.get("points"), reference)
        return JSONResponse(said)

    def _of(self, request: Request) -> HeldCanvas:
        return self._studio.store.canvas(request.path_params["id"])


async def _cancelled_with(request: Request, token: CancelToken, work: Callable[[], Any]) -> Any:
    """Work in a thread; when the client goes away, it is told to stop."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        token.cancel()

    watching = asyncio.ensure_future(watch())
    try:
        return await to_thread.run_sync(work)
    except Cancelled:
        raise ClientDisconnect from None
    finally:
        watching.cancel()


async def _body(request: Request, limit: int) -> bytes:
    """A request's body, which is not read further than the limit."""
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > limit:
        raise _TooLargeError(limit)
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > limit:
            raise _TooLargeError(limit)
    return bytes(data)


async def _object(request: Request, limit: int) -> dict[str, Any]:
    try:
        given = json.loads(await _body(request, limit), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise InputError("the request's body must be an object of JSON") from None
    if not isinstance(given, dict):
        raise InputError("the request's body must be an object of JSON")
    return given


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _text(given: dict[str, Any], name: str) -> str:
    if not isinstance(given.get(name), str):
        raise InputError(f"{name} is missing, or no text")
    return str(given[name])


def _size(request: Request) -> int | None:
    """A preview's short side, from the query."""
    given = request.query_params.get("size")
    if given is None:
        return None
    if not given.isascii() or not given.isdecimal() or len(given) > 6:
        raise InputError(f"size is a short side in pixels, not {given!r:.60}")
    return int(given)


def _described(held: HeldPicture) -> dict[str, Any]:
    picture = held.picture
    return {
        "id": held.id,
        "name": picture.name,
        "height": picture.size[0],
        "width": picture.size[1],
        "pages": picture.pages,
        "colour": picture.has_color(),
        "bytes": held.nbytes,
        "megapixels": math.ceil(picture.size[0] * picture.size[1] / 1e4) / 100,
    }


Handler = Callable[[Request, Exception], Awaitable[Response]]


async def _refused(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": " ".join(str(error).split())}, 422)


async def _gone(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"it {error.args[0]}; send or prepare it again"}, 410)


async def _unknown(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"there is nothing called {error.args[0]!r}"}, 404)


async def _too_large(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"that is more than the limit of {error.args[0]} bytes"}, 413)


async def _no_memory(request: Request, error: Exception) -> Response:
    return JSONResponse(
        {"error": "there is no memory left for this; make the picture smaller"}, 507
    )


async def _nobody(request: Request, error: Exception) -> Response:
    """The client has gone away: nobody reads this, and it is no fault to log."""
    return Response(status_code=499)


async def _not_here(request: Request, error: Exception) -> Response:
    status, headers = getattr(error, "status_code", 404), getattr(error, "headers", None)
    message = f"nothing is here for {request.method}; see /api"
    return JSONResponse({"error": message}, status, headers=headers)


async def _fault(request: Request, error: Exception) -> Response:
    """A fault of ours, which the server logs: said in the form of all others."""
    return JSONResponse({"error": "something went wrong here; the log says what"}, 500)
