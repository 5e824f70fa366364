"""A file of 900 MB is read as a stream: nothing but ONNX Runtime holds its weights."""

from __future__ import annotations

import subprocess
import sys

import pytest

from . import networks

pytestmark = pytest.mark.slow
SIZE = 900_000_000
SLACK = 64  # MiB

IMPORT = """
from pathlib import Path
from colordeploy.importing import Described, import_network
said = Described((("l-100",),), "ab", "x", "none", "nothing")
import_network(Path({file!r}), Path({out!r}), said)
"""
SESSION = """
import colordeploy.importing, numpy as np, onnxruntime as ort
options = ort.SessionOptions()
session = ort.InferenceSession({file!r}, options, providers=["CPUExecutionProvider"])
for _ in range(3):
    session.run(None, {{"x": np.zeros((1, 1, 256, 256), np.float32)}})
"""
PEAK = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"


def varint(number):
    found = b""
    while number > 127:
        found, number = found + bytes([number & 127 | 128]), number >> 7
    return found + bytes([number])


def write_large(file):
    """A small network with a table of zeros of SIZE bytes, which one of its nodes reads."""
    # Appended messages are merged, so the table is a second part of the graph, and a hole on disk.
    head = b"\x08" + varint(SIZE // 4) + b"\x10\x01" + b"\x42\x05table" + b"\x4a" + varint(SIZE)
    tensor = b"\x2a" + varint(len(head) + SIZE) + head
    with file.open("wb") as out:
        out.write(networks.ab_network(table=True))
        out.write(b"\x3a" + varint(len(tensor) + SIZE) + tensor)
        out.truncate(out.tell() + SIZE)


def peak(code, **values):
    script = code.format(**{name: str(value) for name, value in values.items()}) + PEAK
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_memory_is_that_of_onnx_runtime(tmp_path):
    file, out = tmp_path / "large.onnx", tmp_path / "bundle"
    write_large(file)
    alone = peak(SESSION, file=file)
    assert alone > SIZE / 2**20
    assert peak(IMPORT, file=file, out=out) < alone + SLACK
    assert (out / "network.onnx").stat().st_size == file.stat().st_size
