"""Engines of bundles: shapes, precision, cache; CI builds every graph of every bundle."""

from __future__ import annotations

import pytest

from colordeploy import engines
from colordeploy.bundle import default_bundles, find_bundle
from colordeploy.engines import (
    Sizes,
    build_engines,
    check_precision,
    default_sizes,
    parse_profile,
    parse_size,
    profiles_of,
)
from colordeploy.errors import BackendError
from colordeploy.runtime.tensorrt.build import BuildOptions
from colordeploy.runtime.tensorrt.cache import EngineCache

from .export.tensorrt import rtx

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
    with pytest.raises(BackendError, match="built in fp32, fp16 or bf16"):
        new(precision="int8")


def test_a_precision_that_does_not_hold_names_the_layers(monkeypatch):
    bundle = find_bundle("lga")
    error = check_precision(bundle, "affinity", "fp16")
    assert 0 < error < 0.01
    monkeypatch.setitem(engines.MOST_ERROR, "fp16", error / 2)
    with pytest.raises(BackendError, match=r"by part of the network: net\.\w+ .*keep_fp32"):
        check_precision(bundle, "affinity", "fp16")
