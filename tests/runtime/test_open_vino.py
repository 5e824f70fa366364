"""Graphs on OpenVINO: float32 like ONNX Runtime's, bfloat16 within its tolerance, clear errors."""

from __future__ import annotations

import platform
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from colordeploy.accuracy.golden import verify
from colordeploy.accuracy.tolerances import HALF_ON_DEVICE
from colordeploy.bundle import default_bundles, find_bundle
from colordeploy.errors import BackendError
from colordeploy.runtime import load_graph, processor
from colordeploy.runtime.graph import Target, parse_target
from colordeploy.runtime.open_vino import OpenVinoGraph, has_bfloat16

pytestmark = pytest.mark.openvino
PLAIN = Target("openvino", "cpu", 1)
BF16 = Target("auto", "cpu", 1, "bf16")


@pytest.fixture(scope="module")
def content() -> bytes:
    return find_bundle("lga").graph("affinity")


def luma(seed: int, size: int = 32) -> dict[str, np.ndarray]:
    return {"luma": np.random.default_rng(seed).random((1, 1, size, 64), dtype=np.float32)}


def test_float32_like_onnx_runtime(content):
    ours, other = (load_graph(content, t, "a") for t in (PLAIN, Target("onnxruntime", "cpu", 1)))
    assert isinstance(ours, OpenVinoGraph)
    assert (ours.device, ours.precision) == ("cpu", "fp32")
    found, wanted = ours.run(luma(0)), other.run(luma(0))
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=1e-5)


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="no x86-64")
def test_int8_is_refused_where_products_overflow(tmp_path, monkeypatch):
    helper = pytest.importorskip("onnx").helper
    scale = helper.make_tensor("scale", 1, [], [0.1])
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(n, 1, [1, 4]) for n in ("x", "y")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [scale])
    opset = [helper.make_opsetid("", 17)]
    int8 = helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
    monkeypatch.setattr(processor, "_CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu avx2 avx512f\n")
    with pytest.raises(BackendError, match=r"'g' is in INT8.*no VNNI; use backend='onnxruntime'"):
        load_graph(int8, PLAIN, "g")
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu avx2 avx_vnni\n")
    assert load_graph(int8, PLAIN, "g").run({"x": np.full((1, 4), 0.52, np.float32)})["y"][0, 0] > 0


def test_results_are_the_callers_own_from_several_threads(content):
    graph = load_graph(content, PLAIN, "affinity")
    wanted = [graph.run(luma(i, 32 + 32 * (i % 3)))["features"] for i in range(6)]
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda i: graph.run(luma(i, 32 + 32 * (i % 3)))["features"], range(6))
        )
    for a, b in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_wrong_inputs_closing_and_no_graph(content):
    wrong = ({}, {"other": np.zeros(1)}, {"luma": np.zeros((1, 8, 8), np.float32)}, luma(0, 33))
    for threads in (1, 2):
        graph = load_graph(content, Target("openvino", "cpu", threads), "affinity")
        right = graph.run(luma(0))["features"]
        for inputs in wrong:
            with pytest.raises(BackendError, match="affinity"):
                graph.run(inputs)
            # A model that failed in the middle computes NaN from then on.
            np.testing.assert_array_equal(graph.run(luma(0))["features"], right)
    graph.close()
    with pytest.raises(BackendError, match="closed"):
        graph.run(luma(0))
    with pytest.raises(BackendError, match="'broken'"):
        load_graph(b"not onnx", PLAIN, "broken")


@pytest.mark.parametrize("name", list(default_bundles()))
@pytest.mark.parametrize("target", [PLAIN, BF16], ids=["fp32", "bf16"])
def test_golden_vectors(name, target):
    if target.precision == "bf16" and not has_bfloat16():
        pytest.skip("this CPU has no bfloat16")
    bundle = find_bundle(name)
    for check in verify(bundle, target):
        half = target.precision == "bf16" and "*" not in bundle.kept_layers(check.graph)
        assert check.precision == ("bf16" if half else "fp32")
        assert check.tolerance == HALF_ON_DEVICE["bf16"] or not half
        assert check.passed, check
        assert check.largest_error > (1e-4 if half else 0)


def test_no_openvino(content, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(BackendError, match=r"pip install 'colordeploy\[openvino\]'"):
        load_graph(content, PLAIN, "affinity")


def test_a_cpu_without_bfloat16(content, monkeypatch):
    monkeypatch.setattr("colordeploy.runtime.open_vino.has_bfloat16", lambda core=None: False)
    with pytest.raises(BackendError, match="does not compute in bfloat16"):
        load_graph(content, BF16, "affinity")


@pytest.mark.parametrize(
    ("backend", "device", "precision", "said"),
    [
        ("auto", "cpu", "bf32", "unknown precision"),
        ("openvino", "cpu", "fp16", "slower in float16"),
        ("onnxruntime", "cpu", "bf16", "use backend='openvino'"),
        ("auto", "cuda", "bf16", "'tensorrt' on a GPU"),
        ("auto", "cpu", "fp16", "float16 on GPUs only"),
        ("auto", "auto", "fp16", "float16 on GPUs only"),
    ],
)
def test_precisions_that_nobody_has(backend, device, precision, said):
    with pytest.raises(BackendError, match=said):
        parse_target(backend, device, None, precision)


def test_a_gpu_is_not_openvinos(content):
    with pytest.raises(BackendError, match="no NVIDIA GPUs"):
        load_graph(content, parse_target("openvino", "cuda", None), "affinity")


@pytest.mark.parametrize(
    ("target", "runtime"),
    [
        (Target(), "onnxruntime"),
        (BF16, "openvino"),
        (Target(precision="bf16"), "openvino"),
        (Target("tensorrt", "cuda", None, "bf16"), "tensorrt"),
        (Target("auto", "cuda", None, "fp16"), "onnxruntime"),
    ],
)
def test_what_auto_stands_for(target, runtime):
    assert target.runtime == runtime


def test_compiled_models_are_kept_where_the_environment_says(content, tmp_path, monkeypatch):
    monkeypatch.setenv("COLORDEPLOY_OPENVINO_CACHE", str(tmp_path / "new" / "cache"))
    first = load_graph(content, PLAIN, "affinity").run(luma(0))["features"]
    (kept,) = (tmp_path / "new" / "cache").glob("*.blob")
    stamp = kept.stat().st_mtime_ns
    again = load_graph(content, PLAIN, "affinity").run(luma(0))["features"]
    np.testing.assert_array_equal(again, first)
    assert [p.stat().st_mtime_ns for p in kept.parent.glob("*.blob")] == [stamp]
    kept.write_bytes(kept.read_bytes()[:1000])  # damaged: compiled again
    again = load_graph(content, PLAIN, "affinity").run(luma(0))["features"]
    np.testing.assert_array_equal(again, first)


def test_a_cache_that_cannot_be_written_is_said(content, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COLORDEPLOY_OPENVINO_CACHE", str(tmp_path / "file" / "cache"))
    assert load_graph(content, PLAIN, "affinity").run(luma(0))["features"].shape[1] == 16
    assert "compiled at every start" in caplog.text


def test_requests_do_not_pile_up(content):
    graph = load_graph(content, PLAIN, "affinity")
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda i: graph.run(luma(i)), range(48)))
    assert len(graph._idle) <= 4
