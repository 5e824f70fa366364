"""libcolordeploy, built from the tree and installed, and the tools that tests of it need."""

from __future__ import annotations

import fcntl
import functools
import glob
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "c-library"  # kept: a second run compiles what changed
BUILD = Path(os.environ.get("COLORDEPLOY_C_BUILD", FOLDER / "build"))
CONSUMER = ROOT / "tests" / "c" / "consumer"
SOURCE = ROOT / "examples" / "c" / "strokes.c"
RUN = "PYTEST_XDIST_TESTRUNUID"  # pytest-xdist's name of the run that a process works for
OPTIONS = ["-DCOLORDEPLOY_LTO=OFF", "-DCOLORDEPLOY_WERROR=ON"]


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


@functools.cache
def install() -> Path:
    """Build the library and install it; returns the prefix.

    COLORDEPLOY_C_PREFIX names one that is installed already, of an archive for instance.
    """
    if named := os.environ.get("COLORDEPLOY_C_PREFIX"):
        return Path(named)
    if not (ROOT / "CMakeLists.txt").exists():
        pytest.skip("the sources are not here")
    return build_tree(BUILD, [f"-DCMAKE_CXX_COMPILER={tool('c++', 'g++', 'clang++')}", *OPTIONS])


def build_tree(build: Path, options: list[str]) -> Path:
    """Build the library in a folder, and install it; returns the prefix."""
    cmake, prefix = tool("cmake"), FOLDER / f"{build.name}-installed"
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    with _locked():
        run([
            cmake, "-S", ROOT, "-B", build, *generator, "-DCOLORDEPLOY_PYTHON=OFF",
            "-DCOLORDEPLOY_C_LIBRARY=ON", f"-DCMAKE_INSTALL_PREFIX={prefix}",
            "-DCMAKE_INSTALL_LIBDIR=lib", *options,
        ])  # fmt: skip
        run([cmake, "--build", build, "-j", os.environ.get("WORKERS", "2")])
        # Other processes of this run read what is installed: only the first may replace it.
        stamp, this_run = FOLDER / f"{build.name}-installed.run", os.environ.get(RUN)
        if this_run is None or not stamp.exists() or stamp.read_text() != this_run:
            shutil.rmtree(prefix, ignore_errors=True)
            run([cmake, "--install", build])
            stamp.write_text(this_run or "")
    return prefix


def unpacked_archive(folder: Path) -> Path:
    """Make the archive and unpack it; returns the prefix.

    COLORDEPLOY_C_ARCHIVE names one that is made already.
    """
    named = os.environ.get("COLORDEPLOY_C_ARCHIVE")
    if named:
        made = Path(named)
    else:
        install()  # what was compiled for that is not compiled again
        with _locked():
            run([ROOT / "c-archive", *OPTIONS], env={**os.environ, "COLORDEPLOY_C_BUILD": BUILD})
            made = max(BUILD.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    run(["tar", "--extract", "--file", made, "--directory", folder])
    (prefix,) = folder.iterdir()
    return prefix


def consumers(package: Path, folder: Path) -> Path:
    """Build a customer's programs against a package; nothing there leads to our sources."""
    cmake = tool("cmake")
    sources = shutil.copytree(CONSUMER, folder / "sources")
    shutil.copy(SOURCE, sources)
    run([
        cmake, "-S", sources, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={package}",
        f"-DSTROKES={sources / SOURCE.name}",
    ])  # fmt: skip
    run([cmake, "--build", folder / "build"])
    return folder / "build"


@contextmanager
def _locked() -> Iterator[None]:
    """Tests run in several processes: one builds at a time."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def onnxruntime_library() -> Path:
    """ONNX Runtime's shared library in the package of Python; skips where it has none."""
    ort = pytest.importorskip("onnxruntime")
    found = glob.glob(str(Path(ort.__path__[0]) / "capi" / "libonnxruntime.so*"))
    if not found:
        pytest.skip("this package of onnxruntime has no shared library")
    return Path(found[0])
