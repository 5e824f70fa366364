"""Arrays on the GPU in and out of engines: no copy through the host, no wait that is missing."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

from colordeploy.device_array import DeviceArray
from colordeploy.errors import BackendError, InputError
from colordeploy.runtime.tensorrt.flavor import Flavor
from colordeploy.runtime.tensorrt.runner import TensorRTGraph

from .fakes import FakeDevice, ForeignArray, fake_tensorrt


@pytest.fixture
def gpu():
    return FakeDevice()


def load(gpu, **options):
    module = fake_tensorrt(gpu)
    return TensorRTGraph(b"plan 1 64", Flavor("tensorrt", module), gpu, "m/g", **options)


def x(rows, value=1.0):
    return np.full((rows, 3), value, np.float32)


def test_from_graph_to_graph_nothing_passes_the_host(gpu):
    first, second = load(gpu), load(gpu)
    for value in (1.0, 2.0, 3.0, 4.0):
        between = first.run({"x": x(4, value)}, on_device=True)["y"]
        assert isinstance(between, DeviceArray)
        assert (between.shape, between.dtype, between.device) == ((4, 3), np.float32, "cuda:0")
        gpu.copies.clear()
        result = second.run({"x": between}, on_device=True)["y"]
        assert gpu.copies == {"across": 1}  # out of the slot
        assert np.array_equal(result.numpy(), x(4, 4 * value))
        assert np.array_equal(between.numpy(), x(4, 2 * value))


def test_the_host_does_not_wait_between_graphs(gpu):
    first, second = load(gpu), load(gpu)
    start = first.run({"x": x(4)}, on_device=True)["y"]
    second.run({"x": start})
    waited = gpu.waited
    for _ in range(2):
        start = second.run({"x": first.run({"x": start}, on_device=True)["y"]}, on_device=True)["y"]
    assert gpu.waited == waited
    assert np.array_equal(start.numpy(), x(4, 32.0))


@pytest.mark.parametrize("on_device", [False, True])
@pytest.mark.parametrize("stream", [1, 2, "own"])
def test_foreign_streams_are_waited_for(gpu, on_device, stream):
    graph = load(gpu)
    with gpu.current():
        stream = gpu.stream() if stream == "own" else stream
    array = ForeignArray(gpu, x(4, 3.0), stream)
    result = graph.run({"x": array}, on_device=on_device)["y"]
    # What the owner does next comes after the engine, though the host did not wait.
    array.write(x(4, 100.0))
    with gpu.current():
        gpu.synchronize(stream)
    found = result.numpy() if on_device else result
    assert np.array_equal(found, x(4, 6.0))
    assert gpu.copies["up"] == 0


def test_version_2_means_the_legacy_default_stream(gpu):
    array = ForeignArray(gpu, x(4, 3.0), version=2)
    assert np.array_equal(load(gpu).run({"x": array})["y"], x(4, 6.0))
    assert gpu.waits[0][1] == 1


def test_without_a_stream_the_owner_may_write_at_once(gpu):
    array = ForeignArray(gpu, x(4, 3.0))
    result = load(gpu).run({"x": array}, on_device=True)["y"]
    array.write(x(4, 100.0))
    assert np.array_equal(result.numpy(), x(4, 6.0))


def test_host_arrays_may_be_written_at_once(gpu):
    given = x(4, 3.0)
    result = load(gpu).run({"x": given}, on_device=True)["y"]
    given[:] = 100.0
    assert np.array_equal(result.numpy(), x(4, 6.0))


def test_addresses_that_tensorrt_does_not_take_are_copied(gpu):
    array = ForeignArray(gpu, x(4, 3.0), offset=16)
    assert np.array_equal(load(gpu).run({"x": array})["y"], x(4, 6.0))
    assert gpu.copies == {"across": 1, "down": 1}


def test_everybody_else_finds_the_values_ready(gpu):
    result = load(gpu).run({"x": x(4, 3.0)}, on_device=True)["y"]
    said = result.__cuda_array_interface__
    values = gpu.read(said["data"][0], result.nbytes).view(np.float32)
    assert np.array_equal(values.reshape(4, 3), x(4, 6.0))
    assert (said["version"], said["shape"], said["typestr"]) == (3, (4, 3), "<f4")
    assert said["stream"] > 2
    assert said["strides"] is None


def test_results_are_the_callers_own(gpu):
    graph = load(gpu)
    results = [graph.run({"x": x(4, i)}, on_device=True)["y"] for i in range(5)]
    graph.run({"x": x(8, 50.0)})
    graph.close()
    assert [r.numpy()[0, 0] for r in results] == [0, 2, 4, 6, 8]
    assert len(gpu.memory) == 5
    del results
    gc.collect()
    assert gpu.memory == {}


def test_memory_does_not_grow(gpu):
    first, second = load(gpu), load(gpu)

    def once(i):
        between = first.run({"x": x(4, i)}, on_device=True)["y"]
        return second.run({"x": between}, on_device=True)["y"]

    def held():
        return len(gpu.memory), sum(a.nbytes for a in gpu.memory.values()), len(gpu.graphs)

    result = once(0)
    result = once(1)
    before, streams = held(), gpu.streams
    for i in range(1000):
        result = once(i)
    assert np.array_equal(result.numpy(), x(4, 4 * 999.0))
    assert held()[0] == before[0]
    assert held()[1] == before[1]
    assert held()[2] <= 2
    assert gpu.streams == streams
    del result
    first.close()
    second.close()
    assert gpu.memory == {}
    assert gpu.graphs == {}


def test_a_fixed_input_is_captured(gpu):
    graph = load(gpu)
    fixed = load(gpu).run({"x": x(4, 3.0)}, on_device=True)["y"]
    for _ in range(5):
        assert np.array_equal(graph.run({"x": fixed}, on_device=True)["y"].numpy(), x(4, 12.0))
    assert (gpu.captures, gpu.launches) == (1, 4)


def test_many_threads(gpu):
    first, second = load(gpu), load(gpu)
    wrong = []

    def work(seed):
        for i in range(40):
            rows, value = 1 + i % 3, float(seed * 100 + i)
            between = first.run({"x": x(rows, value)}, on_device=True)["y"]
            result = second.run({"x": between}, on_device=True)["y"].numpy()
            if not np.array_equal(result, x(rows, 4 * value)):
                wrong.append((seed, i))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    first.close()
    second.close()
    assert gpu.memory == {}


def test_what_cannot_be_read(gpu):
    graph = load(gpu)
    strided = ForeignArray(gpu, x(4, 3.0))
    strided.values = strided.values.reshape(3, 4).T
    cases = [
        (strided, "make it contiguous"),
        (ForeignArray(gpu, x(4).astype(np.float64)), "is float32, not float64"),
    ]
    elsewhere = ForeignArray(gpu, x(4))
    elsewhere.address = 1 << 62
    cases.append((elsewhere, "is on cuda:7, but the graph runs on cuda:0"))
    nowhere = ForeignArray(gpu, x(4))
    nowhere.address = 256
    cases.append((nowhere, "CUDA_ERROR_INVALID_VALUE"))
    for array, message in cases:
        with pytest.raises((BackendError, InputError), match=message):
            graph.run({"x": array})
    assert np.array_equal(graph.run({"x": x(2)})["y"], x(2, 2.0))


def test_no_memory_for_the_outputs(gpu):
    graph = load(gpu)
    graph.run({"x": x(8)})
    gpu.room = sum(a.nbytes for a in gpu.memory.values()) + 50
    with pytest.raises(BackendError, match="the GPU has no"):
        graph.run({"x": x(8)}, on_device=True)
    gpu.room = 1 << 20
    assert np.array_equal(graph.run({"x": x(8)}, on_device=True)["y"].numpy(), x(8, 2.0))


@pytest.mark.parametrize("stream", [None, 1])
def test_arrays_of_another_context_are_copied(gpu, stream):
    """As with pycuda.autoinit, which makes a context of its own."""
    graph = load(gpu)
    array = ForeignArray(gpu, x(4, 3.0), stream)
    gpu.others[array.memory] = 4711
    allocations = len(gpu.memory)
    result = graph.run({"x": array}, on_device=True)["y"]
    assert gpu.copies["between contexts"] == 1
    assert np.array_equal(result.numpy(), x(4, 6.0))
    graph.close()
    assert len(gpu.memory) == allocations + 1  # the result; the copy is gone


def test_contexts_are_pushed_and_popped(gpu):
    """A thread that ends with a context on its stack takes the process down (pycuda)."""
    kept = []

    def work():
        graph = load(gpu)
        kept.append(graph.run({"x": x(4, 3.0)}, on_device=True)["y"])
        with pytest.raises(BackendError):
            graph.run({"x": x(500)})
        graph.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert kept.pop().numpy()[0, 0] == 6.0
    gc.collect()
    assert gpu.memory == {}
    assert len(gpu.depth) == 2
    assert not any(gpu.depth.values())


def test_streams_are_given_back(gpu):
    for _ in range(5):
        graph = load(gpu)
        result = graph.run({"x": x(4, 3.0)}, on_device=True)["y"]
        graph.close()
        assert result.numpy()[0, 0] == 6.0  # its stream is still there
        del result, graph
    gc.collect()
    assert gpu.streams == gpu.streams_dropped == 10


def test_values_on_the_device_are_checked_when_they_are_fetched(gpu):
    result = load(gpu).run({"x": x(4, np.inf)}, on_device=True)["y"]
    with pytest.raises(BackendError, match=r"graph 'm/g' computed NaN or infinite.*'y'"):
        result.numpy()
