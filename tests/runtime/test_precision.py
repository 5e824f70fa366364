"""Half precision in the graph: types, what stays, and what rounding does."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from colordeploy.bundle import find_bundle
from colordeploy.errors import BackendError
from colordeploy.runtime.precision import halved, layer_groups

KINDS = {"fp16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}


def value(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def model(nodes, weights, outputs):
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", ["n", 4, 6, 8])],
        [value(name, None) for name in outputs],
        [numpy_helper.from_array(w, n) for n, w in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return onnx.shape_inference.infer_shapes(made).SerializeToString()


def example():
    """A convolution whose result is also an output, then softmax, resize, transposed convolution;
    one weight is stored as float16 already.
    """
    rng = np.random.default_rng(0)
    weights = {
        "net.a.weight": rng.normal(size=(4, 4, 3, 3)).astype(np.float32) / 6,
        "net.a.bias": rng.normal(size=4).astype(np.float32),
        "net.b.weight.half": rng.normal(size=(4, 2, 2, 2)).astype(np.float16),
        "scales": np.array([1, 1, 2, 2], np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["net.b.weight.half"], ["net.b.weight"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["x", "net.a.weight", "net.a.bias"], ["c"], "conv", pads=[1] * 4),
        helper.make_node("Softmax", ["c"], ["s"], "softmax", axis=1),
        helper.make_node("Resize", ["s", "", "scales"], ["r"], "resize"),
        helper.make_node("ConvTranspose", ["r", "net.b.weight"], ["t"], "deconv", strides=[2, 2]),
        helper.make_node("Tanh", ["t"], ["y"], "tanh"),
    ]
    return model(nodes, weights, ["c", "y"])


def run(content):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(1).normal(size=(2, 4, 6, 8)).astype(np.float32)
    return dict(
        zip([o.name for o in session.get_outputs()], session.run(None, {"x": x}), strict=True)
    )


def types(content):
    """Element type of each operator's first output."""
    shown = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(content)).graph
    known = {v.name: v.type.tensor_type.elem_type for v in (*shown.value_info, *shown.output)}
    return {node.op_type: known[node.output[0]] for node in shown.node if node.op_type != "Cast"}


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_types(precision):
    content = halved(example(), precision)
    changed = onnx.load_model_from_string(content)
    if precision == "fp16":  # ONNX has bfloat16 convolutions from opset 22 on, TensorRT always
        onnx.checker.check_model(changed, full_check=True)
    for side in (changed.graph.input, changed.graph.output):
        assert {v.type.tensor_type.elem_type for v in side} == {TensorProto.FLOAT}
    found = types(content)
    half = KINDS[precision]
    assert (found["Conv"], found["Softmax"], found["Tanh"]) == (half, TensorProto.FLOAT, half)
    assert found["ConvTranspose"] == (half if precision == "fp16" else TensorProto.FLOAT)
    kinds = {w.name: w.data_type for w in changed.graph.initializer}
    assert kinds[f"net.a.weight.{precision}"] == half
    assert "net.a.weight" not in kinds  # not stored twice
    assert kinds["scales"] == TensorProto.FLOAT


def test_results_are_near():
    exact, found = run(example()), run(halved(example(), "fp16"))
    for name in ("c", "y"):
        assert found[name].dtype == np.float32
        assert 0 < np.abs(found[name] - exact[name]).max() < 0.01
        simulated = run(halved(example(), "fp16", simulate=True))
        assert np.abs(simulated[name] - exact[name]).max() < 0.01


def test_simulation_rounds_each_result():
    exact = run(example())["c"]
    kept = ("softmax", "resize", "deconv", "tanh")
    for precision, dtype in (("fp16", np.float16), ("bf16", None)):
        found = run(halved(example(), precision, kept, simulate=True))
        if dtype is None:
            import ml_dtypes

            dtype = ml_dtypes.bfloat16
        assert np.array_equal(found["c"], exact.astype(dtype).astype(np.float32))


def test_what_is_kept_is_exact():
    exact = run(example())
    everything = run(halved(example(), "fp16", ("*",)))
    assert all(np.array_equal(everything[name], exact[name]) for name in exact)
    by_weight = types(halved(example(), "fp16", ("net.a*",)))
    assert by_weight["Conv"] == TensorProto.FLOAT
    assert by_weight["Tanh"] == TensorProto.FLOAT16


def test_a_weight_that_float16_cannot_hold():
    weights = {"net.a.weight": np.full((4, 4, 1, 1), 1e5, np.float32)}
    content = model([helper.make_node("Conv", ["x", "net.a.weight"], ["y"])], weights, ["y"])
    with pytest.raises(BackendError, match=r"net\.a\.weight holds 1e\+05"):
        halved(content, "fp16")
    halved(content, "bf16")
    halved(content, "fp16", ("net.a*",))


def test_groups_and_wrong_names():
    assert layer_groups(example()) == ["net.a"]
    assert layer_groups(find_bundle("lga").graph("affinity")) == [
        "encoder.stem",
        "encoder.stages",
        "net.features",
        "net.alpha",
    ]
    with pytest.raises(BackendError, match="fp16, bf16, not 'int8'"):
        halved(example(), "int8")


def test_a_norm_of_nothing_stays_finite():
    """Mean of squares, a small number, root, quotient: float16 would divide by zero."""
    small = {"eps": np.array(1e-8, np.float32)}
    nodes = [
        helper.make_node("Mul", ["x", "x"], ["squares"]),
        helper.make_node("ReduceMean", ["squares"], ["mean"], keepdims=1),
        helper.make_node("Add", ["mean", "eps"], ["above"]),
        helper.make_node("Sqrt", ["above"], ["root"]),
        helper.make_node("Div", ["x", "root"], ["y"]),
    ]
    content = halved(model(nodes, small, ["y"]), "fp16")
    options = ort.SessionOptions()
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    for value in (0.0, 1e-3, 3e2):  # 3e2 squared is past float16
        found = session.run(None, {"x": np.full((1, 4, 6, 8), value, np.float32)})[0]
        assert np.isfinite(found).all()
        assert found.max() == pytest.approx(float(value > 0), rel=0.01)


def test_what_is_compared_is_rounded_alike():
    nodes = [
        helper.make_node("Softmax", ["x"], ["s"], axis=1),
        helper.make_node("ReduceMax", ["s", "axes"], ["top"], keepdims=1),
        helper.make_node("Equal", ["s", "top"], ["same"]),
        helper.make_node("Cast", ["same"], ["y"], to=TensorProto.FLOAT),
    ]
    content = halved(model(nodes, {"axes": np.array([1])}, ["y"]), "bf16", simulate=True)
    assert (run(content)["y"].sum(axis=1) >= 1).all()
