"""Graphs: ONNX Runtime's interface as we declare it, and hosts with a runtime of their own."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from ctypes import byref, c_int64, c_void_p, pointer
from pathlib import Path

import numpy as np
import pytest

import colordeploy

from .building import ROOT, onnxruntime_library, run, tool
from .library import Close, Failure, Open, Run, Runtime, Tensor

LINE = [([(20, 30), (60, 90)], 5, (10, 200, 30))]
DECLARED = ROOT / "csrc" / "runtime" / "ort_api.hpp"


def test_our_declarations_are_those_of_the_header(tmp_path):
    """Every function stands in the table where the original header has it."""
    named = os.environ.get("COLORDEPLOY_ORT_HEADER")
    if not named:
        pytest.skip("COLORDEPLOY_ORT_HEADER names no onnxruntime_c_api.h")
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", Path(named).read_text(), flags=re.DOTALL)
    table = text[text.index("struct OrtApi {") :].partition("{")[2]
    entry = re.compile(
        r"ORT_API2_STATUS\((\w+)|ORT_CLASS_RELEASE\((\w+)|ORT_API_CALL\s*\*\s*(\w+)\s*\)"
    )
    places = {}
    for place, declared in enumerate(table.split(";")[:200]):
        found = entry.search(declared)
        if found:
            release = "Release" if found[2] else ""
            places[release + next(name for name in found.groups() if name)] = place
    ours = DECLARED.read_text()
    functions = re.findall(r"\(\*(\w+)\)\(", ours[ours.index("struct Api {") :].partition("};")[0])
    assert len(functions) > 25
    checks = "\n".join(
        f'static_assert(offsetof(Api, {name}) == {places[name]} * sizeof(void*), "{name}");'
        for name in functions
    )
    program = tmp_path / "compare.cpp"
    program.write_text(
        f'#include "{DECLARED}"\nusing namespace colordeploy::runtime::ort;\n{checks}\n'
    )
    run([tool("c++", "g++", "clang++"), "-std=c++17", "-fsyntax-only", program])
    for constant in (
        r"ORT_LOGGING_LEVEL_FATAL\b",
        r"OrtArenaAllocator = 1\b",
        r"OrtMemTypeDefault = 0\b",
    ):
        assert re.search(constant, text)


class Host:
    """A host whose runtime is ONNX Runtime's Python package."""

    def __init__(self, library, spoil=None):
        self.library, self.spoil = library, spoil
        self.sessions, self.closed, self.asked = {}, 0, []
        self.kept = Open(self.open), Run(self.run), Close(self.close)
        self.runtime = Runtime(open=self.kept[0], run=self.kept[1], close=self.kept[2])

    def open(self, user, graph, content, size):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.sessions[graph] = onnxruntime.InferenceSession(
            ctypes.string_at(content, size), options, providers=["CPUExecutionProvider"]
        )
        return 0

    def run(self, user, graph, inputs, count, cancel, outputs):
        if self.spoil == "fail":
            return 3
        session, given = self.sessions[graph], {}
        for tensor in inputs[:count]:
            shape = tensor.shape[: tensor.rank]
            flat = ctypes.cast(tensor.data, ctypes.POINTER(ctypes.c_float))
            given[tensor.name.decode()] = np.ctypeslib.as_array(flat, shape).copy()
        self.asked.append(graph.decode())
        names = [output.name for output in session.get_outputs()]
        for name, array in zip(names, session.run(names, given), strict=True):
            if self.spoil == "nan":
                array = np.full_like(array, np.nan)
            if self.spoil == "shape":
                array = array.reshape(-1)
            if self.spoil == name:
                continue
            tensor = Tensor(name.encode(), array.ctypes.data, 1, array.ndim)
            tensor.shape[: array.ndim] = (c_int64 * array.ndim)(*array.shape)
            self.library.call("cd_output", c_void_p(outputs), byref(tensor))
        return 0

    def close(self, user):
        self.closed += 1


def test_a_host_with_a_runtime_of_its_own(library, photo):
    host = Host(library)
    with (
        library.load("lga", runtime=pointer(host.runtime)) as model,
        model.prepare(photo) as canvas,
        colordeploy.load("lga", backend="onnxruntime", device="cpu", threads=1) as other,
    ):
        expected = other.prepare(photo).render(
            [colordeploy.Stroke(*LINE[0][:1], LINE[0][2], LINE[0][1])]
        )
        np.testing.assert_array_equal(canvas.lines(LINE), expected)
        assert host.asked == ["affinity"]
        assert canvas.info().device == b"cpu"  # of the solver
        assert host.closed == 0
    assert host.closed == 1


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        ("fail", "host's runtime failed in graph 'affinity'"),
        ("nan", "NaN or infinite"),
        ("shape", "of the shape"),
        ("features", "gave no output 'features'"),
    ],
)
def test_what_a_host_may_do_wrong(library, photo, spoil, word):
    host = Host(library, spoil)
    with library.load("lga", runtime=pointer(host.runtime)) as model:
        with pytest.raises(Failure, match=word) as failure:
            model.prepare(photo)
        assert failure.value.kind == "backend"
    assert host.closed == 1


def test_closed_when_loading_fails(library):
    host = Host(library)
    with pytest.raises(Failure):
        library.load("no such model", runtime=pointer(host.runtime))
    assert host.closed == 1


def test_no_telemetry(prefix, tmp_path):
    """Where ONNX Runtime may report, the library keeps it from that: no file appears at home."""
    code = (
        "import os, sys, ctypes; from pathlib import Path; from tests.c.library import *\n"
        "Library(Path(sys.argv[1])).load('lga').close()\n"
        "libc = ctypes.CDLL(None); libc.getenv.restype = ctypes.c_char_p\n"
        "print(libc.getenv(b'ORT_DISABLE_TELEMETRY').decode())\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    done = run(
        [sys.executable, "-c", code, prefix / "lib" / "libcolordeploy.so"],
        env={
            **environment,
            "HOME": str(tmp_path),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "COLORDEPLOY_ONNXRUNTIME": str(onnxruntime_library()),
        },
        cwd=ROOT,
    )
    assert done.stdout.split() == ["1"]
    assert list(tmp_path.rglob("*")) == []
