"""What graphs of every backend promise: cancelling, finite outputs, closing, forks, no pickling."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from colordeploy import CancelToken
from colordeploy.bundle import find_bundle
from colordeploy.errors import BackendError, Cancelled
from colordeploy.runtime import load_graph
from colordeploy.runtime.graph import Target
from tests.graphs import long_chain, one_over

BACKENDS = ["onnxruntime", pytest.param("openvino", marks=pytest.mark.openvino)]


@pytest.fixture(params=BACKENDS)
def backend(request) -> str:
    return request.param


def ones(size: int = 8) -> dict[str, np.ndarray]:
    return {"x": np.ones((1, 1, size, size), np.float32)}


@pytest.mark.parametrize("threads", [1, 2])
def test_cancelling_ends_a_run_and_leaves_the_graph_as_it_was(backend, threads):
    graph = load_graph(long_chain(400), Target(backend, "cpu", threads), "chain")
    small = graph.run(ones())["y"]
    token, large = CancelToken(), ones(1500)
    threading.Timer(0.3, token.cancel).start()
    with pytest.raises(Cancelled, match="cancelled in graph 'chain'"):
        graph.run(large, cancel=token)
    with pytest.raises(Cancelled):
        graph.run(ones(), cancel=token)
    np.testing.assert_array_equal(graph.run(ones())["y"], small)
    np.testing.assert_array_equal(graph.run(ones(), cancel=CancelToken())["y"], small)


def test_cancelling_one_run_leaves_others_alone(backend):
    graph = load_graph(long_chain(100), Target(backend, "cpu", 1), "chain")
    wanted = graph.run(ones(300))["y"]
    tokens = [CancelToken() for _ in range(12)]

    def run(i: int) -> bool:
        try:
            found = graph.run(ones(300), cancel=tokens[i])["y"]
        except Cancelled:
            return False
        np.testing.assert_array_equal(found, wanted)
        return True

    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(run, i) for i in range(12)]
        for token in tokens[::2]:
            time.sleep(0.005)
            token.cancel()
    ended = [run.result() for run in runs]
    assert all(ended[1::2])
    assert not all(ended[::2])


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_outputs_are_finite(backend, value):
    graph = load_graph(one_over(), Target(backend, "cpu", 1), "inverse")
    given = ones()
    assert graph.run(given)["y"].max() == 1
    given["x"][0, 0, 3, 4] = value
    if value == np.inf:
        assert graph.run(given)["y"][0, 0, 3, 4] == 0
    else:
        with pytest.raises(BackendError, match="NaN or infinite values in its output 'y'"):
            graph.run(given)


def test_sums_that_overflow_are_finite_values(backend):
    graph = load_graph(one_over(), Target(backend, "cpu", 1), "inverse")
    given = {"x": np.full((1, 1, 8, 8), 1e-38, np.float32)}
    assert graph.run(given)["y"].max() == pytest.approx(1e38)


def test_closing_while_others_run(backend):
    graph = load_graph(long_chain(20), Target(backend, "cpu", 1), "chain")
    wanted = graph.run(ones(64))["y"]
    said = []

    def run() -> None:
        try:
            for _ in range(1000):
                np.testing.assert_array_equal(graph.run(ones(64))["y"], wanted)
        except BackendError as error:
            said.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    graph.close()
    graph.close()
    for thread in threads:
        thread.join()
    assert said == ["graph 'chain' was closed; load the model again"] * 3


def test_graphs_are_not_copied(backend):
    graph = load_graph(one_over(), Target(backend, "cpu", 1), "inverse")
    for action in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(BackendError, match=r"'inverse' cannot be pickled or copied.*load"):
            action(graph)


def test_loading_is_logged(backend, caplog):
    caplog.set_level(logging.INFO, "colordeploy")
    load_graph(one_over(), Target(backend, "cpu", 1), "inverse")
    (line,) = [r.getMessage() for r in caplog.records]
    assert line == f"graph inverse: {backend} on cpu in fp32, 1 thread (" + (
        "device 'cpu' was asked for)"
        if backend == "onnxruntime"
        else "backend 'openvino' was asked for)"
    )


FORK = """
import os, sys, threading, time, numpy as np
from colordeploy.runtime import load_graph
from colordeploy.runtime.graph import Target
from colordeploy.errors import BackendError
content, backend, threads = open(sys.argv[1], "rb").read(), sys.argv[2], int(sys.argv[3])
x = {"x": np.ones((1, 1, 64, 64), np.float32)}
graph = load_graph(content, Target(backend, "cpu", threads), "chain")
graph.run(x)
stop = threading.Event()
def busy():
    while not stop.is_set():
        graph.run(x)
threading.Thread(target=busy).start()
for number in range(8):
    child = os.fork()
    if not child:
        try:
            graph.run(x)
        except BackendError as error:
            assert "forked" in str(error)
            graph.close()
            sys.exit(40 + number)  # an ordinary exit, with all destructors
        sys.exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 40 + number, status
stop.set()
"""


@pytest.mark.fault(33)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_forked_child_is_told_and_ends(backend, threads, tmp_path):
    (tmp_path / "chain.onnx").write_bytes(long_chain(3))
    done = subprocess.run(
        [sys.executable, "-c", FORK, str(tmp_path / "chain.onnx"), backend, str(threads)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.fault(33)
def test_loading_in_a_child_works(tmp_path):
    """What the error advises: the parent has loaded, the child loads its own."""
    (tmp_path / "chain.onnx").write_bytes(long_chain(3))
    code = FORK.split("graph.run(x)\nstop")[0] + (
        "child = os.fork()\n"
        "if not child:\n"
        "    own = load_graph(content, Target(backend, 'cpu', threads), 'chain')\n"
        "    sys.exit(40 if np.array_equal(own.run(x)['y'], x['x']) else 1)\n"
        "_, status = os.waitpid(child, 0)\n"
        "assert os.waitstatus_to_exitcode(status) == 40, status\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "chain.onnx"), "onnxruntime", "2"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.fault(30)
def test_one_processor_is_quiet(tmp_path):
    """As in a container whose cpuset is one of many processors."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("this process has one processor anyway")
    code = (
        "import os; os.sched_setaffinity(0, {max(os.sched_getaffinity(0))});"
        "import logging, sys; logging.basicConfig(level=logging.INFO, stream=sys.stdout);"
        "import colordeploy; colordeploy.load('lga', device='cpu')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
    assert "1 thread (" in done.stdout


def test_a_bundle_is_cancelled_within_50_ms_of_its_longest_node():
    """Not faster than one node: the limit is the contract's, with room for a busy machine."""
    bundle = find_bundle("lga")
    graph = load_graph(bundle.graph("affinity"), Target(device="cpu"), "affinity")
    given = {"luma": np.random.default_rng(0).random((1, 1, 512, 512), np.float32)}
    graph.run(given)
    token, at = CancelToken(), []

    def cancel() -> None:
        at.append(time.perf_counter())
        token.cancel()

    threading.Timer(0.02, cancel).start()
    with pytest.raises(Cancelled):
        graph.run(given, cancel=token)
    assert time.perf_counter() - at[0] < 1
