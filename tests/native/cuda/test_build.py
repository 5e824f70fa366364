"""What the build does about CUDA, and what the module says where there is no GPU."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pybind11
import pytest

import colordeploy.native
from colordeploy.errors import BackendError
from colordeploy.native import propagate
from colordeploy.native.device import cuda_module

ROOT = Path(__file__).resolve().parents[3]
needs_cmake = pytest.mark.skipif(not shutil.which("cmake"), reason="no cmake here")


def configure(folder, option, nvcc=None):
    """CMake's configuration; `nvcc` stands in front of the machine's own."""
    environment = {k: v for k, v in os.environ.items() if k not in ("CUDACXX", "CUDA_PATH")}
    hidden = [p for p in environment["PATH"].split(os.pathsep) if not Path(p, "nvcc").exists()]
    tools = folder / "tools"
    tools.mkdir()
    for tool in ("cmake", "c++", "g++", "gcc", "cc", "make", "ninja", "ld", "ar", "as", "ranlib"):
        if found := shutil.which(tool):
            (tools / tool).symlink_to(found)
    environment["PATH"] = os.pathsep.join([str(tools), *hidden])
    return subprocess.run(
        [
            "cmake", "-S", str(ROOT), "-B", str(folder / "build"), f"-DCOLORDEPLOY_CUDA={option}",
            f"-Dpybind11_DIR={pybind11.get_cmake_dir()}", f"-DPython_EXECUTABLE={sys.executable}",
            "-DCMAKE_CUDA_COMPILER=NOTFOUND",
        ],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@needs_cmake
def test_asked_for_without_nvcc(tmp_path):
    done = configure(tmp_path, "ON")
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    assert "COLORDEPLOY_CUDA=ON asks for the CUDA part, but no nvcc of 12.0" in said
    assert "COLORDEPLOY_CUDA=OFF" in said


@needs_cmake
@pytest.mark.parametrize("option", ["AUTO", "OFF"])
def test_not_asked_for(tmp_path, option):
    done = configure(tmp_path, option)
    assert done.returncode == 0, done.stderr
    assert "without the CUDA part" in done.stdout


def test_without_the_module(monkeypatch):
    monkeypatch.delattr(colordeploy.native, "_cuda", raising=False)
    monkeypatch.setitem(sys.modules, "colordeploy.native._cuda", None)
    mask = np.ones((2, 2), bool)
    with pytest.raises(BackendError, match="COLORDEPLOY_CUDA=ON"):
        propagate(np.zeros((2, 2, 1)), mask, mask[..., None] * 1.0, sigma=1, alpha=1, device="cuda")


def test_the_module_that_was_built():
    """Loads without a driver, and says that there is no GPU."""
    cuda = pytest.importorskip(
        "colordeploy.native._cuda", reason="built without nvcc", exc_type=ImportError
    )
    try:
        count = cuda.device_count()
    except cuda.DeviceError:
        count = 0
    if count:
        assert cuda.architecture(0).startswith("sm_")
        assert cuda_module() is cuda
        return
    with pytest.raises(BackendError, match="no GPU to solve on"):
        cuda_module()
