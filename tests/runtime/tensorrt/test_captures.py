"""CUDA graphs: when the engine is captured, when the capture is dropped, what else runs."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from colordeploy.errors import BackendError
from colordeploy.runtime.tensorrt.flavor import Flavor
from colordeploy.runtime.tensorrt.runner import TensorRTGraph

from .fakes import FakeDevice, ForeignArray, fake_tensorrt


def make(plan=b"plan 1 8", name="tensorrt", **options):
    gpu = FakeDevice()
    module = fake_tensorrt(gpu, name)
    graph = TensorRTGraph(plan, Flavor(name, module), gpu, "m/g", **options)
    return graph, gpu, module.engines[0]


def x(rows, value=1.0):
    return {"x": np.full((rows, 3), value, np.float32)}


def test_the_second_query_captures_and_the_third_launches():
    graph, gpu, engine = make()
    seen = []
    for value in (1.0, 2.0, 3.0, 4.0):
        assert np.array_equal(graph.run(x(4, value))["y"], np.full((4, 3), 2 * value))
        seen.append((engine.runs, gpu.captures, gpu.launches))
    assert seen == [(1, 0, 0), (1, 1, 1), (1, 1, 2), (1, 1, 3)]
    assert graph.not_captured is None


def test_other_shapes_drop_the_capture():
    graph, gpu, engine = make()
    for rows in (4, 4, 4, 2, 2, 4, 4):
        assert np.array_equal(graph.run(x(rows, rows))["y"], np.full((rows, 3), 2.0 * rows))
        assert len(gpu.graphs) <= 1
    assert gpu.captures == 3
    assert engine.runs == 3  # once for every change
    graph.close()
    assert gpu.graphs == {}
    assert gpu.memory == {}


def test_other_addresses_drop_the_capture():
    graph, gpu, engine = make()
    here, there = (ForeignArray(gpu, x(4, value)["x"]) for value in (1.0, 5.0))
    for array, value in ((here, 1), (here, 1), (here, 1), (there, 5), (there, 5), (here, 1)):
        assert np.array_equal(graph.run({"x": array})["y"], np.full((4, 3), 2.0 * value))
    assert (engine.runs, gpu.captures, gpu.launches) == (3, 2, 3)
    graph.run(x(4))  # from the host: the slot's own buffer
    assert engine.runs == 4


def test_growing_buffers_drop_the_capture():
    graph, gpu, _ = make(b"plan 1 800")
    for rows in (2, 2, 700, 700, 2, 2):
        assert np.array_equal(graph.run(x(rows, 3.0))["y"], np.full((rows, 3), 6.0))
    assert gpu.captures == 3
    assert len(gpu.graphs) == 1


@pytest.mark.parametrize("how", [True, "refused"])
def test_an_engine_that_cannot_be_captured_runs_all_the_same(how):
    graph, gpu, engine = make()
    engine.uncapturable = how
    for value in (1.0, 2.0, 3.0, 4.0):
        assert np.array_equal(graph.run(x(4, value))["y"], np.full((4, 3), 2 * value))
    assert (engine.runs, gpu.launches, gpu.graphs) == (4, 0, {})
    assert "CAPTURE_INVALIDATED" in graph.not_captured
    graph.run(x(2))
    graph.run(x(2))
    assert engine.runs == 6
    assert gpu.begun == 1  # it was not tried again


def test_an_engine_that_fails_is_not_captured():
    graph, gpu, engine = make()
    engine.fails = True
    for _ in range(3):
        with pytest.raises(BackendError, match="'m/g' failed"):
            graph.run(x(2))
    engine.fails = False
    assert np.array_equal(graph.run(x(2))["y"], np.full((2, 3), 2.0))
    assert gpu.captures == 0
    graph.run(x(2))
    assert gpu.captures == 1


def test_captures_can_be_switched_off():
    graph, gpu, engine = make(cuda_graphs=False)
    for _ in range(4):
        graph.run(x(4))
    assert (engine.runs, gpu.captures) == (4, 0)


def test_rtx_captures_by_itself():
    graph, gpu, engine = make(name="tensorrt_rtx")
    for _ in range(4):
        graph.run(x(4))
    assert (engine.runs, gpu.captures) == (4, 0)
    assert engine.context.config.cuda_graph_strategy == "whole"
    graph, _, engine = make(name="tensorrt_rtx", cuda_graphs=False)
    graph.run(x(4))
    assert engine.context.config.cuda_graph_strategy == "disabled"


def test_rtx_has_what_is_used_of_it():
    trt = pytest.importorskip("tensorrt_rtx")
    assert hasattr(trt.CudaGraphStrategy, "WHOLE_GRAPH_CAPTURE")
    assert hasattr(trt.IRuntimeConfig, "cuda_graph_strategy")
    assert hasattr(trt.ICudaEngine, "create_runtime_config")
    assert "runtime_config" in trt.ICudaEngine.create_execution_context.__doc__


def test_a_slot_that_knows_the_shapes_is_preferred():
    graph, gpu, engine = make()
    barrier = threading.Barrier(2)
    allocate = gpu.allocate

    def wait_for_each_other(size):
        gpu.allocate = allocate
        barrier.wait(5)
        return allocate(size)

    gpu.allocate = wait_for_each_other
    first = threading.Thread(target=lambda: graph.run(x(2)))
    first.start()
    while gpu.allocate is not allocate:
        time.sleep(0.001)
    second = threading.Thread(target=lambda: (graph.run(x(4)), barrier.wait(5)))
    second.start()
    for thread in (first, second):
        thread.join(10)
    assert engine.contexts == 2
    for i in range(10):
        rows = 2 + 2 * (i % 2)
        assert np.array_equal(graph.run(x(rows, i))["y"], np.full((rows, 3), 2.0 * i))
    assert (engine.runs, gpu.captures) == (2, 2)  # each slot kept its shapes and its capture
