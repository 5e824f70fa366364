"""Serve the studio on this machine, and open the page."""

from __future__ import annotations

import logging
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import BackendError, InputError
from .app import create_app
from .limits import Limits

__all__ = ["serve"]

_LOG = logging.getLogger("colordeploy")
USUAL_PORT = 8765
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    picture: Path | None,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    limits: Limits | None = None,
    loader: Callable[[str], Any],
    bundles: Sequence[Path] = (),
    browser: bool = True,
    told: Callable[[str], None],
) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    picture : Path, optional
        That the page opens with.
    host : str
        Address to listen at; others than loopback are reachable from other machines.
    port : int, optional
        0 takes a free one; None the usual one, or a free one where that is taken. At the same port
        a browser finds again what was drawn there: it keeps that by address.
    limits : Limits, optional
    loader : callable
        From a model's name, or a bundle's path, to a model.
    bundles : sequence of Path
        Of further models.
    browser : bool
        Whether a browser is opened.
    told : callable
        Gets the address with the token, to be shown.

    Raises
    ------
    BackendError
        Without the extra [studio].
    InputError
        When the picture cannot be read, or the address not be taken.
    """
    try:
        import uvicorn
    except ImportError:
        raise BackendError(
            "the studio needs a web server: pip install 'colordeploy[studio]'"
        ) from None
    first = None if picture is None else _content_of(picture)
    token = secrets.token_urlsafe(24)
    app = create_app(
        limits=limits,
        token=token,
        hosts=() if host in _LOOPBACK else (host, socket.gethostname().lower()),
        first=first,
        first_name="the picture" if picture is None else picture.name,
        loader=loader,
        bundles=bundles,
    )
    listening = _listening(host, port)
    if host not in _LOOPBACK:
        _LOG.warning("%s is reachable from other machines, and nothing is encrypted", host)
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{listening.getsockname()[1]}/?token={token}"
    told(address)
    if browser:  # a moment later: it connects to a socket that listens already
        threading.Timer(0.3, webbrowser.open, (address,)).start()
    options = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # it would hold the token
        ws_max_size=16 << 20,
        ws_per_message_deflate=False,  # packing a megapixel takes longer than colouring it
    )
    uvicorn.Server(options).run(sockets=[listening])


def _listening(host: str, port: int | None) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if port is None:
        try:
            return socket.create_server((host, USUAL_PORT), family=family)
        except OSError:
            _LOG.info("studio: port %d is taken", USUAL_PORT)
    try:
        return socket.create_server((host, port or 0), family=family)
    except OSError as error:
        raise InputError(
            f"cannot listen at {host}, port {port or 0}: {error.strerror}; choose another --port"
        ) from None


def _content_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"no such file: {path}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
