"""Engines of bundles: shapes, precision, cache; CI builds every graph of every bundle."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import colordeploy
from colordeploy import engines
from colordeploy.bundle import Bundle, default_bundles, find_bundle
from colordeploy.engines import (
    Sizes,
    build_engines,
    check_precision,
    default_sizes,
    engine_parts,
    load_engine,
    parse_profile,
    parse_size,
    profiles_of,
)
from colordeploy.errors import BackendError
from colordeploy.runtime import ProviderOptions
from colordeploy.runtime.graph import Target
from colordeploy.runtime.tensorrt.build import BuildOptions
from colordeploy.runtime.tensorrt.cache import EngineCache
from colordeploy.runtime.tensorrt.flavor import Flavor
from export.bundling import int8
from export.bundling.int8 import quantize_bundle
from export.bundling.sscn import write
from export.bundling.writer import Identity

from .export.tensorrt import rtx
from .runtime.tensorrt.fakes import FakeDevice, fake_tensorrt
from .tiny import TINY_SSCN, tiny_sscn

SMALL = Sizes((32, 32), (96, 128), (256, 256))


def test_sizes():
    assert parse_size("480x640") == (480, 640)
    assert parse_profile("32x32, 96x128, 256x256") == SMALL
    for wrong in ("480", "0x3", "axb", "-1x3"):
        with pytest.raises(BackendError, match="HEIGHTxWIDTH"):
            parse_size(wrong)
    with pytest.raises(BackendError, match="smallest, the usual"):
        parse_profile("32x32,64x64")


def test_profiles_follow_the_manifest():
    bundle = find_bundle("disco")
    assert default_sizes(bundle) == Sizes((16, 16), (256, 256), (1024, 1024))
    (profile,) = profiles_of(bundle, "generate", [Sizes((20, 20), (100, 130), (256, 512))])
    assert profile.least["gray"] == (1, 1, 32, 32)  # padded to whole cells
    assert profile.best["gray"] == (1, 1, 112, 144)
    assert profile.best["mask"] == (1, 1, 7, 9)
    assert profile.most["tokens"][2:] == (16, 32)
    assert profile.most["gray"][0] == 4


@pytest.mark.parametrize("name", list(default_bundles()))
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_every_graph_of_every_bundle_builds(name, precision, tmp_path):
    bundle, cache = find_bundle(name), EngineCache(tmp_path)
    options = BuildOptions(("sm_86", "sm_89"))
    built = list(build_engines(bundle, rtx(), cache, precision=precision, options=options))
    assert [b.graph for b in built] == list(bundle.manifest.graphs)
    assert all(b.new and b.size > 10_000 for b in built)
    assert all((b.error is None) == (precision == "fp32") for b in built)
    again = list(build_engines(bundle, rtx(), cache, precision=precision, options=options))
    assert [(b.size, b.new) for b in again] == [(b.size, False) for b in built]


def test_other_options_are_other_engines(tmp_path):
    bundle, cache = find_bundle("lga"), EngineCache(tmp_path)

    def new(**options):
        return [b.new for b in build_engines(bundle, rtx(), cache, sizes=[SMALL], **options)]

    assert new() == [True]
    assert new() == [False]
    assert new(options=BuildOptions(("sm_89",))) == [True]
    assert new(precision="bf16") == [True]
    assert len(cache.engines()) == 3
    with pytest.raises(BackendError, match="unknown precision 'fp8'"):
        new(precision="fp8")
    with pytest.raises(BackendError, match=r"lga is a bundle in float32.*export quantize"):
        new(precision="int8")


@pytest.fixture(scope="module")
def int8_bundle(tmp_path_factory):
    """A small random network, quantized as `python -m export quantize` does."""
    folder = tmp_path_factory.mktemp("int8")
    config = replace(TINY_SSCN, width=8, coarse_width=8)
    write(tiny_sscn(config), folder / "tiny", Identity("tiny"), trained_on="nothing", quality={})
    pictures = list(np.random.default_rng(0).random((3, 64, 80, 3), dtype=np.float32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(int8, "_AIM", np.inf)
        patch.setattr(int8, "MAXIMUM_MEAN_AB", np.inf)
        quantize_bundle(Bundle(folder / "tiny"), folder / "int8", pictures[:2], pictures[2:])
    return Bundle(folder / "int8")


def test_an_int8_bundle_builds_as_it_is(int8_bundle, tmp_path):
    cache = EngineCache(tmp_path)
    options = BuildOptions(("sm_89",))
    built = list(build_engines(int8_bundle, rtx(), cache, sizes=[SMALL], options=options))
    assert [b.graph for b in built] == ["encode_reference", "colorize"]
    assert all(b.new and b.error is None for b in built)
    assert {item.parts["precision"] for item in cache.engines()} == {"int8"}
    again = build_engines(
        int8_bundle, rtx(), cache, precision="int8", sizes=[SMALL], options=options
    )
    assert not any(b.new for b in again)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_an_int8_bundle_builds_in_nothing_else(int8_bundle, precision):
    assert int8_bundle.precision == "int8"
    with pytest.raises(BackendError, match=rf"not {precision}; for {precision} use the float32"):
        int8_bundle.require_precision(precision)


@pytest.fixture
def gpu(monkeypatch):
    """A made-up GPU whose TensorRT loads b"plan ..." only; what is built is counted."""
    device = FakeDevice(architecture="sm_89")
    flavor = Flavor("tensorrt", fake_tensorrt(device))
    monkeypatch.setattr(engines, "find_flavor", lambda: flavor)
    monkeypatch.setattr(engines, "open_device", lambda index: device)
    built = []

    def build(flavor, content, profiles, options, name):
        built.append(name)
        return b"plan 1 8"

    monkeypatch.setattr(engines, "build_engine", build)
    return SimpleNamespace(device=device, flavor=flavor, built=built)


def keep(cache, gpu, plan, **changes):
    bundle = find_bundle("lga")
    profiles = profiles_of(bundle, "affinity", [SMALL])
    options = BuildOptions(changes.pop("architectures", ()))
    parts = engine_parts(bundle, "affinity", gpu.flavor, profiles, options, "fp16")
    parts["options"]["architectures"] = list(options.architectures)
    cache.put({**parts, **changes}, plan)


def test_loading_takes_what_fits(gpu, tmp_path):
    bundle, cache = find_bundle("lga"), EngineCache(tmp_path)
    target = Target("tensorrt", "cuda")
    graph = load_engine(bundle, "affinity", target, cache)
    assert graph.device == "cuda:0"
    assert gpu.built == ["lga/affinity"]  # nothing was there
    load_engine(bundle, "affinity", target, cache)
    assert len(gpu.built) == 1
    cache.clear()
    keep(cache, gpu, b"plan 1 8", architectures=("sm_86",))
    keep(cache, gpu, b"plan 1 8", flavor_version="10.14")
    load_engine(bundle, "affinity", target, cache)
    assert len(gpu.built) == 2  # neither was for this GPU and TensorRT
    cache.clear()
    keep(cache, gpu, b"plan 1 8", architectures=("sm_86", "sm_89"))
    load_engine(bundle, "affinity", target, cache)
    assert len(gpu.built) == 2


def test_cuda_graphs_can_be_switched_off(gpu, tmp_path):
    bundle, cache = find_bundle("lga"), EngineCache(tmp_path)
    for wanted, captures in ((None, 1), (True, 2), (False, 2)):
        options = ProviderOptions(cuda_graph=wanted)
        target = Target("tensorrt", "cuda", options=options)
        graph = load_engine(bundle, "affinity", target, cache)
        for _ in range(3):
            graph.run({"x": np.zeros((2, 3), np.float32)})
        assert gpu.device.captures == captures


def test_an_engine_that_does_not_load_is_built_again(gpu, tmp_path):
    bundle, cache = find_bundle("lga"), EngineCache(tmp_path)
    keep(cache, gpu, b"of another driver")
    with pytest.warns(UserWarning, match=r"built again: .*the magic number is wrong"):
        load_engine(bundle, "affinity", Target("tensorrt", "cuda"), cache)
    assert len(gpu.built) == 1
    assert len(cache.engines()) == 1
    (path,) = tmp_path.glob("*.engine")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="its file is damaged"):
        load_engine(bundle, "affinity", Target("tensorrt", "cuda"), cache)
    assert len(gpu.built) == 2


def test_a_model_loads_by_engines(gpu, tmp_path, monkeypatch):
    monkeypatch.setenv("COLORDEPLOY_ENGINES", str(tmp_path))
    with colordeploy.load("disco", backend="tensorrt") as model:
        assert {g.device for g in model.graphs.values()} == {"cuda:0"}
    assert gpu.built == ["disco/analyze", "disco/generate"]


def test_a_precision_that_does_not_hold_names_the_layers(monkeypatch):
    bundle = find_bundle("lga")
    error = check_precision(bundle, "affinity", "fp16")
    assert 0 < error < 0.01
    monkeypatch.setitem(engines.MOST_ERROR, "fp16", error / 2)
    with pytest.raises(BackendError, match=r"by part of the network: net\.\w+ .*keep_fp32"):
        check_precision(bundle, "affinity", "fp16")
