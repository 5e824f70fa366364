from __future__ import annotations

import subprocess
import sys

import pytest

import colordeploy
from colordeploy.bundle import Bundle, default_bundles


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


def test_nothing_needs_scipy_but_the_matrix():
    code = (
        "import sys; sys.modules['scipy'] = None;"
        "import numpy as np, colordeploy;"
        "from colordeploy import Stroke, native;"
        "from colordeploy.errors import BackendError;"
        "gray = np.linspace(0, 1, 600).reshape(20, 30);"
        "colordeploy.load('lga', device='cpu')(gray, [Stroke([(1, 1)], 'red')]);"
        "colordeploy.load('disco', device='cpu')(gray);"
        "import colordeploy.cli;"
        "p = native.Propagator(np.zeros((4, 5, 1)), sigma=1.0, alpha=1.0);\n"
        "try: p.matrix(np.ones((4, 5), bool))\n"
        "except BackendError as error: print(error)"
    )
    assert "pip install 'colordeploy[matrix]'" in fresh(code)


def test_the_licences_are_all_in_the_metadata():
    """The program's, and those of the weights that are shipped with it."""
    from importlib.metadata import metadata

    found = metadata("colordeploy")
    assert found["License-Expression"] == "Apache-2.0 AND CC-BY-SA-4.0"
    files = found.get_all("License-File")
    assert {"LICENSE", "NOTICE", "LICENSES/CC-BY-SA-4.0.txt"} <= set(files)
    licences = {Bundle(path).manifest.licence for path in default_bundles().values()}
    spelled = {licence.replace(" ", "-") for licence in licences}
    assert spelled <= set(found["License-Expression"].split(" AND "))
