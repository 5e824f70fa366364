"""A synthetic GPU whose TensorRT loads plans of ours, and builds them at once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from colordeploy.engines import build, identity, load
from colordeploy.runtime.tensorrt.build import BuiltEngine
from colordeploy.runtime.tensorrt.cache import EngineCache
from colordeploy.runtime.tensorrt.flavor import Flavor
from tests.runtime.tensorrt.fakes import FakeDevice, fake_tensorrt


@pytest.fixture
def cache(tmp_path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


@pytest.fixture
def gpu(monkeypatch):
    """Its `built` are the names of graphs, its `plans` what builds give, by graph."""
    made = SimpleNamespace(built=[], plans={}, device=FakeDevice(architecture="sm_89"))

    def use(architecture="sm_89", name="synthetic GPU", flavor="tensorrt", version="11.0"):
        made.device = FakeDevice(architecture=architecture)
        made.device.name = name
        made.flavor = Flavor(flavor, fake_tensorrt(made.device, flavor, version))
        made.flavor.module.ComputeCapability = SimpleNamespace(SM86=1, SM89=2)

    def build_engine(flavor, content, profiles, options, name, report, **others):
        made.built.append(name)
        report("building", 1, 2)
        if others["cancel"] is not None:
            others["cancel"].raise_if_cancelled()
        plan = made.plans.get(name, b"plan 1 8")
        if isinstance(plan, Exception):
            raise plan
        return BuiltEngine(plan, others["timing_cache"] + b"!")

    made.use = use
    use()
    monkeypatch.setattr(load, "find_flavor", lambda: made.flavor)
    monkeypatch.setattr(load, "open_device", lambda index: made.device)
    monkeypatch.setattr(identity, "open_device", lambda index: made.device)
    monkeypatch.setattr(build, "build_engine", build_engine)
    return made
