"""What the bench is told of an engine: copies and computing apart, without waiting for it."""

from __future__ import annotations

import numpy as np
import pytest

from colordeploy.errors import BackendError
from colordeploy.runtime.tensorrt.flavor import Flavor
from colordeploy.runtime.tensorrt.runner import TensorRTGraph
from colordeploy.trace import recording

from .fakes import FakeDevice, fake_tensorrt

UP, COMPUTING, DOWN = 10, 100, 1000  # what the synthetic GPU takes


@pytest.fixture
def gpu():
    return FakeDevice()


def load(gpu, name="m/g"):
    return TensorRTGraph(b"plan 1 64", Flavor("tensorrt", fake_tensorrt(gpu)), gpu, name)


def x(value=1.0):
    return np.full((4, 3), value, np.float32)


def test_a_run_from_the_host_and_back(gpu):
    graph = load(gpu)
    for value in (1.0, 2.0, 3.0, 4.0):  # as it is, then captured, then launched
        with recording() as spans:
            found = graph.run({"x": x(value)})["y"]
        assert np.array_equal(found, x(2 * value))
        assert spans.device == {
            "graph m/g, to device": UP,
            "graph m/g, computing": COMPUTING,
            "graph m/g, from device": DOWN,
        }
    assert gpu.launches
    assert gpu.dropped == len(gpu.marks)


def test_graphs_on_the_device_are_asked_at_the_end(gpu):
    first, second = load(gpu, "a"), load(gpu, "b")
    second.run({"x": first.run({"x": x()}, on_device=True)["y"]})
    waited = gpu.waited
    with recording() as spans:
        between = first.run({"x": x()}, on_device=True)["y"]
        result = second.run({"x": between}, on_device=True)["y"]
        assert gpu.waited == waited + 1  # until the upload has read its array; no wait for timing
        assert spans.device == {}
    assert spans.device["graph a, computing"] == COMPUTING
    # Waiting for the first graph is no part of the second's time.
    assert spans.device["graph b, computing"] == COMPUTING
    assert "graph b, to device" not in spans.device
    assert np.array_equal(result.numpy(), x(4.0))


def test_several_runs_add_up(gpu):
    graph = load(gpu)
    with recording() as spans:
        for _ in range(3):
            graph.run({"x": x()})
    assert spans.device["graph m/g, computing"] == 3 * COMPUTING


def test_nobody_records(gpu):
    graph = load(gpu)
    graph.run({"x": x()})
    assert gpu.marks == {}


def test_an_engine_that_fails_has_no_time_of_computing(gpu):
    module = fake_tensorrt(gpu)
    graph = TensorRTGraph(b"plan 1 64", Flavor("tensorrt", module), gpu, "m/g")
    module.engines[0].fails = True
    with pytest.raises(BackendError, match="failed"), recording() as spans:
        graph.run({"x": x()})
    assert spans.device == {"graph m/g, to device": UP}


def test_engines_are_told_apart_by_their_plans(gpu):
    module = fake_tensorrt(gpu)
    plans = (b"plan 1 64", b"plan 1 65", b"plan 1 64")
    found = [TensorRTGraph(p, Flavor("tensorrt", module), gpu, "g").sha256 for p in plans]
    assert found[0] == found[2] != found[1]
