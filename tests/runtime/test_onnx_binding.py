"""I/O binding, with ONNX Runtime's own binding on a CPU that is taken for a GPU.

So names, types and the order of the calls are ONNX Runtime's; the CUDA driver is a fake.
"""

from __future__ import annotations

import ctypes
import gc
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from colordeploy import CancelToken
from colordeploy.errors import BackendError
from colordeploy.runtime import DeviceArray, ProviderOptions, onnx_runtime
from colordeploy.runtime.driver import Place
from colordeploy.runtime.graph import Target
from colordeploy.runtime.onnx_binding import BoundSession
from colordeploy.trace import recording


def content():
    """Two outputs: y = 2 x + n and z = n."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["a", 3])
    n = helper.make_tensor_value_info("n", TensorProto.INT64, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["a", 3])
    z = helper.make_tensor_value_info("z", TensorProto.INT64, [1])
    nodes = [
        helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["x", "x"], ["d"]),
        helper.make_node("Add", ["d", "f"], ["y"]),
        helper.make_node("Identity", ["n"], ["z"]),
    ]
    graph = helper.make_graph(nodes, "g", [x, n], [y, z])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


class FakeDriver:
    def __init__(self):
        self.inside, self.waits, self.copies, self.elsewhere = 0, [], [], ()
        self.clock, self.marks = 0, []
        self.contexts = {}

    @contextmanager
    def current(self, index):
        assert index == 0
        self.inside += 1
        yield
        self.inside -= 1

    def place_of(self, address):
        return Place(1 if address in self.elsewhere else 0, self.contexts.get(address, 500))

    def context(self, index):
        return 500

    def copy_from_context(self, index, target, source, size, stream, context):
        assert (index, context) == (0, self.contexts[source])
        self.copies.append((size, stream))
        ctypes.memmove(target, source, size)

    def synchronize(self, stream):
        assert self.inside
        self.waits.append(stream)

    def mark(self, stream):
        assert self.inside
        self.marks.append((stream, self.clock, len(self.waits)))
        return len(self.marks) - 1

    def elapsed(self, begin, end):
        assert self.inside
        return self.marks[end][1] - self.marks[begin][1]

    def drop_mark(self, event):
        assert self.inside

    def copy(self, target, source, size):
        assert self.inside
        self.copies.append(size)
        ctypes.memmove(target, source, size)


class Recorded:
    """A session whose runs are noted down: the run's graph id, and who was bound how."""

    def __init__(self, session):
        self._session, self.runs, self.bound = session, [], []
        self.captures, self.driver = False, None

    def __getattr__(self, name):
        return getattr(self._session, name)

    def io_binding(self):
        binding, bound = self._session.io_binding(), self.bound
        for name in ("bind_input", "bind_ortvalue_input", "bind_output", "bind_ortvalue_output"):
            method = getattr(binding, name)

            def noted(*arguments, _name=name, _method=method):
                bound.append((_name, arguments[0]))
                return _method(*arguments)

            setattr(binding, name, noted)
        return binding

    def run_with_iobinding(self, binding, options):
        kept = None
        if options is not None and self.captures:
            kept = options.get_run_config_entry("gpu_graph_id")
        if options is not None and self.driver is not None:
            assert options.get_run_config_entry("disable_synchronize_execution_providers") == "1"
            self.driver.clock += 50
        self.runs.append(kept)
        return self._session.run_with_iobinding(binding, options)


def make(captures=False, stream=None):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = Recorded(ort.InferenceSession(content(), options, providers=["CPUExecutionProvider"]))
    driver = FakeDriver()
    session.captures = captures
    session.driver = None if stream is None else driver
    bound = BoundSession(
        session, "m/g", 0, captures=captures, driver=lambda: driver, kind="cpu", stream=stream
    )
    return bound, session, driver


def inputs(rows=2, value=1.0, n=5):
    return {"x": np.full((rows, 3), value, np.float32), "n": np.array([n])}


def foreign(array, stream=None):
    said = {"version": 3, "stream": stream, "strides": None, "data": (array.ctypes.data, False)}
    said.update(shape=array.shape, typestr=array.dtype.str)
    return SimpleNamespace(__cuda_array_interface__=said, kept=array)


@pytest.mark.parametrize("captures", [False, True])
def test_from_the_host_and_back(captures):
    bound, _, driver = make(captures)
    for value in (1.0, 2.0, 3.0, 4.0):
        found = bound.run(inputs(value=value), False)
        assert np.array_equal(found["y"], np.full((2, 3), 2 * value + 5, np.float32))
        assert np.array_equal(found["z"], [5])
    assert driver.copies == []
    strided = np.arange(6, dtype=np.float32).reshape(3, 2).T
    found = bound.run({"x": strided, "n": np.array([0])}, False)
    assert np.array_equal(found["y"], 2 * strided)


def test_arrays_on_the_gpu_are_bound_where_they_are():
    bound, session, driver = make()
    given = inputs(value=3.0)
    found = bound.run({"x": foreign(given["x"], stream=9), "n": given["n"]}, False)
    assert np.array_equal(found["y"], np.full((2, 3), 11, np.float32))
    assert session.bound == [
        ("bind_input", "x"),
        ("bind_ortvalue_input", "n"),
        ("bind_output", "y"),
        ("bind_output", "z"),
    ]
    assert (driver.waits, driver.copies) == ([9], [])


@pytest.mark.parametrize("captures", [False, True])
def test_outputs_stay_on_the_gpu(captures):
    bound, session, _ = make(captures)
    kept = []
    for value in (1.0, 2.0, 3.0):
        result = bound.run(inputs(value=value), True)
        assert isinstance(result["y"], DeviceArray)
        assert result["y"].__cuda_array_interface__["stream"] is None
        kept.append(result["y"])
        again = bound.run({"x": result["y"], "n": np.array([0])}, False)
        assert np.array_equal(again["y"], np.full((2, 3), 4 * value + 10, np.float32))
    del bound, session, result, again
    gc.collect()
    assert [a.numpy()[0, 0] for a in kept] == [7, 9, 11]
    assert kept[0].dtype == np.float32


def test_captures_are_by_shape_and_bounded():
    bound, session, _ = make(captures=True)

    def runs(rows):
        session.runs.clear()
        found = bound.run(inputs(rows, value=rows), False)
        assert np.array_equal(found["y"], np.full((rows, 3), 2 * rows + 5, np.float32))
        return session.runs[0]

    assert [runs(2), runs(2), runs(2)] == ["-1", "1", "1"]
    assert [runs(3), runs(3), runs(2)] == ["-1", "2", "1"]
    assert [runs(4), runs(5), runs(6), runs(7)] == ["-1"] * 4
    assert [runs(4), runs(5), runs(6), runs(7)] == ["3", "4", "-1", "-1"]


def test_captured_inputs_are_filled_where_they_lie():
    bound, session, driver = make(captures=True)
    bound.run(inputs(), False)
    session.bound.clear()
    given = inputs(value=4.0)
    result = bound.run({"x": foreign(given["x"]), "n": given["n"]}, True)
    assert session.bound == []  # what was captured cannot be bound anew
    assert driver.copies == [24, 24, 8]  # x in, y and z out
    bound.run(inputs(value=100.0), False)
    assert np.array_equal(result["y"].numpy(), np.full((2, 3), 13, np.float32))


@pytest.mark.parametrize("captures", [False, True])
def test_time_on_its_own_stream(captures):
    bound, _, driver = make(captures, stream=9)
    for value in (1.0, 2.0, 3.0):
        driver.marks.clear()
        driver.waits.clear()
        with recording() as spans:
            found = bound.run(inputs(value=value), False)
        assert np.array_equal(found["y"], np.full((2, 3), 2 * value + 5, np.float32))
        assert spans.device == {"graph m/g, computing": 50}
        # The end is marked before anybody waits: the host's waking up is not the GPU's time.
        assert [(stream, waits) for stream, _, waits in driver.marks] == [(9, 0), (9, 0)]
        assert driver.waits == [9]
    driver.marks.clear()
    bound.run(inputs(), False)
    assert driver.marks == []  # nobody records


def test_arrays_of_another_context_are_copied():
    """As with pycuda.autoinit, which makes a context of its own."""
    bound, _, driver = make()
    x = inputs()["x"]
    driver.contexts[x.ctypes.data] = 4711
    wanted = bound.run(inputs(), False)["y"]
    found = bound.run({"x": foreign(x, 9), "n": inputs()["n"]}, False)["y"]
    assert np.array_equal(found, wanted)
    assert driver.copies == [(x.nbytes, 9)]
    assert driver.waits == []


def test_nothing_to_bind():
    bound, _, _ = make()
    empty = foreign(np.zeros((0, 3), np.float32))
    empty.__cuda_array_interface__["data"] = (0, False)
    assert bound.run({"x": empty, "n": np.array([1])}, False)["y"].shape == (0, 3)


def test_wrong_inputs():
    bound, _, driver = make()
    x, n = inputs()["x"], inputs()["n"]
    driver.elsewhere = (x.ctypes.data,)
    for given, message in (
        ({}, "takes n, x, not nothing"),
        ({"x": x}, "takes n, x, not x"),
        ({"x": x.astype(np.float64), "n": n}, "'x' is float32, not float64"),
        ({"x": foreign(x.astype(np.float16)), "n": n}, "'x' is float32, not float16"),
        ({"x": foreign(x), "n": n}, "'x' is on cuda:1, but the graph runs on cuda:0"),
    ):
        with pytest.raises(BackendError, match=message):
            bound.run(given, False)


def test_tensors_that_cannot_be_bound():
    session = SimpleNamespace(
        get_inputs=lambda: [SimpleNamespace(name="x", type="tensor(string)")], get_outputs=list
    )
    with pytest.raises(BackendError, match=r"'tensor\(string\)' cannot be bound"):
        BoundSession(session, "g", 0)


@pytest.mark.parametrize("captures", [None, False, True])
def test_a_graph_on_a_gpu_is_bound(monkeypatch, captures):
    names = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    session = SimpleNamespace(get_providers=lambda: names)
    made, ran = [], []

    class Bound:
        def __init__(self, *arguments, **options):
            made.append((arguments, options))

        def run(self, inputs, on_device, options):
            ran.append((on_device, options))
            return {"y": np.array(1 / inputs["x"])}

    monkeypatch.setattr(onnx_runtime, "BoundSession", Bound)
    monkeypatch.setattr(ort, "InferenceSession", lambda *a, providers: session)
    monkeypatch.setattr(ort, "get_available_providers", lambda: names)
    options = ProviderOptions(cuda_graph=captures)
    graph = onnx_runtime.OnnxRuntimeGraph(b"", Target(device="cuda:2", options=options), "m/g")
    opened = {"stream": None, "driver": onnx_runtime.open_driver}
    assert made == [((session, "m/g", 2), {"captures": captures is True, **opened})]
    assert graph.run({"x": 4}) == {"y": 0.25}
    graph.run({"x": 4}, on_device=True)
    assert ran == [(False, None), (True, None)]
    graph.run({"x": 4}, cancel=CancelToken())
    assert isinstance(ran[-1][1], ort.RunOptions)
    with pytest.raises(BackendError, match="'m/g' failed on cuda:2: division by zero"):
        graph.run({"x": 0})
    graph.close()
    with pytest.raises(BackendError, match="was closed"):
        graph.run({"x": 4})


def test_a_timed_graph_runs_on_a_stream_of_its_own(monkeypatch):
    names = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    made, given = [], []

    class Driver(FakeDriver):
        def make_stream(self):
            assert self.inside
            return 4711

    driver = Driver()

    def session(content, options, providers):
        given.extend(providers)
        return SimpleNamespace(get_providers=lambda: names)

    monkeypatch.setattr(onnx_runtime, "BoundSession", lambda *a, **options: made.append(options))
    monkeypatch.setattr(onnx_runtime, "open_driver", lambda: driver)
    monkeypatch.setattr(ort, "InferenceSession", session)
    monkeypatch.setattr(ort, "get_available_providers", lambda: names)
    target = Target(options=ProviderOptions(timed=True))
    onnx_runtime.OnnxRuntimeGraph(b"", target, "m/g")
    assert given[0][1]["user_compute_stream"] == "4711"
    assert made[0]["stream"] == 4711
    assert made[0]["driver"]() is driver


def test_a_timed_graph_without_a_gpu_runs_on_the_cpu(monkeypatch):
    names = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(ort, "get_available_providers", lambda: names)
    monkeypatch.setattr(onnx_runtime, "open_driver", lambda: open_nothing())
    real, given = ort.InferenceSession, []

    def session(content, options, providers):
        given.extend(providers)
        return real(content, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(ort, "InferenceSession", session)
    target = Target(options=ProviderOptions(timed=True))
    graph = onnx_runtime.OnnxRuntimeGraph(content(), target, "m/g")
    assert "user_compute_stream" not in given[0][1]
    with recording() as spans:
        graph.run(inputs())
    assert spans.device == {}


def open_nothing():
    raise BackendError("there is no NVIDIA driver")
