"""The runner's own logic, on a synthetic TensorRT and GPU."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from colordeploy import CancelToken
from colordeploy.errors import BackendError, Cancelled
from colordeploy.runtime.tensorrt.flavor import Flavor
from colordeploy.runtime.tensorrt.runner import TensorRTGraph

from .fakes import FakeDevice, fake_tensorrt


def make(plan=b"plan 1 8", **device):
    gpu = FakeDevice(**device)
    module = fake_tensorrt(gpu)
    return TensorRTGraph(plan, Flavor("tensorrt", module), gpu, "m/g"), gpu, module


def x(rows, value=1.0):
    return {"x": np.full((rows, 3), value, np.float32)}


def test_results_are_the_callers_own():
    graph, _, _ = make(index=1)
    first = graph.run(x(4))["y"]
    kept = first.copy()
    graph.run(x(4, 5.0))
    assert np.array_equal(first, kept)
    assert np.array_equal(kept, np.full((4, 3), 2.0))
    assert graph.device == "cuda:1"


def test_strided_inputs_and_other_sizes():
    graph, gpu, _ = make()
    values = np.arange(24, dtype=np.float32).reshape(3, 8).T
    assert np.array_equal(graph.run({"x": values})["y"], 2 * values)
    before = gpu.allocated
    for rows in (1, 8, 3):
        assert graph.run(x(rows))["y"].shape == (rows, 3)
    assert gpu.allocated == before  # buffers are kept


def test_many_threads_share_one_engine():
    graph, gpu, module = make()
    wrong = []

    def work(seed):
        for i in range(50):
            value = float(seed * 100 + i)
            found = graph.run(x(1 + i % 8, value))["y"]
            if not (found == 2 * value).all():
                wrong.append((seed, i))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(module.engines) == 1
    assert 1 <= module.engines[0].contexts <= 6
    assert gpu.streams == module.engines[0].contexts
    graph.close()
    assert gpu.memory == {}


def test_profiles_are_chosen_by_shape():
    graph, _, module = make(b"plan 1 4 16 32")
    for rows in (2, 20, 3, 32):
        assert graph.run(x(rows))["y"].shape == (rows, 3)
    assert module.engines[0].contexts == 1
    with pytest.raises(BackendError, match=r"does not serve x \(8, 3\).*\(16, 3\) to \(32, 3\)"):
        graph.run(x(8))
    assert graph.run(x(2))["y"].shape == (2, 3)  # the slot is still good


def test_a_plan_that_does_not_load():
    with pytest.raises(BackendError, match=r"the magic number is wrong.*engine build"):
        make(b"another version's")


def test_wrong_inputs():
    graph, _, _ = make()
    for inputs, message in (
        ({}, "takes x, not nothing"),
        ({"z": np.zeros(3)}, "takes x, not z"),
        ({"x": np.zeros((2, 3))}, "is float32, not float64"),
        ({"x": [[1.0, 2.0, 3.0]]}, "is float32, not float64"),
        ({"x": np.zeros((), np.float32)}, r"does not serve x \(\)"),
    ):
        with pytest.raises(BackendError, match=message):
            graph.run(inputs)


def test_a_gpu_without_memory():
    graph, gpu, _ = make(room=300)
    with pytest.raises(BackendError, match=r"the GPU has no .* MiB left"):
        graph.run(x(8))
    gpu.room = 1 << 20
    assert graph.run(x(8))["y"].shape == (8, 3)


def test_failures_of_the_engine():
    graph, _, module = make()
    module.engines[0].most_contexts = 0
    with pytest.raises(BackendError, match="no context could be made"):
        graph.run(x(2))
    module.engines[0].most_contexts = 1
    module.engines[0].fails = True
    with pytest.raises(BackendError, match="'m/g' failed"):
        graph.run(x(2))
    module.engines[0].fails = False
    assert graph.run(x(2))["y"].shape == (2, 3)


def test_closing():
    graph, gpu, _ = make()
    graph.run(x(2))
    graph.close()
    assert gpu.memory == {}
    graph.close()
    with pytest.raises(BackendError, match="was closed"):
        graph.run(x(2))


def test_what_tensorrt_refuses_is_said():
    graph, _, module = make(b"plan 1 4 16 32")
    graph.run(x(2))
    module.engines[0].refuses = True
    with pytest.raises(BackendError, match="did not take a profile for graph 'm/g'"):
        graph.run(x(20))
    with pytest.raises(BackendError, match="did not take the address of 'x'"):
        make_refusing().run(x(2))
    module.engines[0].refuses = False
    assert graph.run(x(20))["y"].shape == (20, 3)


def make_refusing():
    graph, _, module = make()
    module.engines[0].refuses = True
    return graph


def test_closing_in_another_thread_while_it_runs():
    graph, gpu, module = make()
    engine = module.engines[0]
    original = engine.get_tensor_profile_shape

    def close_now(name, profile):
        thread = threading.Thread(target=graph.close)
        thread.start()
        thread.join()
        return original(name, profile)

    engine.get_tensor_profile_shape = close_now
    assert np.array_equal(graph.run(x(2))["y"], np.full((2, 3), 2.0))  # it ends first
    assert gpu.memory == {}
    with pytest.raises(BackendError, match="was closed"):
        graph.run(x(2))
    assert not any(gpu.depth.values())


def test_cancelled_before_it_runs():
    graph, _, module = make()
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        graph.run(x(2), cancel=token)
    assert module.engines[0].runs == 0
