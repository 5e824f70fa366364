"""libcolordeploy, built from the tree and installed, and the tools that tests of it need."""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "c-library"  # kept: a second run compiles what changed
PREFIX = BUILD / "installed"


def tool(*names: str) -> str:
    """The first of these programs that is there; skips the test where none is."""
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    pytest.skip(f"{' or '.join(names)} is not installed")


def run(command: list[object], **keywords: object) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; AssertionError with what it said when it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, **keywords)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done


def install() -> Path:
    """Build the library and install it; returns the prefix.

    COLORDEPLOY_C_PREFIX names one that is installed already, of an archive for instance.
    """
    if named := os.environ.get("COLORDEPLOY_C_PREFIX"):
        return Path(named)
    if not (ROOT / "CMakeLists.txt").exists():
        pytest.skip("the sources are not here")
    cmake, compiler = tool("cmake"), tool("c++", "g++", "clang++")
    BUILD.mkdir(parents=True, exist_ok=True)
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    with (BUILD / "lock").open("w") as lock:  # tests run in several processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        run([
            cmake, "-S", ROOT, "-B", BUILD / "build", *generator,
            f"-DCMAKE_CXX_COMPILER={compiler}",
            "-DCOLORDEPLOY_PYTHON=OFF", "-DCOLORDEPLOY_C_LIBRARY=ON", "-DCOLORDEPLOY_LTO=OFF",
            "-DCOLORDEPLOY_WERROR=ON", f"-DCMAKE_INSTALL_PREFIX={PREFIX}",
            "-DCMAKE_INSTALL_LIBDIR=lib",
        ])  # fmt: skip
        run([cmake, "--build", BUILD / "build", "-j", os.environ.get("WORKERS", "2")])
        shutil.rmtree(PREFIX, ignore_errors=True)
        run([cmake, "--install", BUILD / "build"])
    return PREFIX


def onnxruntime_library() -> Path:
    """ONNX Runtime's shared library in the package of Python; skips where it has none."""
    ort = pytest.importorskip("onnxruntime")
    found = glob.glob(str(Path(ort.__path__[0]) / "capi" / "libonnxruntime.so*"))
    if not found:
        pytest.skip("this package of onnxruntime has no shared library")
    return Path(found[0])
