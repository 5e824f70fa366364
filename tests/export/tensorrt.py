"""Compiling a graph with TensorRT for RTX, which needs no GPU."""

from __future__ import annotations

import os

import pytest

from colordeploy.errors import BackendError
from colordeploy.manifest import TensorEntry
from colordeploy.runtime.tensorrt.build import BuildOptions, Profile, build_engine
from colordeploy.runtime.tensorrt.flavor import Flavor, find_flavor

SIZES = {
    "batch": (1, 1, 4),
    "height": (64, 256, 512),
    "width": (64, 352, 1024),
    "regions": (2, 64, 729),
    "selected": (1, 512, 4096),
}


def rtx() -> Flavor:
    """TensorRT for RTX; the test is skipped without it, but not in CI."""
    try:
        return find_flavor("tensorrt_rtx")
    except BackendError as error:
        if os.environ.get("COLORDEPLOY_REQUIRE_TENSORRT"):
            raise
        pytest.skip(str(error))


def _dimension(dimension: int | str, i: int) -> int:
    if isinstance(dimension, int):
        return dimension
    name, _, divisor = dimension.partition("/")
    return SIZES[name][i] // int(divisor or 1)


def compile_graph(content: bytes, inputs: tuple[TensorEntry, ...]) -> int:
    """Parse and build, strongly typed, with a dynamic profile; the size of the plan in bytes."""
    shapes = [
        {tensor.name: tuple(_dimension(d, i) for d in tensor.shape) for tensor in inputs}
        for i in range(3)
    ]
    return len(build_engine(rtx(), content, [Profile(*shapes)], BuildOptions(), "graph").plan)
