"""The record of a method is all that the rest of the house knows of it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper

import colordeploy
from colordeploy import methods
from colordeploy.accuracy.golden import verify
from colordeploy.accuracy.pictures import fidelity
from colordeploy.bench.measure import Rules
from colordeploy.bench.run import Plan, measured_runs
from colordeploy.bundle import Bundle, default_bundles
from colordeploy.cli import cli
from colordeploy.errors import BundleError
from colordeploy.manifest import TensorEntry
from colordeploy.methods import all_methods, find_method
from colordeploy.runtime.graph import Target
from export.bundling.onnx_graph import ExportedGraph
from export.bundling.writer import write_bundle

PACKAGE = Path(colordeploy.__file__).parent


@pytest.fixture
def bundle(tmp_path):
    """A bundle of the toy method, written as any other."""
    gray = helper.make_tensor_value_info("gray", TensorProto.FLOAT, ["batch", 1, "height", "width"])
    tint = helper.make_tensor_value_info("tint", TensorProto.FLOAT, [1, 2])
    ab = helper.make_tensor_value_info("ab", TensorProto.FLOAT, ["batch", 2, "height", "width"])
    nodes = [
        helper.make_node("Mul", ["gray", "zero"], ["nothing"]),
        helper.make_node("Reshape", ["tint", "shape"], ["planes"]),
        helper.make_node("Add", ["nothing", "planes"], ["ab"]),
    ]
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0])
    shape = helper.make_tensor("shape", TensorProto.INT64, [4], [1, 2, 1, 1])
    graph = helper.make_graph(nodes, "tint", [gray, tint], [ab], [zero, shape])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    inputs = (
        TensorEntry("gray", "float32", ("batch", 1, "height", "width")),
        TensorEntry("tint", "float32", (1, 2)),
    )
    outputs = (TensorEntry("ab", "float32", ("batch", 2, "height", "width")),)
    plane = np.zeros((1, 1, 4, 5), np.float32)
    golden = {
        "tint/0/input/gray": plane,
        "tint/0/input/tint": np.float32([[20, 30]]),
        "tint/0/output/ab": plane + np.float32([20, 30]).reshape(1, 2, 1, 1),
    }
    write_bundle(
        tmp_path / "toy",
        {
            "name": "toy", "method": "toy", "version": "1", "licence": "CC0", "trained_on": "-",
            "quality": {}, "parameters": {"working_size": 64, "multiple": 1},
        },
        {"tint": (ExportedGraph(model.SerializeToString(), inputs, outputs), 1e-5)},
        golden,
    )  # fmt: skip
    return tmp_path / "toy"


def test_a_method_enters_by_one_door(bundle, photo_like, monkeypatch):
    """A room of its own and its name in `ROOMS`: loaded, verified, compared and measured."""
    with pytest.raises(BundleError, match="method 'toy' is not known"):
        colordeploy.load(bundle, device="cpu")
    monkeypatch.setattr(methods, "ROOMS", (*methods.ROOMS, "tests.methods.toy"))
    with colordeploy.load(bundle, device="cpu", threads=1) as model:
        canvas = model.prepare(photo_like)
        whole = canvas.render((20.0, 30.0))
        assert whole.shape == photo_like.shape
        part = canvas.render((20.0, 30.0), region=(10, 20, 50, 60))
        assert np.array_equal(part, whole[10:50, 20:60])
    assert all(check.passed for check in verify(Bundle(bundle), Target(device="cpu")))
    assert fidelity(Bundle(bundle), "fp16", [photo_like]).mean < 0.5
    rules = Rules(duration=0.0, queries=2, warm_up=0.0, warm_up_queries=0)
    plan = Plan((str(bundle),), (48, 64), targets=(Target(device="cpu"),), rules=rules, cold=0)
    (record,) = measured_runs(plan)
    assert record["graphs"]


def test_every_bundle_has_a_record_and_every_record_a_command():
    for path in default_bundles().values():
        assert find_method(Bundle(path).manifest.method).bundled
    for method in all_methods():
        assert method.command in cli.commands
        done = CliRunner().invoke(cli, [method.command, "--help"])
        assert done.exit_code == 0


def test_no_other_place_compares_methods_names():
    """What differs between methods is said in the method's record, once."""
    names = "|".join(method.name for method in all_methods())
    compared = re.compile(rf'(==|!=|\bin) *[\(\[{{]?"({names})"|case "({names})"')
    found = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for path in PACKAGE.rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if compared.search(line)
    ]
    assert found == []
