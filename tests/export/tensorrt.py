"""Compiling a graph with TensorRT for RTX, which needs no GPU."""

from __future__ import annotations

import os

import pytest

from colordeploy.bundle import TensorEntry

SIZES = {
    "batch": (1, 1, 4),
    "height": (64, 256, 512),
    "width": (64, 352, 1024),
    "regions": (2, 64, 729),
    "selected": (1, 512, 4096),
}


def _dimension(dimension: int | str, i: int) -> int:
    if isinstance(dimension, int):
        return dimension
    name, _, divisor = dimension.partition("/")
    return SIZES[name][i] // int(divisor or 1)


def compile_graph(content: bytes, inputs: tuple[TensorEntry, ...]) -> int:
    """Parse and build, strongly typed, with a dynamic profile; the size of the plan in bytes."""
    if os.environ.get("COLORDEPLOY_REQUIRE_TENSORRT"):
        import tensorrt_rtx as trt
    else:
        trt = pytest.importorskip("tensorrt_rtx")
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    flags = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(flags)
    parser = trt.OnnxParser(network, logger)
    parsed = parser.parse(content)
    assert parsed, [str(parser.get_error(i)) for i in range(parser.num_errors)]
    config = builder.create_builder_config()
    profile = builder.create_optimization_profile()
    for tensor in inputs:
        shapes = [[_dimension(d, i) for d in tensor.shape] for i in range(3)]
        profile.set_shape(tensor.name, *shapes)
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    assert plan is not None
    return memoryview(plan).nbytes
