"""Runs with a synthetic model, whose times and pictures are known."""

from __future__ import annotations

import math
import threading
import time
from typing import ClassVar

import numpy as np
import pytest

from colordeploy.bench import measure
from colordeploy.bench.measure import Rules
from colordeploy.bench.workload import PICTURES, jobs
from colordeploy.errors import BackendError
from colordeploy.methods import find_method
from colordeploy.runtime.graph import Target
from colordeploy.trace import current_recording, span

LEVIN = find_method("levin")
FAST = Rules(duration=0.0, queries=6, warm_up=0.0, warm_up_queries=2)


class FakeModel:
    method = "levin"
    graphs: ClassVar = {}

    def __init__(self, wrong_after=10**9):
        self.calls, self.at_once, self.most = 0, 0, 0
        self._lock = threading.Lock()
        self._wrong_after = wrong_after

    def prepare(self, picture, size=None):
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        with span("preparing"):
            time.sleep(0.004)
        model = self

        class Canvas:
            def render(self, guidance):
                with span("rendering"):
                    time.sleep(0.002)
                with model._lock:
                    model.calls += 1
                    model.at_once -= 1
                wrong = model.calls > model._wrong_after
                return 255 - picture if wrong else picture.copy()

        return Canvas()


@pytest.fixture(scope="module")
def work():
    return jobs(LEVIN, (48, 64))


@pytest.fixture(scope="module")
def wanted(work):
    return [job.picture for job in work]


def test_jobs_are_seeded_and_varied(work):
    assert len(work) == PICTURES
    again = jobs(LEVIN, (48, 64))
    assert all(np.array_equal(a.picture, b.picture) for a, b in zip(work, again, strict=True))
    assert not np.array_equal(work[0].picture, work[1].picture)
    assert not np.array_equal(work[0].picture, jobs(LEVIN, (48, 64), seed=1)[0].picture)
    strokes = work[0].guidance(None, None)
    edited = work[0].edit(None, None, strokes)
    assert edited[:-1] == strokes  # an edit adds a stroke
    assert edited == again[0].edit(None, None, strokes)


def test_single_stream_takes_turns(work, wanted):
    models = {"a": FakeModel(), "b": FakeModel()}
    results = measure.single(models, work, dict.fromkeys(models, wanted), FAST)
    for name, result in results.items():
        assert result.queries == 6
        assert models[name].calls == (6 + 2) * 2  # with the edits and the warm-up
        for prepare, render, whole in zip(
            *(result.samples[s] for s in ("prepare", "render", "end_to_end")), strict=True
        ):
            assert prepare >= 4e6
            assert render >= 2e6
            assert abs(whole - prepare - render) < 1e6
        assert min(result.stages["preparing"]) >= 4e6
        assert len(result.samples["edit"]) == 6


def test_the_devices_time_is_a_scope(work, wanted):
    class OnGpu(FakeModel):
        def prepare(self, picture, size=None):
            canvas = super().prepare(picture, size)
            _worked("analyzing", 3)
            render = canvas.render

            def rendering(guidance):
                _worked("colouring", 4)
                return render(guidance)

            canvas.render = rendering
            return canvas

    models = {"gpu": OnGpu(), "cpu": FakeModel()}
    results = measure.single(models, work, dict.fromkeys(models, wanted), FAST)
    found = results["gpu"]
    assert found.samples["device"] == [7] * 6
    assert found.samples["edit_device"] == [4] * 6
    assert found.device_stages == {"analyzing": [3] * 6, "colouring": [4] * 6}
    assert "device" not in results["cpu"].samples
    assert results["cpu"].device_stages == {}
    assert measure.offline(OnGpu(), work, wanted, FAST, 2).samples["device"] == [7] * 6


def _worked(name, nanoseconds):
    if (spans := current_recording()) is not None:
        spans.add_device_late(lambda: {name: nanoseconds})


def test_a_run_ends_when_both_limits_are_met(work, wanted):
    rules = Rules(duration=0.3, queries=2, warm_up=0.0, warm_up_queries=0)
    result = measure.single({"a": FakeModel()}, work, {"a": wanted}, rules)["a"]
    assert result.seconds >= 0.3
    assert result.queries > 5


@pytest.mark.parametrize("scenario", ["single", "offline", "server"])
def test_no_time_is_told_for_a_wrong_picture(work, wanted, scenario):
    model = FakeModel(wrong_after=7)
    rules = Rules(duration=0.0, queries=20, warm_up=0.0, warm_up_queries=0)
    start = {
        "single": lambda: measure.single({"a": model}, work, {"a": wanted}, rules),
        "offline": lambda: measure.offline(model, work, wanted, rules, 2),
        "server": lambda: measure.server(model, work, wanted, rules, 500.0, 2),
    }[scenario]
    with pytest.raises(BackendError, match="no time is told"):
        start()


def test_offline_keeps_as_many_in_work(work, wanted):
    model = FakeModel()
    result = measure.offline(model, work, wanted, Rules(0.0, 60, 0.0, 0), 3)
    assert model.most == 3
    assert result.queries >= 60
    assert result.queries == len(result.samples["end_to_end"])
    assert "edit" not in result.samples


def test_server_counts_the_waiting(work, wanted):
    """Arrivals that are faster than the service pile up: the last ones wait longest."""
    model = FakeModel()
    rules = Rules(0.0, 30, 0.0, 0)
    result = measure.server(model, work, wanted, rules, 2000.0, 1)
    latency = result.samples["latency"]
    assert len(latency) == 30
    assert latency[-1] > 20 * 6e6 > max(result.samples["end_to_end"])
    slow = measure.server(model, work, wanted, Rules(0.0, 10, 0.0, 0), 20.0, 1)
    assert np.median(slow.samples["latency"]) < 30e6


@pytest.mark.parametrize("scenario", ["offline", "server"])
def test_all_scenarios_warm_up(work, wanted, scenario):
    model = FakeModel()
    rules = Rules(duration=0.0, queries=2, warm_up=0.2, warm_up_queries=1)
    if scenario == "offline":
        result = measure.offline(model, work, wanted, rules, 1)
    else:
        result = measure.server(model, work, wanted, rules, 100.0, 1)
    assert model.calls >= result.queries + 2


def test_an_overloaded_server_is_ended(work, wanted):
    result = measure.server(FakeModel(), work, wanted, Rules(0.0, 5000, 0.0, 0), 1e5, 1)
    assert result.overloaded
    assert result.queries < 1000
    assert len(result.samples["latency"]) == result.queries


def test_ctrl_c_keeps_what_was_measured(work, wanted):
    class Interrupted(FakeModel):
        def prepare(self, picture, size=None):
            if self.calls >= 6:
                raise KeyboardInterrupt
            return super().prepare(picture, size)

    models = {"a": Interrupted()}
    result = measure.single(models, work, {"a": wanted}, Rules(0.0, 50, 0.0, 0))["a"]
    assert result.interrupted
    assert result.queries == 3  # each with an edit
    with pytest.raises(KeyboardInterrupt):
        measure.single(models, work, {"a": wanted}, Rules(0.0, 50, 0.0, 0))


def test_cold_start_in_a_fresh_process():
    result = measure.cold_start("levin", Target(device="cpu", threads=1), (48, 64), 1)
    parts = ("import", "load", "first picture")
    total = sum(result.samples[part][0] for part in parts)
    assert result.samples["cold start"][0] == pytest.approx(total, rel=1e-6)
    with pytest.raises(BackendError, match="no-such-model"):
        measure.cold_start("no-such-model", Target(device="cpu"), (48, 64), 1)


def test_busy_is_a_share_or_unknown(work, wanted):
    result = measure.single({"a": FakeModel()}, work, {"a": wanted}, FAST)["a"]
    assert math.isnan(result.busy) or result.busy >= 0
