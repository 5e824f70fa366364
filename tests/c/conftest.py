"""The library as it is installed, and pictures that all tests of it share."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from .building import install, onnxruntime_library, unpacked_archive
from .library import Library

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of it needs the library, whose build takes a minute: run with -m c_library."""
    for item in items:
        others = any(item.get_closest_marker(name) for name in ("fuzz", "aarch64"))
        if HERE in item.path.parents and not others:
            item.add_marker(pytest.mark.c_library)


@pytest.fixture(scope="session")
def prefix() -> Path:
    """Where the library was installed."""
    return install()


@pytest.fixture(scope="session", params=["installed", "archive"])
def package(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the library was installed, and where its archive was unpacked."""
    if request.param == "installed":
        return install()
    return unpacked_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="session")
def library(prefix: Path) -> Library:
    """The library, which finds ONNX Runtime by the environment."""
    os.environ["COLORDEPLOY_ONNXRUNTIME"] = str(onnxruntime_library())
    return Library(prefix / "lib" / "libcolordeploy.so")


@pytest.fixture(scope="session")
def photo(photo_like: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(360, 480, 3) uint8: larger than working sizes."""
    return np.ascontiguousarray(photo_like.repeat(3, axis=0).repeat(3, axis=1))


@pytest.fixture(scope="session")
def layer(strokes_rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A layer of strokes for `photo`."""
    return np.ascontiguousarray(strokes_rgba.repeat(3, axis=0).repeat(3, axis=1))
