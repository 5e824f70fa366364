"""The CUDA sources, compiled for the host: kernels run block by block, thread by thread."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pybind11
import pytest
from filelock import FileLock

import colordeploy.native

ROOT = Path(__file__).resolve().parents[3]
SOURCES = (
    "csrc/bindings/cuda.cpp",
    "csrc/propagation/cuda/device_plan.cpp",
    "csrc/propagation/cuda/emulated.cpp",
    "csrc/propagation/cells.cpp",
    "csrc/propagation/dissection.cpp",
    "csrc/propagation/plan.cpp",
    "csrc/propagation/symbolic.cpp",
)
KERNELS = ("cudss", "multifrontal", "solver")
# Types of _core come over: both are built with this pybind11 and without hiding anything of it.
FLAGS = "-std=c++20 -O2 -fPIC -shared -pthread -fvisibility=hidden -Wall -Wextra -Wshadow -Werror"


def compile_for_the_host(target: Path) -> None:
    compiler = shutil.which("g++") or shutil.which("c++")
    assert compiler, "the CUDA sources are tested on the host, which needs a C++ compiler"
    includes = (sysconfig.get_paths()["include"], pybind11.get_include())
    subprocess.run(
        [
            compiler, *FLAGS.split(), "-Wno-unknown-pragmas", "-DCOLORDEPLOY_EMULATED",
            "-DCOLORDEPLOY_MODULE=_cuda_emulated", *(f"-isystem{path}" for path in includes),
            *(str(ROOT / source) for source in SOURCES),
            "-x", "c++", *(str(ROOT / f"csrc/propagation/cuda/{name}.cu") for name in KERNELS),
            "-o", str(target), "-ldl",
        ],
        check=True,
    )  # fmt: skip


@pytest.fixture(scope="session")
def host_build(tmp_path_factory):
    """The module, built once for all test processes."""
    folder = tmp_path_factory.getbasetemp().parent / "cuda_on_the_host"
    folder.mkdir(exist_ok=True)
    library = folder / "_cuda_emulated.so"
    with FileLock(f"{library}.lock"):
        if not library.exists():
            compile_for_the_host(folder / "part.so")
            (folder / "part.so").rename(library)
    spec = importlib.util.spec_from_file_location("_cuda_emulated", library)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, ctypes.CDLL(str(library))


@pytest.fixture
def emulated(host_build, monkeypatch):
    """In place of the CUDA part; with `blocks()` and `waits()` of the synthetic device."""
    module, library = host_build
    monkeypatch.setitem(sys.modules, "colordeploy.native._cuda", module)
    monkeypatch.setattr(colordeploy.native, "_cuda", module, raising=False)

    class Counters:
        @staticmethod
        def blocks() -> int:
            return library.colordeploy_emulated_blocks()

        @staticmethod
        def waits() -> int:
            return library.colordeploy_emulated_waits()

        @staticmethod
        def replays() -> int:
            return library.colordeploy_emulated_replays()

    return Counters


class OnDevice:
    """A NumPy array that says it were device memory, which on the synthetic device it is."""

    def __init__(self, array, **changes):
        self.array = array
        self._changes = changes

    @property
    def __cuda_array_interface__(self):
        described = dict(self.array.__array_interface__)
        described.update({"version": 3, "stream": None}, **self._changes)
        return described


@pytest.fixture
def problem():
    """Features, mask and values of a picture with two colours and a weak border."""

    def make(height, width, channels=3, outputs=2, seed=0):
        rng = np.random.default_rng(seed)
        features = rng.normal(size=(height, width, channels)).astype(np.float32) * 0.1
        features[height // 2 :] += 1.0
        mask = np.zeros((height, width), bool)
        some = rng.choice(height * width, max(1, height * width // 40), replace=False)
        mask.ravel()[some] = True
        return features, mask, rng.normal(size=(height, width, outputs))

    return make
