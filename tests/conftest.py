"""Shared pictures and the default photo."""

from __future__ import annotations

import ast
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

# The tests run in parallel processes: BLAS threads below that only get in each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # some tests import ONNX Runtime themselves
# Some tests load PyTorch, and beside that OpenVINO is left alone: see ./test.
os.environ["COLORDEPLOY_CPU_BACKEND"] = "onnxruntime"

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

HERE = Path(__file__).parent


@cache
def runnable(path: Path) -> bool:
    """Whether everything that a test file imports at its top is installed here.

    With the wheel alone (``./test-wheel``) PyTorch, ONNX and ``export`` are not.
    """
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1]
            parts = (node.module or "").split(".") if node.module else []
            names = [folder.joinpath(*parts)]
            names += [folder.joinpath(*parts, alias.name) for alias in node.names]
            files = [name.with_suffix(".py") for name in names]
            if not all(runnable(file) for file in files if file.is_file()):
                return False
            continue
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            continue
        for module in modules:
            top = module.partition(".")[0]
            if top == "tests":
                file = HERE.joinpath(*module.split(".")[1:]).with_suffix(".py")
                if file.is_file() and not runnable(file):
                    return False
            elif find_spec(top) is None:
                return False
    return True


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what needs more than is installed, and from a run of OpenVINO's tests the files
    without any: many import PyTorch, beside which OpenVINO is not chosen.
    """
    if collection_path.name.startswith("test_") and collection_path.suffix == ".py":
        if config.option.markexpr == "openvino" and "openvino" not in collection_path.read_text():
            return True
        return None if runnable(collection_path) else True
    return None


_EXPORTS = "COLORDEPLOY_TEST_EXPORTS"  # the folder, for parallel processes


def pytest_configure() -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ[_EXPORTS] = tempfile.mkdtemp(prefix="colordeploy-exports-")


def pytest_unconfigure() -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        shutil.rmtree(os.environ.pop(_EXPORTS), ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _exported_once() -> Iterator[None]:
    """Small networks that many tests export are exported once, see `tests.exports`."""
    specification = sys.modules.get("export.bundling.specification")
    if specification is None:  # no test of this run exports
        yield
        return
    from .exports import cached

    with pytest.MonkeyPatch.context() as patch:
        shared = cached(specification.export_graph, Path(os.environ[_EXPORTS]))
        patch.setattr(specification, "export_graph", shared)
        yield


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """What a test shows of the package's log would be said in those that follow it, too."""
    logger = logging.getLogger("colordeploy")

    def shown() -> tuple[list[logging.Handler], int]:  # the package's own comes with its import
        return [h for h in logger.handlers if type(h) is not logging.NullHandler], logger.level

    before = shown()
    yield
    assert shown() == before


@pytest.fixture(scope="session")
def photo_like() -> NDArray[np.uint8]:
    """(120, 160, 3) uint8: smooth colours with a few sharp edges."""
    rng = np.random.default_rng(3)
    noise = gaussian_filter(rng.normal(size=(120, 160, 3)), (12, 12, 0))
    noise = (noise - noise.min()) / np.ptp(noise)
    noise[40:80, 50:110] = [0.8, 0.2, 0.15]
    noise[90:, :70] *= 0.4
    return (noise * 255).astype(np.uint8)


@pytest.fixture(scope="session")
def strokes_rgba(photo_like: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA marks in three colours for `photo_like`."""
    rgba = np.zeros((120, 160, 4), np.uint8)
    for rows, columns in (
        (slice(55, 58), slice(60, 90)),
        (slice(10, 13), slice(20, 60)),
        (slice(100, 104), slice(10, 30)),
    ):
        rgba[rows, columns, :3] = photo_like[rows, columns].reshape(-1, 3).mean(axis=0)
        rgba[rows, columns, 3] = 255
    return rgba
