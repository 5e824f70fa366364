"""ONNX Runtime is imported in one place, with its telemetry off."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from colordeploy.errors import BackendError
from colordeploy.runtime.onnx_import import import_onnxruntime

ROOT = Path(__file__).parents[2]
RENDER = (
    "import numpy as np, colordeploy;"
    "from colordeploy import Stroke;"
    "model = colordeploy.load('lga', device='cpu');"
    "model(np.zeros((20, 20)), [Stroke([(1, 1)], 'red')]);"
    "import threading, os; print(*sorted(open(f'/proc/self/task/{t}/comm').read().strip() "
    "for t in os.listdir('/proc/self/task')))"
)


@pytest.mark.fault(32, 34)
@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("before", ["", "import onnxruntime;"])
@pytest.mark.parametrize("set_to", [None, "0"])
def test_nothing_is_written_into_a_fresh_home(tmp_path, before, set_to):
    """Whatever the environment says; a host that imports it first has it switched off late."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ORT_", "XDG_"))}
    environment["HOME"] = str(tmp_path)
    if set_to is not None:
        environment["ORT_DISABLE_TELEMETRY"] = set_to
    done = subprocess.run(
        [sys.executable, "-c", before + RENDER],
        env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    if not before:
        assert [str(path) for path in tmp_path.rglob("*")] == []


def test_the_switch_is_thrown_after_a_hosts_own_import(monkeypatch):
    host, thrown = ModuleType("onnxruntime"), []
    host.InferenceSession = object
    host.disable_telemetry_events = lambda: thrown.append(1)
    monkeypatch.setitem(sys.modules, "onnxruntime", host)
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    assert import_onnxruntime() is host
    assert thrown == [1]
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"  # for child processes


@pytest.mark.fault(31)
def test_broken_installations_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(BackendError, match=r"does not load.*--force-reinstall onnxruntime"):
        import_onnxruntime()
    # A folder without its __init__.py, as after the removal of one of two packages.
    monkeypatch.setitem(sys.modules, "onnxruntime", ModuleType("onnxruntime"))
    with pytest.raises(BackendError, match="only parts of ONNX Runtime are installed"):
        import_onnxruntime()


def test_an_interruption_of_the_import_is_no_broken_installation(monkeypatch):
    """Compiled modules raise "initialization failed" from it."""

    def interrupted(name):
        raise ImportError("initialization failed") from KeyboardInterrupt()

    monkeypatch.setattr(importlib, "import_module", interrupted)
    with pytest.raises(KeyboardInterrupt):
        import_onnxruntime()


@pytest.mark.parametrize("package", ["onnxruntime", "openvino"])
def test_nobody_else_imports_it(package):
    found = []
    for folder in ("colordeploy", "export", "bench"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                if package in names:
                    found.append(str(path.relative_to(ROOT)))
    assert found == []
