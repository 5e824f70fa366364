from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import onnxruntime as ort
import pytest

from colordeploy.bundle import find_bundle
from colordeploy.errors import BackendError
from colordeploy.runtime import ProviderOptions, load_graph
from colordeploy.runtime.graph import Target, parse_target

CPU = Target(device="cpu", threads=1)


@pytest.fixture(scope="module")
def content() -> bytes:
    return find_bundle("lga").graph("affinity")


def luma(seed: int) -> dict[str, np.ndarray]:
    return {"luma": np.random.default_rng(seed).random((1, 1, 32, 64), dtype=np.float32)}


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


TENSORRT = "TensorrtExecutionProvider"
CUDA = "CUDAExecutionProvider"
CPU_ONLY = "CPUExecutionProvider"


@pytest.fixture
def install(monkeypatch):
    """An ONNX Runtime that has some providers, of which some start."""

    def put(has, starts):
        asked = []

        def session(content, options, providers):
            asked.extend(providers)
            return SimpleNamespace(
                get_providers=lambda: list(starts), get_inputs=list, get_outputs=list
            )

        monkeypatch.setattr(ort, "InferenceSession", session)
        monkeypatch.setattr(ort, "get_available_providers", lambda: list(has))
        return asked

    return put


ALL = (TENSORRT, CUDA, CPU_ONLY)


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "auto"])
def test_the_provider_that_really_runs_is_checked(install, device):
    target = parse_target("auto", device, None)
    asked = install(ALL, ALL[1:])
    assert load_graph(b"", target, "x").device == ("cuda:1" if device == "cuda:1" else "cuda:0")
    assert asked[0][1]["device_id"] == str(target.index)
    install(ALL, ALL[2:])
    if device == "auto":
        graph = load_graph(b"", target, "x")
        assert graph.device == "cpu"
        assert "CUDA provider did not start" in graph.why
    else:
        with pytest.raises(BackendError, match="could not start its CUDA provider"):
            load_graph(b"", target, "x")


def test_the_tensorrt_provider_is_checked_too(install):
    options = ProviderOptions(provider="tensorrt")
    named = parse_target("onnxruntime", "cuda:1", None, options=options)
    free = parse_target("onnxruntime", "auto", None, options=options)
    asked = install(ALL, ALL)
    graph = load_graph(b"", named, "x")
    assert (graph.device, graph.why) == ("cuda:1", "device 'cuda:1' was asked for")
    assert [name for name, _ in asked[:2]] == [TENSORRT, CUDA]
    assert load_graph(b"", free, "x").why == "this ONNX Runtime's TensorRT provider started"
    install(ALL, ALL[1:])
    with pytest.raises(BackendError, match=r"could not start its TensorRT provider.*took CUDA"):
        load_graph(b"", named, "x")
    graph = load_graph(b"", free, "x")
    assert graph.device == "cuda:0"
    assert "TensorRT provider did not start" in graph.why
    assert graph.why.endswith("CUDA provider started")
    install(ALL, ALL[2:])
    graph = load_graph(b"", free, "x")
    assert graph.device == "cpu"
    assert "CUDA provider did not start" in graph.why
    asked = install(ALL[1:], ALL[1:])
    with pytest.raises(BackendError, match="this ONNX Runtime has no TensorRT provider"):
        load_graph(b"", named, "x")
    assert "has no TensorRT provider" in load_graph(b"", free, "x").why
    assert [name for name, _ in asked[:1]] == [CUDA]


def test_the_cpu_can_be_asked_for_by_provider(install):
    asked = install(ALL, ALL[2:])
    target = parse_target("auto", "auto", None, options=ProviderOptions(provider="cpu"))
    graph = load_graph(b"", target, "x")
    assert (graph.device, graph.why) == ("cpu", "provider 'cpu' was asked for")
    assert asked == [CPU_ONLY]


def assigned(**kinds):
    """What ONNX Runtime says of its nodes: kinds by provider."""
    names = {"gpu": CUDA, "cpu": CPU_ONLY}
    return [
        SimpleNamespace(
            ep_name=names[where],
            get_nodes=lambda found=found: [SimpleNamespace(op_type=kind) for kind in found],
        )
        for where, found in kinds.items()
    ]


@pytest.mark.parametrize("device", ["cuda", "auto"])
def test_nodes_that_are_left_on_the_cpu(install, monkeypatch, caplog, device):
    target = parse_target("auto", device, None)
    install(ALL[1:], ALL[1:])
    session = ort.InferenceSession(b"", None, providers=[])
    monkeypatch.setattr(ort, "InferenceSession", lambda *a, providers: session)
    caplog.set_level("INFO", "colordeploy")
    session.get_provider_graph_assignment_info = lambda: assigned(
        gpu=["Conv", "Conv"], cpu=["Shape", "Gather", "Concat"]
    )
    assert load_graph(b"", target, "x").device == "cuda:0"  # shapes belong there
    assert [r.levelname for r in caplog.records] == ["INFO"]
    session.get_provider_graph_assignment_info = lambda: assigned(
        gpu=["Conv"], cpu=["Shape", "Resize", "GridSample", "Resize"]
    )
    said = "3 of 5 nodes of graph 'x' run on the CPU.*: 1 GridSample, 2 Resize"
    if device == "cuda":
        with pytest.raises(BackendError, match=f"'cuda' was asked for, but {said}; use device='au"):
            load_graph(b"", target, "x")
    else:
        load_graph(b"", target, "x")
        (warning,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
        assert re.match(said, warning)


def test_on_the_cpu_nothing_is_on_a_gpu(content):
    graph = load_graph(content, CPU, "affinity")
    with pytest.raises(BackendError, match="runs on cpu, so its outputs cannot stay on a GPU"):
        graph.run(luma(0), on_device=True)
    here = SimpleNamespace(__cuda_array_interface__={})
    with pytest.raises(BackendError, match="'luma' is on a GPU; fetch it first"):
        graph.run({"luma": here})


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
