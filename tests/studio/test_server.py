"""``colordeploy studio`` as a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from urllib.parse import urlsplit

import pytest

pytest.importorskip("uvicorn")

from colordeploy.errors import Cancelled

from .conftest import TOKEN
from .running import served

_USUAL = 8765
_COMMAND = [sys.executable, "-c", "from colordeploy.cli import main; main()", "studio"]


def test_the_usual_port_or_a_free_one(tmp_path):
    """Where another program has the port, the address that is printed says which it is."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", _USUAL))
            taken.listen()
        except OSError:
            pass  # another program has it: as good
        with subprocess.Popen(
            [*_COMMAND, "--no-browser"], stderr=subprocess.PIPE, text=True, cwd=tmp_path
        ) as process:
            assert process.stderr is not None
            said = next(line for line in process.stderr if "http://" in line)
            address = "http://" + said.strip().rpartition("http://")[2]
            assert not address.startswith(f"http://127.0.0.1:{_USUAL}/")
            token = address.partition("?token=")[2]
            request = urllib.request.Request(
                address.partition("?")[0] + "api/models",
                headers={"authorization": f"Bearer {token}"},
            )
            with urllib.request.urlopen(request, timeout=20) as answer:
                assert answer.status == 200
            process.send_signal(signal.SIGINT)
            assert process.wait(20) in (0, 130, -signal.SIGINT)
    assert list(tmp_path.iterdir()) == []  # no file is written


@pytest.mark.parametrize("wrong", ["picture", "bundle", "port"])
def test_what_is_wrong_is_one_line(tmp_path, wrong):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        arguments, word = {
            "picture": (["none.jpg"], "no such file"),
            "bundle": (["--model", "none"], "none"),
            "port": (["--port", str(taken.getsockname()[1])], "choose another --port"),
        }[wrong]
        done = subprocess.run(
            [*_COMMAND, "--no-browser", *arguments],
            capture_output=True, text=True, cwd=tmp_path, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("gone_while", ["sending", "preparing"])
def test_who_goes_away_leaves_no_traceback(photo_file, gone_while, capfd):
    """A tab that is closed, a model that is changed again at once."""
    begun, ended = threading.Event(), threading.Event()

    class Slow:
        method = "levin"

        def prepare(self, picture, cancel, **keywords):
            begun.set()
            while not cancel.cancelled:
                time.sleep(0.01)
            ended.set()
            raise Cancelled("stopped")

        def close(self) -> None:
            pass

    with served(loader=lambda name: Slow()) as address:
        host = urlsplit(address)
        head = f"Host: {host.netloc}\r\nAuthorization: Bearer {TOKEN}\r\n"

        def call(path: str, body: bytes, length: int) -> socket.socket:
            connection = socket.create_connection((host.hostname, host.port))
            line = f"POST {path} HTTP/1.1\r\n{head}Content-Length: {length}\r\n\r\n"
            connection.sendall(line.encode() + body)
            return connection

        if gone_while == "sending":
            call("/api/pictures", photo_file[:100], len(photo_file)).close()
            time.sleep(0.3)
        else:
            request = urllib.request.Request(
                f"http://{host.netloc}/api/pictures",
                photo_file,
                {"authorization": f"Bearer {TOKEN}"},
            )
            with urllib.request.urlopen(request, timeout=20) as answer:
                picture = json.load(answer)["id"]
            body = json.dumps({"picture": picture, "model": "levin"}).encode()
            connection = call("/api/canvases", body, len(body))
            assert begun.wait(20)
            connection.close()
            assert ended.wait(20)
            time.sleep(0.3)
    assert capfd.readouterr().err == ""
