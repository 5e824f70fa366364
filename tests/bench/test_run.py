"""How models are set up for a run, and what is asked about a GPU."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from colordeploy.bench import run
from colordeploy.bench.measure import Rules
from colordeploy.bench.report import table
from colordeploy.bench.run import Plan, Subject, groups, measured_runs
from colordeploy.bundle import find_bundle
from colordeploy.errors import BackendError, InputError
from colordeploy.runtime.graph import Target

from ..copied import copied

FAST = Rules(duration=0.0, queries=2, warm_up=0.0, warm_up_queries=0)


@pytest.mark.parametrize(
    ("target", "scenario", "timed"),
    [
        (Target(device="auto"), "single", True),
        (Target("onnxruntime", "cuda"), "single", True),
        (Target("onnxruntime", "cuda"), "server", False),  # several threads would take turns
        (Target("onnxruntime", "cpu"), "single", False),
        (Target("tensorrt", "cuda"), "single", False),  # its runner needs no option for it
        (Target("openvino", "cpu"), "single", False),
    ],
)
def test_graphs_run_on_a_stream_of_their_own_where_they_are_timed(
    monkeypatch, target, scenario, timed
):
    given = []
    monkeypatch.setattr(run, "load", lambda name, **keywords: given.append((name, keywords)))
    run._loaded(Plan(("lga",), scenario=scenario), Subject("lga", target))
    name, keywords = given[0]
    assert name == "lga"
    assert (keywords["backend"], keywords["device"]) == (target.backend, target.device)
    assert keywords["options"].timed is timed


def test_the_gpus_memory_and_engines_are_in_the_record(monkeypatch):
    free = iter([3 << 30, 1 << 30])
    driver = SimpleNamespace(free_memory=lambda index: next(free))
    monkeypatch.setattr(run, "open_driver", lambda: driver)
    plan = Plan(("levin",), (48, 64), targets=(Target(),), rules=FAST, cold=0)
    (record,) = measured_runs(plan)
    assert record["device_memory_mib"] == 2048
    assert record["engines"] == {}
    engine, graph = SimpleNamespace(sha256="abc"), SimpleNamespace()
    assert run._engines(SimpleNamespace(graphs={"a": engine, "b": graph})) == {"a": "abc"}


def test_without_a_gpu_there_is_nothing_to_say(monkeypatch):
    def missing():
        raise BackendError("there is no NVIDIA driver")

    monkeypatch.setattr(run, "open_driver", missing)
    plan = Plan(("levin",), (48, 64), targets=(Target(),), rules=FAST, cold=0)
    (record,) = measured_runs(plan)
    assert record["device_memory_mib"] is None


def levin(**more):
    target = Target(device="cpu", threads=1)
    return Plan(("levin",), (48, 64), "server", targets=(target,), rules=FAST, cold=0, **more)


@pytest.mark.parametrize(
    ("scenario", "batch", "threads", "expected"),
    [
        ("single", None, None, (1, None)),
        ("single", None, 2, (1, 2)),
        ("offline", None, None, (6, 1)),  # a picture for each processor
        ("offline", 2, None, (2, 3)),
        ("offline", 9, None, (9, 1)),
        ("offline", None, 2, (1, 2)),
        ("offline", 4, 2, (4, 2)),  # as given
        ("server", None, None, (1, None)),
        ("server", 3, None, (3, 2)),
    ],
)
def test_processors_are_shared_out_among_pictures(monkeypatch, scenario, batch, threads, expected):
    monkeypatch.setattr(run, "thread_count", lambda _: 6)
    assert run.at_once(scenario, batch, threads, "cpu") == expected
    assert run.at_once(scenario, batch, threads, "cuda:0") == (batch or 1, threads)


def test_bundles_of_a_method_take_turns(tmp_path):
    """The key holds the bundle's own name, and tells several of one name by what they are."""
    other = copied("lga", tmp_path / "lga-elsewhere")
    models = ("lga", str(other))
    assert groups(["lga", "levin", str(other), "lga"]) == [models, ("levin",)]
    target = Target(device="cpu", threads=1)
    first, second = measured_runs(Plan(models, (48, 64), targets=(target,), rules=FAST, cold=0))
    assert first["key"]["model"] == "lga"
    assert second["key"]["model"] == f"lga {find_bundle('lga').manifest.version}"
    assert first["graphs"] == second["graphs"]
    assert "against_first" not in first
    ratio, low, high = second["against_first"]
    assert low <= ratio <= high


def test_bundles_of_one_name_have_keys_of_their_own(tmp_path):
    retrained = copied("lga", tmp_path / "retrained")
    copies = [str(copied("lga", tmp_path / f"copy-{i}")) for i in range(2)]
    manifest = replace(find_bundle(str(retrained)).manifest, version="9.0")
    (retrained / "manifest.json").write_text(manifest.to_json())
    names = Plan(("lga", str(retrained), *copies)).names
    version = find_bundle("lga").manifest.version
    assert list(names.values())[:3] == ["lga", "lga 9.0", f"lga {version}"]
    assert names[copies[1]].startswith(f"lga {version} ")
    alone = Plan((copies[0],)).names
    assert alone == {copies[0]: "lga"}


def test_more_arrivals_than_can_be_answered_are_refused():
    with pytest.raises(InputError, match=r"more than the .*lower --rate"):
        list(measured_runs(levin(rate=1e6)))


@pytest.mark.parametrize(("bound", "within"), [(1e6, True), (1e-6, False)])
def test_a_servers_latency_has_a_verdict(bound, within):
    (record,) = measured_runs(levin(latency_bound=bound))
    assert record["bound"]["within"] is within
    assert record["bound"]["percentile"] == 50
    assert record["rate"] > 0
    assert ("OVER" in table(record)) is not within
