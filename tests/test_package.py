from __future__ import annotations

import subprocess
import sys

import pytest

import colordeploy


def fresh(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def test_import_is_light_and_fast():
    code = (
        "import sys, time; t = time.perf_counter(); import colordeploy;"
        "print(time.perf_counter() - t);"
        "print([m for m in ('torch', 'onnx', 'onnxruntime', 'scipy', 'numpy', 'PIL')"
        " if m in sys.modules])"
    )
    seconds, heavy = fresh(code).splitlines()
    assert float(seconds) < 0.3
    assert heavy == "[]"


def test_inference_loads_no_torch():
    code = (
        "import sys, numpy as np, colordeploy;"
        "from colordeploy import Stroke;"
        "m = colordeploy.load('lga');"
        "m(np.zeros((20, 20)), [Stroke([(1, 1)], 'red')]);"
        "import colordeploy.cli;"
        "print([m for m in ('torch', 'onnx', 'export', 'matplotlib') if m in sys.modules])"
    )
    assert fresh(code) == "[]"


def test_public_names():
    for name in colordeploy.__all__:
        assert getattr(colordeploy, name) is not None
    assert dir(colordeploy) == sorted(colordeploy.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        _ = colordeploy.nothing
