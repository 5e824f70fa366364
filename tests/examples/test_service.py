"""The service recipe: what it promises to its clients, to its supervisor, and to its container."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "service"
LIMITS = ("--max-megapixels", "0.1", "--max-megabytes", "0.2", "--threads", "1")


class Client:
    def __init__(self, *options):
        # As in a container: no HOME, no rights to a working folder, no bytecode.
        self.process = subprocess.Popen(
            [sys.executable, FOLDER / "app.py", "--port", "0", "--device", "cpu", *options],
            env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def ask(self, path, body=None):
        """Status and content."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", body, 120) as found:
                return found.status, found.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def wait(self):
        until = time.monotonic() + 120
        while self.ask("/ready")[0] != 200:
            assert time.monotonic() < until, self.process.stderr.read()
            time.sleep(0.1)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def client():
    made = Client(*LIMITS)
    made.wait()
    yield made
    made.process.kill()
    made.process.wait()
    made.process.stdout.close()
    made.process.stderr.close()


def encoded(height, width, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(np.full((height, width), 120, np.uint8)).save(file, kind)
    return file.getvalue()


def test_a_picture_comes_back_in_its_own_size(client):
    assert client.ask("/live")[0] == 200
    status, body = client.ask("/colour", encoded(60, 80, "JPEG"))
    assert status == 200
    with Image.open(io.BytesIO(body)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (80, 60))


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        ("/colour", b"no picture", 415, "JPEG"),
        ("/colour", b"%!PS-Adobe-3.0 EPSF-3.0", 415, "JPEG"),
        ("/colour", encoded(60, 80)[:60], 400, ""),
        ("/colour", encoded(400, 400), 413, "megapixels"),
        ("/colour", b"x" * 300_000, 413, "megabytes"),
        ("/other", b"x", 404, "/colour"),
    ],
)
def test_what_is_refused(client, path, body, status, word):
    found, answer = client.ask(path, body)
    assert found == status, answer
    assert word in json.loads(answer)["error"]
    assert client.ask("/colour", encoded(40, 40))[0] == 200  # the next one


def test_a_body_that_does_not_come_keeps_no_place():
    """Neither slow clients nor broken ones take the places of others for long."""
    client = Client("--workers", "1", "--queue", "0", "--threads", "1", "--deadline", "2")
    try:
        client.wait()
        head = b"POST /colour HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc"
        for ended, status in ((True, b" 400 "), (False, b" 408 ")):
            with socket.create_connection(("127.0.0.1", client.port), 60) as slow:
                slow.sendall(head)
                if ended:
                    slow.shutdown(socket.SHUT_WR)
                else:
                    time.sleep(0.5)
                    # Its place is the only one.
                    assert client.ask("/colour", encoded(40, 40))[0] == 503
                    assert client.ask("/colour", bytes(8_000_000))[0] == 503  # much to throw away
                assert status in slow.recv(100)
        assert client.ask("/colour", b"no picture")[0] == 415  # there is a place again
    finally:
        assert client.end() == 0
        client.process.stdout.close()
        client.process.stderr.close()


@pytest.mark.parametrize("options", [("--model", "nope"), ("--workers", "0")])
def test_a_service_that_cannot_start_ends(options):
    done = subprocess.run(
        [sys.executable, FOLDER / "app.py", "--port", "0", *options],
        capture_output=True, text=True,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}, cwd="/", timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode in (1, 2)
    assert options[1] in done.stderr
    assert "Traceback" not in done.stderr


def test_metrics(client):
    before = client.ask("/metrics")[1].decode()
    client.ask("/colour", b"no picture")
    after = client.ask("/metrics")[1].decode()

    def number(text):
        found = re.search(r'colour_requests_total\{status="415"\} (\d+)', text)
        return int(found[1]) if found else 0

    assert number(after) == number(before) + 1
    assert "colour_ready 1" in after


def test_more_than_may_wait_are_sent_away_and_sigterm_ends():
    client = Client("--workers", "1", "--queue", "0", "--threads", "1")
    try:
        assert client.ask("/colour", encoded(40, 40))[0] in (200, 503)  # loading, or just ready
        client.wait()
        found, large = [], encoded(900, 900)
        posts = [
            threading.Thread(target=lambda: found.append(client.ask("/colour", large)[0]))
            for _ in range(6)
        ]
        for post in posts:
            post.start()
        for post in posts:
            post.join()
        assert set(found) == {200, 503}
        assert client.end() == 0
        assert "Traceback" not in client.process.stderr.read()
    finally:
        client.process.kill()
        client.process.wait()
        client.process.stdout.close()
        client.process.stderr.close()


@pytest.mark.parametrize("name", ["Containerfile", "Containerfile.cuda"])
def test_container_files(name):
    """By reading: nobody runs it, and what it copies and passes is there."""
    text = (FOLDER / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    last = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert "USER 65534:65534" in last
    for line in lines:
        if line.startswith("COPY ") and "--from" not in line:
            assert (ROOT / line.split()[1]).exists(), line
    command = json.loads(next(line for line in last if line.startswith("CMD ")).partition(" ")[2])
    known = subprocess.run(
        [sys.executable, FOLDER / "app.py", "--help"], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert all(word in known for word in command if word.startswith("--"))
