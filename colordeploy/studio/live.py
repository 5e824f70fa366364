"""Colours that follow the hand: one WebSocket a canvas, binary pixels, stale edits cancelled.

The client sends ``{"number": 7, "guidance": {...}, "view": {"size": 512}}``, as often as it likes;
the newest counts: one that waits is replaced, one that is computed is cancelled while it is less
than half done, unless there was no frame for long (who sends without a rest would else see
nothing). A client that follows a hand sends the next when the last is answered. An answer is a
frame of a header, little-endian, and pixels:

    uint32 number, y0, x0, y1, x1 (in image pixels), height, width (of the pixels), milliseconds
    height * width * 4 bytes RGBA

With ``"draft": true`` in its view a message is of what is still being drawn: the frame may be of a
coarser canvas, prepared while the client looks at its first pixels; where there is none yet, or the
method has none, it is the exact one.

An error is a text message ``{"number": 7, "error": "..."}``; the connection stays.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import time
from typing import Any

from anyio import to_thread
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..cancellation import CancelToken
from ..errors import Cancelled, ColorDeployError
from .store import GoneError, HeldCanvas, UnknownError
from .studio import Studio
from .views import view_of

__all__ = ["live"]

_LOG = logging.getLogger("colordeploy")
_HEADER = struct.Struct("<8I")
_PATIENCE = 2.0  # times of a frame without one, after which the work in hand is finished


async def live(socket: WebSocket, studio: Studio) -> None:
    """Serve one connection until it ends."""
    await socket.accept()
    name = socket.path_params["id"]
    try:
        studio.store.canvas(name)
    except (GoneError, UnknownError) as error:
        await socket.send_json({"error": _reason(name, error), "gone": True})
        await socket.close(4410)
        return
    connection = _Connection(socket, studio, name)
    painter = asyncio.create_task(connection.paint())
    preparer = asyncio.create_task(connection.prepare_draft())
    try:
        await connection.listen()
    except WebSocketDisconnect:
        pass
    finally:
        connection.end()
        await painter
        await preparer


class _Connection:
    def __init__(self, socket: WebSocket, studio: Studio, name: str) -> None:
        self._socket, self._studio, self._name = socket, studio, name
        self._newest: dict[str, Any] | None = None
        self._arrived = asyncio.Event()
        self._token, self._draft_token = CancelToken(), CancelToken()
        self._began = self._shown = time.monotonic()
        self._usual = 0.0  # seconds that the last frame took
        self._ended = False

    async def listen(self) -> None:
        """Take messages; the newest replaces the one before."""
        while True:
            text = await self._socket.receive_text()
            if len(text) > self._studio.limits.message:
                await self._say(None, f"a message has at most {self._studio.limits.message} bytes")
                continue
            try:
                message = json.loads(text)
            except ValueError:
                message = None
            if not isinstance(message, dict) or not isinstance(message.get("number"), int):
                await self._say(None, "a message is an object with number, guidance and view")
                continue
            self._newest = message
            self._arrived.set()
            now = time.monotonic()
            early = now - self._began < self._usual / 2
            if early and now - self._shown < _PATIENCE * self._usual:
                self._token.cancel()

    async def prepare_draft(self) -> None:
        """Prepare for a hand; without it, what it draws is answered exactly."""
        try:
            held = self._studio.store.canvas(self._name)
            await to_thread.run_sync(self._studio.prepare_draft, held, self._draft_token)
        except (ColorDeployError, GoneError, MemoryError) as error:
            _LOG.info("studio: no draft for a canvas: %s", error)

    async def paint(self) -> None:
        """Answer the newest message, one at a time."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            if self._ended:
                return
            message, self._newest = self._newest, None
            if message is None:
                continue
            self._token = CancelToken()
            number = message["number"]
            try:
                await self._answer(number, message)
            except Cancelled:
                continue
            except (GoneError, UnknownError) as error:
                await self._say(number, _reason(self._name, error), gone=True)
            except ColorDeployError as error:
                await self._say(number, " ".join(str(error).split()))
            except MemoryError:
                await self._say(number, "there is no memory left for this picture on the server")
            except (WebSocketDisconnect, RuntimeError):  # it went away while it was answered
                return
            except Exception:  # a fault of ours ends no connection, and is said there
                _LOG.exception("studio: a render failed")
                await self._say(number, "this could not be rendered; the log says why")

    async def _answer(self, number: int, message: dict[str, Any]) -> None:
        self._began = time.monotonic()
        view = view_of(message)
        held: HeldCanvas = self._studio.store.canvas(self._name)
        pixels = await to_thread.run_sync(
            self._studio.render, held, message.get("guidance"), view, self._token
        )
        y0, x0, y1, x1 = view.get("region") or (0, 0, *held.canvas.size)
        self._usual = time.monotonic() - self._began
        spent = round(self._usual * 1000)
        head = _HEADER.pack(number & 0xFFFFFFFF, y0, x0, y1, x1, *pixels.shape[:2], spent)
        await self._socket.send_bytes(head + pixels.tobytes())
        self._shown = time.monotonic()

    async def _say(self, number: int | None, error: str, *, gone: bool = False) -> None:
        await self._socket.send_json({"number": number, "error": error, "gone": gone})

    def end(self) -> None:
        """Cancel the work in hand, and let `paint` end."""
        self._ended = True
        self._token.cancel()
        self._draft_token.cancel()
        self._arrived.set()


def _reason(name: str, error: KeyError) -> str:
    if isinstance(error, GoneError):
        return f"this canvas {error.args[0]}; prepare the picture again"
    return f"there is no canvas {name!r}"
