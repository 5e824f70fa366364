from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest

from colordeploy.bundle import find_bundle
from colordeploy.errors import BackendError
from colordeploy.runtime import load_graph
from colordeploy.runtime.graph import Target, parse_target

CPU = Target(device="cpu", threads=1)


@pytest.fixture(scope="module")
def content() -> bytes:
    return find_bundle("lga").graph("affinity")


def luma(seed: int) -> dict[str, np.ndarray]:
    return {"luma": np.random.default_rng(seed).random((1, 1, 8, 12), dtype=np.float32)}


def test_results_are_the_callers_own(content):
    graph = load_graph(content, CPU, "affinity")
    first = graph.run(luma(0))["features"]
    kept = first.copy()
    graph.run(luma(1))
    assert np.array_equal(first, kept)
    assert graph.device == "cpu"


def test_wrong_inputs_and_closing(content):
    graph = load_graph(content, CPU, "affinity")
    for inputs in ({}, {"other": np.zeros(1)}, {"luma": np.zeros((1, 1, 8, 8))}):
        with pytest.raises(BackendError, match="affinity"):
            graph.run(inputs)
    graph.close()
    with pytest.raises(BackendError, match="closed"):
        graph.run(luma(0))


def test_no_graph_at_all():
    with pytest.raises(BackendError, match="'broken'"):
        load_graph(b"not onnx", CPU, "broken")


class FakeSession:
    """A session whose CUDA provider did or did not start, as ONNX Runtime would say it."""

    started: tuple[str, ...] = ()

    def __init__(self, content, options, providers):
        self.asked = providers

    def get_providers(self):
        return list(self.started)


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "auto"])
def test_the_provider_that_really_runs_is_checked(monkeypatch, device):
    monkeypatch.setattr(ort, "InferenceSession", FakeSession)
    monkeypatch.setattr(
        ort, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    target = parse_target("auto", device, None)
    monkeypatch.setattr(FakeSession, "started", ("CUDAExecutionProvider", "CPUExecutionProvider"))
    assert load_graph(b"", target, "x").device == ("cuda:1" if device == "cuda:1" else "cuda:0")
    monkeypatch.setattr(FakeSession, "started", ("CPUExecutionProvider",))
    if device == "auto":
        graph = load_graph(b"", target, "x")
        assert graph.device == "cpu"
        assert "CUDA provider did not start" in graph.why
    else:
        with pytest.raises(BackendError, match="could not start"):
            load_graph(b"", target, "x")


@pytest.mark.parametrize(
    ("backend", "device", "threads"),
    [
        ("x", "auto", None),
        ("tensorrt", "cpu", None),
        ("auto", "gpu", None),
        ("auto", "cuda:x", None),
        ("auto", None, None),
        ("auto", "cpu", 0),
        ("auto", "cpu", 10**10),
        ("auto", "cpu", True),
    ],
)
def test_odd_targets(backend, device, threads):
    with pytest.raises(BackendError):
        parse_target(backend, device, threads)
