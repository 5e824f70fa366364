"""``colordeploy bench``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from colordeploy.cli import cli
from colordeploy.errors import BackendError
from colordeploy.runtime.open_vino import has_bfloat16

DOCS = Path(__file__).parents[2] / "docs"
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
    assert "over the first one's" in done.output
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
    if not has_bfloat16():  # what this CPU lacks does not end the others' run
        done = run("lga", *QUICK, *asked, "--precision", "fp32", "--precision", "bf16")
        assert done.exit_code == 0, (done.output, done.exception)
        assert "left out: precision 'bf16'" in done.output
    with pytest.raises(BackendError, match="float16 on GPUs only"):
        CliRunner().invoke(
            cli,
            ["bench", "lga", "--precision", "fp16", "--device", "cpu"],
            catch_exceptions=False,
        )


def test_compare_and_gate(tmp_path):
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    many = ("--cold", 0, *QUICK, "--queries", 10)
    assert run("levin", "--json", a, *many).exit_code == 0
    content = json.loads(a.read_text())
    same = run("compare", a, a)
    assert (same.exit_code, same.output.splitlines()[-1]) == (0, "passed")
    for samples in content["runs"][0]["samples_ns"].values():
        samples[:] = [10**12] * len(samples)
    b.write_text(json.dumps(content))
    done = run("compare", a, b)
    assert done.exit_code == 1
    assert "FAILED: 4 slower by more than 5 %" in done.output
    assert run("levin", "--gate", b, *many).exit_code == 0  # faster than that
    done = run("levin", "--gate", a, "--cold", 0, *QUICK[:4], "--size", 40)
    assert done.exit_code == 1
    assert "not in the second file" in done.output
    content["machine"]["cpu"] = "another"
    a.write_text(json.dumps(content))
    assert "other machine: cpu another" in run("compare", b, a).output
    assert run("compare", b, a).exit_code == 1
    assert run("compare", b, a, "--allow", "machine").exit_code == 0


def test_a_servers_bound():
    arguments = ("levin", "--scenario", "server", "--cold", 0, *QUICK)
    done = run(*arguments, "--latency-bound", 1e6)
    assert done.exit_code == 0, (done.output, done.exception)
    assert "within the bound" in done.output
    assert run(*arguments, "--latency-bound", 1e-6).exit_code == 1


def test_files_follow_their_schema(tmp_path):
    """docs/bench.schema.json, by the few words of JSON Schema that it uses."""
    schema = json.loads((DOCS / "bench.schema.json").read_text())
    path = tmp_path / "a.json"
    for arguments in (("--scenario", "server", "--latency-bound", 1), ("--cold", 1)):
        run("levin", "--json", path, *QUICK, *arguments)
        follow(schema, json.loads(path.read_text()), "file")
    content = json.loads(path.read_text())
    content["runs"][0]["surprise"] = 1
    with pytest.raises(AssertionError, match="surprise"):
        follow(schema, content, "file")


KINDS = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}


def follow(schema, value, where):
    assert value == schema.get("const", value), where
    assert value in schema.get("enum", [value]), where
    if kinds := schema.get("type"):
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if isinstance(value, bool):
            assert "boolean" in kinds, (where, value)
        else:
            assert any(isinstance(value, KINDS[kind]) for kind in kinds), (where, value)
    if isinstance(value, dict):
        assert set(schema.get("required", ())) <= value.keys(), where
        known = schema.get("properties", {})
        if schema.get("additionalProperties") is False:
            assert value.keys() <= known.keys(), (where, sorted(value.keys() - known.keys()))
        for name in known.keys() & value.keys():
            follow(known[name], value[name], f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for item in value:
            follow(schema["items"], item, f"{where}[]")


def test_the_example_workflow_uses_options_that_there_are():
    text = (DOCS / "examples" / "bench-gate.yml").read_text()
    lines = [line.strip().removeprefix("- run: ") for line in text.splitlines()]
    (arguments,) = [line.split()[2:] for line in lines if line.startswith("colordeploy bench ")]
    with cli.commands["bench"].commands["run"].make_context("run", arguments) as context:
        assert context.params["models"] == ("lga", "disco")
        assert context.params["gate"]


def test_wrong_use():
    assert run("levin", "--size", "7x9").exit_code == 2
    assert run("levin", "--working-size", "big").exit_code == 2
    assert run("levin", "--scenario", "none").exit_code == 2
    for option, value in (
        ("--duration", -1),
        ("--queries", 0),
        ("--cold", -1),
        ("--threshold", -1),
    ):
        assert run("levin", option, value).exit_code == 2
    for option in ("--latency-bound", "--rate", "--batch"):  # nobody would heed them
        done = run("levin", option, 2)
        assert done.exit_code == 2
        assert f"{option} belongs to --scenario" in done.output
    assert run("levin", "--scenario", "offline", "--latency-bound", 2).exit_code == 2
    done = run("lga", "--backend", "tensorrt", *QUICK)
    assert isinstance(done.exception, BackendError)
