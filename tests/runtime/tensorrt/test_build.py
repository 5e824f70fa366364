"""Building with TensorRT for RTX, which needs no GPU."""

from __future__ import annotations

import threading

import pytest
from onnx import TensorProto, helper

from colordeploy import CancelToken
from colordeploy.bundle import find_bundle
from colordeploy.engines import Sizes, default_sizes
from colordeploy.engines.shapes import profiles_of
from colordeploy.errors import BackendError, Cancelled
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


def test_progress_comes_in_the_callers_thread():
    seen = []

    def note(phase, done, steps):
        seen.append((phase, done, steps))
        assert threading.current_thread() is threading.main_thread()

    built = build_engine(rtx(), graph(), [profile()], ADA, "g", note)
    assert len(built.plan) > 1000
    assert built.timing_cache == b""  # RTX times nothing
    assert all(0 <= done <= steps for _, done, steps in seen)
    phases = {phase for phase, *_ in seen}
    assert {phase for phase, done, steps in seen if done == steps} == phases


def builders():
    return [t for t in threading.enumerate() if t.name == "colordeploy-build"]


def test_a_callback_that_raises_ends_the_build():
    def fail(phase, done, steps):
        raise ValueError("the host's own")

    with pytest.raises(ValueError, match="the host's own"):
        build_engine(rtx(), graph(), [profile()], ADA, "g", fail)
    for thread in builders():
        thread.join(20)
    assert builders() == []


def test_cancelling_ends_the_call_at_once():
    token = CancelToken()
    with pytest.raises(Cancelled):
        build_engine(rtx(), graph(), [profile()], ADA, "g", lambda *_: token.cancel(), cancel=token)
    with pytest.raises(Cancelled):
        build_engine(rtx(), graph(), [profile()], ADA, "g", cancel=token)


def test_several_architectures_and_profiles():
    one = build_engine(rtx(), graph(), [profile()], ADA, "g")
    options = BuildOptions(("sm_86", "sm_89"), level=1, workspace=64)
    two = build_engine(rtx(), graph(), [profile(), profile(32, 32, 32)], options, "g")
    assert len(two.plan) > len(one.plan)


def test_a_workspace_without_any_kernel_that_fits():
    bundle = find_bundle("rasc")
    profiles = profiles_of(bundle, "encode", [Sizes(*[(256, 256)] * 3)])
    options = BuildOptions(("sm_89",), workspace=1)
    with pytest.raises(BackendError, match=r"workspace of 1 MiB is too small.*leave it out"):
        build_engine(rtx(), bundle.graph("encode"), profiles, options, "g")


def test_a_workspace_that_is_too_small_says_how_much():
    bundle = find_bundle("lga")
    profiles = profiles_of(bundle, "affinity", default_sizes(bundle)[:1])
    options = BuildOptions(("sm_89",), workspace=8)
    with pytest.raises(BackendError, match=r"workspace of 8 MiB is too small.*--workspace \d+"):
        build_engine(rtx(), bundle.graph("affinity"), profiles, options, "g")


def test_stripping_needs_a_gpu():
    bundle = find_bundle("rasc")
    profiles = profiles_of(bundle, "encode", default_sizes(bundle)[:1])
    options = BuildOptions(("sm_89",), stripped=True)
    with pytest.raises(BackendError, match="leaves weights out on a machine with a GPU only"):
        build_engine(rtx(), bundle.graph("encode"), profiles, options, "g")


def test_an_operator_that_it_does_not_have():
    with pytest.raises(BackendError, match=r"node 'net\.head\.first' \(Unsqueezy\).*onnxruntime"):
        build_engine(rtx(), graph("Unsqueezy"), [profile()], ADA, "g")
    with pytest.raises(BackendError, match="cannot read graph 'g'"):
        build_engine(rtx(), b"not onnx", [profile()], ADA, "g")


def test_profiles_and_options_out_of_range():
    with pytest.raises(BackendError, match=r"from small to large.*'x'"):
        build_engine(rtx(), graph(), [profile(4, 2, 8)], ADA, "g")
    for option, said in (("hardware", "several architectures"), ("version", "no lean runtime")):
        options = BuildOptions(**{f"{option}_compatible": True})
        with pytest.raises(BackendError, match=said):
            build_engine(rtx(), graph(), [profile()], options, "g")
    with pytest.raises(BackendError, match="cannot build for 'sm_90'"):
        build_engine(rtx(), graph(), [profile()], BuildOptions(("sm_90",)), "g")
    for wrong in ({"level": 6}, {"workspace": 0}):
        with pytest.raises(BackendError, match="not"):
            BuildOptions(**wrong)
