"""Building with TensorRT for RTX, which needs no GPU."""

from __future__ import annotations

import pytest
from onnx import TensorProto, helper

from colordeploy.errors import BackendError
from colordeploy.runtime.tensorrt.build import BuildOptions, Profile, build_engine

from ...export.tensorrt import rtx


def graph(operator="Relu", **attributes):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 8])
    node = helper.make_node(operator, ["x"], ["y"], name="net.head.first", **attributes)
    model = helper.make_model(
        helper.make_graph([node], "g", [x], [y]), opset_imports=[helper.make_opsetid("", 20)]
    )
    return model.SerializeToString()


def profile(least=1, best=4, most=16):
    return Profile({"x": (least, 8)}, {"x": (best, 8)}, {"x": (most, 8)})


ADA = BuildOptions(("sm_89",))


def test_progress_and_cancelling():
    seen = []

    def note(phase, done, steps):
        seen.append((phase, done, steps))
        return True

    assert len(build_engine(rtx(), graph(), [profile()], ADA, "g", note)) > 1000
    assert all(0 <= done <= steps for _, done, steps in seen)
    phases = {phase for phase, *_ in seen}
    assert {phase for phase, done, steps in seen if done == steps} == phases
    with pytest.raises(BackendError, match="'g': it was cancelled"):
        build_engine(rtx(), graph(), [profile()], ADA, "g", lambda *_: False)


def test_several_architectures_and_profiles():
    one = build_engine(rtx(), graph(), [profile()], ADA, "g")
    options = BuildOptions(("sm_86", "sm_89"), level=1, workspace=64)
    assert len(build_engine(rtx(), graph(), [profile(), profile(32, 32, 32)], options, "g")) > len(
        one
    )


def test_an_operator_that_it_does_not_have():
    with pytest.raises(BackendError, match=r"node 'net\.head\.first' \(Unsqueezy\).*onnxruntime"):
        build_engine(rtx(), graph("Unsqueezy"), [profile()], ADA, "g")
    with pytest.raises(BackendError, match="cannot read graph 'g'"):
        build_engine(rtx(), b"not onnx", [profile()], ADA, "g")


def test_profiles_and_options_out_of_range():
    with pytest.raises(BackendError, match=r"from small to large.*'x'"):
        build_engine(rtx(), graph(), [profile(4, 2, 8)], ADA, "g")
    with pytest.raises(BackendError, match="several architectures"):
        build_engine(rtx(), graph(), [profile()], BuildOptions(hardware_compatible=True), "g")
    with pytest.raises(BackendError, match="cannot build for 'sm_90'"):
        build_engine(rtx(), graph(), [profile()], BuildOptions(("sm_90",)), "g")
    for wrong in ({"level": 6}, {"workspace": 0}):
        with pytest.raises(BackendError, match="not"):
            BuildOptions(**wrong)
