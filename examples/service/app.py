"""A small colouring service, to be read and changed: POST a photo, get it back in colour.

    python app.py [--model disco] [--port 8000] [--workers 1] [--threads N] ...

    curl --data-binary @photo.jpg http://127.0.0.1:8000/colour -o coloured.png

One process holds one model. ``--workers`` pictures are in work at once and ``--queue`` wait;
whoever comes then gets 503 at once, so that neither memory nor latency grows with the load. A
picture that takes longer than ``--deadline`` is cancelled (504). /live answers while the process
lives, /ready once the model is loaded and has coloured a picture, /metrics in Prometheus' text
format. SIGTERM lets what is in work end. Nothing is written to disk.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

import colordeploy
from colordeploy.errors import Cancelled, ColorDeployError

logger = logging.getLogger("service")
LINGER = 2.0  # seconds for a client to see why its picture is refused
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")


class RefusedError(Exception):
    """A request that is answered with an error.

    Parameters
    ----------
    status : int
        Of HTTP.
    reason : str
        What the client is told.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Service:
    """A model, its queue and its counters."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.ready = threading.Event()
        self.failed = False
        self.answers: Counter[int] = Counter()
        self.seconds = 0.0
        self._places = threading.BoundedSemaphore(options.workers + options.queue)
        self._lock = threading.Lock()
        self._model: Any = None

    def start(self) -> None:
        """Load the model and colour a picture with it: the first one takes longer."""
        options = self.options
        self._model = colordeploy.load(
            options.model,
            device=options.device,
            threads=options.threads,
            max_concurrency=options.workers,
            build="never",  # TensorRT engines come with the image, see README.md
        )
        self._model(np.tile(np.arange(256, dtype=np.uint8), (256, 1)))
        self.ready.set()
        logger.info("ready: %s on %s", options.model, self._device())

    def start_or(self, give_up: Callable[[], None]) -> None:
        """`start`; a service that cannot is ended, so that its supervisor sees it."""
        try:
            self.start()
        except Exception as error:
            self.failed = True
            expected = isinstance(error, ColorDeployError)
            logger.error("the model does not start: %s", error, exc_info=not expected)
            give_up()

    def stop(self) -> None:
        """Free the model."""
        self.ready.clear()
        if self._model is not None:
            self._model.close()

    def colour(self, read: Callable[[], bytes]) -> bytes:
        """A picture in colour, as PNG.

        Parameters
        ----------
        read : callable
            Gives the file. It is called when there is a place for it: what waits for one is in
            nobody's memory.

        Raises
        ------
        RefusedError
            For what cannot be read or is too large, while too many wait, and past the deadline.
        """
        if not self.ready.is_set():
            raise RefusedError(503, "the model is being loaded")
        if not self._places.acquire(blocking=False):
            raise RefusedError(503, "too many pictures are waiting; try again later")
        token = colordeploy.CancelToken()
        timer = threading.Timer(self.options.deadline, token.cancel)
        timer.start()
        try:
            picture = self._opened(read())
            with self._model.prepare(picture, cancel=token) as canvas:
                rgb = canvas.render(cancel=token)
        except Cancelled:
            raise RefusedError(504, f"not done within {self.options.deadline:g} s") from None
        except ColorDeployError as error:
            raise RefusedError(400, str(error)) from None
        finally:
            timer.cancel()
            self._places.release()
        out = io.BytesIO()
        Image.fromarray(rgb).save(out, "PNG", compress_level=3)
        return out.getvalue()

    def _opened(self, content: bytes) -> Image.Image:
        try:
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
        except Exception:  # Pillow raises whatever a damaged file leads it to
            raise RefusedError(415, f"no picture in one of {', '.join(FORMATS)}") from None
        if picture.width * picture.height > 1e6 * self.options.max_megapixels:
            limit = self.options.max_megapixels
            raise RefusedError(
                413, f"{picture.width}x{picture.height} is more than {limit:g} megapixels"
            )
        return picture

    def count(self, status: int, seconds: float) -> None:
        """Note an answer down."""
        with self._lock:
            self.answers[status] += 1
            self.seconds += seconds

    def metrics(self) -> str:
        """Counters in Prometheus' text format."""
        with self._lock:
            lines = ["# TYPE colour_requests_total counter"]
            lines += [
                f'colour_requests_total{{status="{status}"}} {count}'
                for status, count in sorted(self.answers.items())
            ]
            lines += ["# TYPE colour_seconds_total counter"]
            lines += [f"colour_seconds_total {self.seconds:.6f}"]
        lines += ["# TYPE colour_ready gauge", f"colour_ready {int(self.ready.is_set())}"]
        return "\n".join(lines) + "\n"

    def _device(self) -> str:
        return ", ".join(sorted({graph.device for graph in self._model.graphs.values()}))


def handler(service: Service) -> type[BaseHTTPRequestHandler]:
    """The routes of a service."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30  # seconds that a client may be silent

        def do_GET(self) -> None:
            if self.path == "/live":
                self._answer(200, b"alive\n")
            elif self.path == "/ready":
                ready = service.ready.is_set()
                self._answer(200 if ready else 503, b"ready\n" if ready else b"loading\n")
            elif self.path == "/metrics":
                self._answer(200, service.metrics().encode(), "text/plain; version=0.0.4")
            else:
                self._answer(404, b"there are /colour, /live, /ready and /metrics\n")

        def do_POST(self) -> None:
            begin = time.perf_counter()
            try:
                length = self._length()
                body = service.colour(lambda: self._content(length))
                status, kind = 200, "image/png"
            except RefusedError as refused:
                status, kind = refused.status, "application/json"
                body = json.dumps({"error": str(refused)}).encode()
            except Exception:
                logger.exception("a request failed")
                status, kind = 500, "application/json"
                body = b'{"error": "this picture could not be coloured"}'
            service.count(status, time.perf_counter() - begin)
            self._answer(status, body, kind)
            if self.close_connection:
                self._linger()

        def _length(self) -> int:
            self.close_connection = True  # until the picture has been read
            if self.path != "/colour":
                raise RefusedError(404, "pictures are posted to /colour")
            length, limit = self.headers.get("Content-Length", ""), service.options.max_megabytes
            if not length.isdigit():
                raise RefusedError(411, "say the picture's length (Content-Length)")
            if int(length) > 1e6 * limit:
                raise RefusedError(413, f"a picture may have {limit:g} megabytes")
            return int(length)

        def _content(self, length: int) -> bytes:
            """The body; whoever sends it too slowly does not keep his place."""
            until = time.monotonic() + service.options.deadline
            found = bytearray()
            while len(found) < length:
                try:
                    self.connection.settimeout(max(0.01, until - time.monotonic()))
                    part = self.rfile.read1(length - len(found))
                except TimeoutError:
                    raise RefusedError(408, "the picture came too slowly") from None
                if not part:
                    raise RefusedError(400, "the picture ended before its length")
                found += part
            self.connection.settimeout(self.timeout)
            self.close_connection = False
            return bytes(found)

        def _linger(self) -> None:
            """Throw away what is still being sent: closing at once would lose the answer."""
            until = time.monotonic() + LINGER
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_WR)
                while (left := until - time.monotonic()) > 0:
                    self.connection.settimeout(left)
                    if not self.rfile.read1(1 << 16):
                        break

        def _answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if status == 503:
                self.send_header("Retry-After", "1")
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            logger.debug(format, *arguments)

    return Handler


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="disco", help="one that needs no guidance: disco, rasc")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 in a container")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=_at_least_one, default=1, help="pictures in work at once")
    parser.add_argument(
        "--threads", type=_at_least_one, help="CPU threads of each; default: all there are"
    )
    parser.add_argument("--queue", type=int, default=8, help="pictures that may wait")
    parser.add_argument("--deadline", type=float, default=30.0, help="seconds, waiting included")
    parser.add_argument("--max-megapixels", type=float, default=24.0)
    parser.add_argument("--max-megabytes", type=float, default=50.0)
    return parser.parse_args(arguments)


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"at least 1, not {text}")
    return value


def main() -> int:
    options = parsed()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    service = Service(options)
    server = ThreadingHTTPServer((options.host, options.port), handler(service))
    server.daemon_threads = False  # answers that are being made are waited for at the end

    def end(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    loading = threading.Thread(target=service.start_or, args=(end,))
    loading.start()
    print(f"listening on {options.host}:{server.server_address[1]}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever(poll_interval=0.1)
    loading.join()
    server.server_close()
    service.stop()
    return int(service.failed)


if __name__ == "__main__":
    sys.exit(main())
