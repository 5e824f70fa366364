"""``colordeploy bench``."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from colordeploy.cli import cli
from colordeploy.errors import BackendError

QUICK = ("--duration", "0", "--queries", "2", "--size", "48x64", "--threads", "1")


def run(*arguments):
    return CliRunner().invoke(cli, ["bench", *map(str, arguments)])


@pytest.mark.parametrize("scenario", ["single", "offline", "server"])
def test_scenarios(tmp_path, scenario):
    path = tmp_path / "a.json"
    done = run("levin", "--scenario", scenario, "--cold", 0, "--json", path, *QUICK)
    assert done.exit_code == 0, (done.output, done.exception)
    (record,) = json.loads(path.read_text())["runs"]
    assert record["key"]["scenario"] == scenario
    assert record["queries"] >= 2
    assert all(isinstance(ns, int) for ns in record["samples_ns"]["end_to_end"])
    assert ("throughput" in done.output) == (scenario == "offline")
    assert "n/a" in done.output


def test_backends_sizes_and_the_cold_start(tmp_path):
    path = tmp_path / "a.json"
    both = ("--backend", "auto", "--backend", "onnxruntime", "--size", 40, "--cold", 1)
    done = run("run", "lga", *QUICK, *both, "--device", "cpu", "--json", path)
    assert done.exit_code == 0, (done.output, done.exception)
    runs = json.loads(path.read_text())["runs"]
    assert [r["key"]["size"] for r in runs] == ["48x64"] * 4 + ["40x40"] * 4
    assert [r["key"]["scenario"] for r in runs[:4]] == ["single", "single", "cold", "cold"]
    assert "over the first backend's" in done.output
    assert runs[0]["devices"] == {"affinity": "cpu"}
    assert len(runs[0]["graphs"]["affinity"]) == 64
    assert "graph lga/affinity" in runs[0]["stages_ns"]


@pytest.mark.openvino
def test_several_precisions(tmp_path):
    path = tmp_path / "a.json"
    asked = ("--backend", "onnxruntime", "--backend", "openvino", "--device", "cpu", "--cold", 0)
    both = ("--precision", "fp32", "--precision", "fp16")
    done = run("lga", *QUICK, *asked, *both, "--json", path)
    assert done.exit_code == 0, (done.output, done.exception)
    keys = [r["key"] for r in json.loads(path.read_text())["runs"]]
    assert [(k["backend"], k["precision"]) for k in keys] == [
        ("onnxruntime", "fp32"),
        ("openvino", "fp32"),
    ]
    assert "float16 on GPUs only" in done.output
    assert "slower in float16" in done.output
    with pytest.raises(BackendError, match="float16 on GPUs only"):
        CliRunner().invoke(
            cli,
            ["bench", "lga", "--precision", "fp16", "--device", "cpu"],
            catch_exceptions=False,
        )


def test_compare(tmp_path):
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    assert run("levin", "--cold", 0, "--json", a, *QUICK).exit_code == 0
    content = json.loads(a.read_text())
    for samples in content["runs"][0]["samples_ns"].values():
        samples[:] = [3 * ns for ns in samples]
    b.write_text(json.dumps(content))
    done = run("compare", a, b, "--threshold", 0.5)
    # Two samples that differ a lot may hide it: what counts is that equal files never fail.
    assert run("compare", a, a).exit_code == 0
    assert "end_to_end 3.0" in done.output
    for samples in content["runs"][0]["samples_ns"].values():
        samples[:] = [10**12] * len(samples)
    b.write_text(json.dumps(content))
    done = run("compare", a, b)
    assert done.exit_code == 1
    assert "SLOWER" in done.output


def test_wrong_use():
    assert run("levin", "--size", "7x9").exit_code == 2
    assert run("levin", "--working-size", "big").exit_code == 2
    assert run("levin", "--scenario", "none").exit_code == 2
    done = run("lga", "--backend", "tensorrt", *QUICK)
    assert isinstance(done.exception, BackendError)
