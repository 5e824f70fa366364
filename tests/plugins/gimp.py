"""GIMP 2.10 with the plug-in, driven by Script-Fu's server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ..c.building import ROOT, install, onnxruntime_library, run, tool

BUILD = ROOT / "build" / "gimp"
SECONDS = 120


def build() -> Path:
    """Build the plug-in and install it; returns the folder of plug-ins."""
    cmake, pkg_config = tool("cmake"), tool("pkg-config")
    tool("gimp-2.10", "gimp")
    if subprocess.run([pkg_config, "--exists", "gimpui-2.0"], check=False).returncode != 0:
        pytest.skip("libgimp's headers are not installed: apt install libgimp2.0-dev")
    prefix = install()
    folder = BUILD / "plug-ins"
    environment = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:  # tests run in several processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(BUILD / "build", ignore_errors=True)  # small, and the prefix may be another
        run([
            cmake, "-S", ROOT / "plugins" / "gimp", "-B", BUILD / "build",
            "-DCOLORDEPLOY_WERROR=ON", f"-DCOLORDEPLOY_GIMP_PLUG_INS={folder}",
        ], env=environment)  # fmt: skip
        run([cmake, "--build", BUILD / "build"])
        run([cmake, "--install", BUILD / "build"])
    return folder


class GimpError(Exception):
    """A script that failed, and what GIMP said."""


def scheme(value: object) -> str:
    """A value as Script-Fu writes it."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, Path):
        return f'"{value}"'
    return str(value)


class Gimp:
    """A running GIMP with a folder of its own; without a display unless one is given."""

    def __init__(
        self, folder: Path, plug_ins: Path, environment: dict[str, str], display: str = ""
    ) -> None:
        self.folder = folder
        (folder / "environ").mkdir(parents=True)
        (folder / "plug-ins").symlink_to(plug_ins)
        lines = [f"{name}={value}" for name, value in environment.items()]
        (folder / "environ" / "colordeploy.env").write_text("\n".join(lines) + "\n")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = f'(plug-in-script-fu-server 1 "127.0.0.1" {port} "")'
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("COLORDEPLOY_")}
        words = [tool("gimp-2.10", "gimp"), "-d", "-f", "-n", "-s", "--stack-trace-mode=never"]
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen(
            [*words, *([] if display else ["-i"]), "-b", server],
            env={**inherited, "GIMP2_DIRECTORY": str(folder), "DISPLAY": display},
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.port = port
        self.answered = self._connect()

    def _connect(self) -> socket.socket:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
            except OSError:
                time.sleep(0.2)
        self.__exit__(None, None, None)
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def __enter__(self) -> Gimp:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if hasattr(self, "answered"):
            self.answered.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def send(self, script: str) -> None:
        """Start a script; `answer` waits for it."""
        data = script.encode()
        self.answered.sendall(b"G" + struct.pack(">H", len(data)) + data)

    def answer(self) -> str:
        """What its last expression gave."""
        magic, failed, length = struct.unpack(">cBH", self._received(4))
        text = self._received(length).decode()
        assert magic == b"G"
        if failed:
            raise GimpError(text)
        return text

    def _received(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.answered.recv(count - len(data))
            assert more, "GIMP ended: " + (self.folder / "log").read_text()[-2000:]
            data += more
        return data

    def run(self, script: str) -> str:
        """Run a script to its end."""
        self.send(script)
        return self.answer()

    def call(self, procedure: str, *arguments: object) -> list[int]:
        """Call a procedure of GIMP; returns the numbers that it returns."""
        words = " ".join(scheme(argument) for argument in arguments)
        text = self.run(f"({procedure} {words})")
        return [int(float(number)) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]

    def one(self, procedure: str, *arguments: object) -> int:
        """The only number that a procedure returns."""
        return self.call(procedure, *arguments)[0]

    def opened(self, pixels: NDArray[np.uint8]) -> tuple[int, int]:
        """A new image with these pixels: the image and its layer."""
        path = self.folder / "given.png"
        Image.fromarray(pixels).save(path)
        image = self.one("gimp-file-load", 1, path, '""')
        return image, self.one("gimp-image-get-active-layer", image)

    def layer(self, image: int, pixels: NDArray[np.uint8], x: int = 0, y: int = 0) -> int:
        """A new layer on top of an image."""
        path = self.folder / "layer.png"
        Image.fromarray(pixels).save(path)
        layer = self.one("gimp-file-load-layer", 1, image, path)
        self.run(f"(gimp-image-insert-layer {image} {layer} 0 0)")
        self.run(f"(gimp-layer-set-offsets {layer} {x} {y})")
        return layer

    def convert(self, image: int, precision: str) -> None:
        """Give an image a precision; GIMP refuses the one that it has."""
        if self.one("gimp-image-get-precision", image) != self.one("+", f"PRECISION-{precision}"):
            self.run(f"(gimp-image-convert-precision {image} PRECISION-{precision})")

    def seen(self, image: int, hidden: Sequence[int] = ()) -> NDArray[np.float64]:
        """What an image shows, (H, W, 3) in 0 ... 255, exported with 16 bits."""
        for layer in hidden:
            self.run(f"(gimp-item-set-visible {layer} FALSE)")
        copy = self.one("gimp-image-duplicate", image)
        if self.one("gimp-image-base-type", copy) != 0:
            self.run(f"(gimp-image-convert-rgb {copy})")
        self.convert(copy, "U16-GAMMA")
        self.run(f"(gimp-image-flatten {copy})")
        path = self.folder / "seen.ppm"
        layer = self.one("gimp-image-get-active-layer", copy)
        self.run(f'(file-ppm-save 1 {copy} {layer} "{path}" "" 1)')
        self.run(f"(gimp-image-delete {copy})")
        return read_pnm(path)

    def pixels(self, image: int, layer: int) -> NDArray[np.uint8]:
        """A layer's own pixels, (H, W, 4)."""
        path = self.folder / "pixels.png"
        copy = self.one("gimp-image-new", 16, 16, 0)
        inner = self.one("gimp-layer-new-from-drawable", layer, copy)
        self.run(f"(gimp-image-insert-layer {copy} {inner} 0 0)")
        self.run(f"(gimp-layer-set-mode {inner} LAYER-MODE-NORMAL)")
        self.run(f"(gimp-layer-add-alpha {inner})")
        self.run(f'(file-png-save 1 {copy} {inner} "{path}" "" 0 1 0 0 0 0 0)')
        self.run(f"(gimp-image-delete {copy})")
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGBA"))

    def offsets(self, layer: int) -> tuple[int, ...]:
        """A layer's offsets and size: x, y, width, height."""
        names = ("gimp-drawable-width", "gimp-drawable-height")
        return (
            *self.call("gimp-drawable-offsets", layer),
            *(self.one(name, layer) for name in names),
        )


def read_pnm(path: Path) -> NDArray[np.float64]:
    """A binary PPM of 8 or 16 bits, as 0 ... 255."""
    data = path.read_bytes()
    words: list[bytes] = []
    at = 0
    while len(words) < 4:
        end = data.index(b"\n", at) if data[at : at + 1] == b"#" else at
        if end > at:
            at = end + 1
            continue
        stop = at
        while not data[stop : stop + 1].isspace():
            stop += 1
        words.append(data[at:stop])
        at = stop + 1
    width, height, most = (int(word) for word in words[1:])
    kind = ">u2" if most > 255 else "u1"
    values = np.frombuffer(data, kind, width * height * 3, at)
    return values.reshape(height, width, 3) * (255 / most)


def environment() -> dict[str, str]:
    """What the plug-in needs besides itself."""
    return {"COLORDEPLOY_ONNXRUNTIME": str(onnxruntime_library())}
