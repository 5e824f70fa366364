"""Engines of bundles with TensorRT for RTX, which needs no GPU: every graph of every bundle."""

from __future__ import annotations

import numpy as np
import pytest

from colordeploy.accuracy import pictures as pictures_module
from colordeploy.accuracy import precision
from colordeploy.bundle import Bundle, default_bundles, find_bundle
from colordeploy.engines import Sizes, build_engines
from colordeploy.errors import BackendError
from colordeploy.runtime.tensorrt.build import BuildOptions
from colordeploy.runtime.tensorrt.cache import EngineCache
from export.bundling import sensitivity
from export.bundling.int8 import quantize_bundle
from export.bundling.specification import write
from export.bundling.sscn import specification
from export.bundling.writer import Identity
from tests.export.tensorrt import rtx
from tests.tiny import save_tiny_bundle, tiny_sscn

SMALL = [Sizes((32, 32), (96, 128), (256, 256))]
ADA = BuildOptions(("sm_89",))


@pytest.mark.parametrize("precision", [pytest.param("fp32", marks=pytest.mark.slow), "fp16"])
@pytest.mark.parametrize("name", list(default_bundles()))
def test_every_graph_of_every_bundle_builds(name, precision, tmp_path):
    bundle, cache = find_bundle(name), EngineCache(tmp_path)
    options = BuildOptions(("sm_86", "sm_89"))
    built = {"precision": precision, "sizes": SMALL, "options": options}
    file, new = build_engines(bundle, rtx(), cache, **built)
    assert new
    assert [plan.graph for plan in file.plans] == list(bundle.manifest.graphs)
    assert all(plan.size > 10_000 and plan.seconds > 0 for plan in file.plans)
    assert all((plan.error is None) == (precision == "fp32") for plan in file.plans)
    built["options"] = BuildOptions(("SM89", "sm86", "sm_89"))  # the same in another order
    again, new = build_engines(bundle, rtx(), cache, **built)
    assert not new
    assert again == file


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n == "lga" else pytest.mark.slow) for n in default_bundles()],
)
def test_default_ranges_build(name, tmp_path):
    file, _ = build_engines(find_bundle(name), rtx(), EngineCache(tmp_path), options=ADA)
    assert len(file.parts["sizes"]) == 3


def test_other_options_are_other_engines(tmp_path):
    bundle = Bundle(save_tiny_bundle(tmp_path / "c.pt", tmp_path / "lga"))
    cache = EngineCache(tmp_path / "engines")

    def new(**options):
        return build_engines(bundle, rtx(), cache, **{"sizes": SMALL, "options": ADA, **options})[1]

    assert new()
    assert not new()
    assert new(anew=True)
    assert new(options=BuildOptions(("sm_86",)))
    assert new(options=BuildOptions(("sm_89",), level=1))
    assert new(precision="bf16")
    assert len(cache.entries()) == 4
    with pytest.raises(BackendError, match="unknown precision 'fp8'"):
        new(precision="fp8")
    with pytest.raises(BackendError, match=r"lga is a bundle in float32.*export quantize"):
        new(precision="int8")


def test_without_an_architecture_a_gpu_is_needed(tmp_path):
    with pytest.raises(BackendError, match=r"NVIDIA driver.*--arch sm_89"):
        build_engines(find_bundle("lga"), rtx(), EngineCache(tmp_path), sizes=SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_precision_that_does_not_hold_is_not_built(tmp_path, monkeypatch):
    monkeypatch.setitem(precision.HALF_SIMULATED, "fp16", 1e-9)
    bundle = find_bundle("disco")
    with pytest.raises(BackendError, match="graph 'analyze' in fp16 is off by"):
        build_engines(
            bundle, rtx(), EngineCache(tmp_path), sizes=SMALL, options=ADA, precision="fp16"
        )
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def int8_bundle(tmp_path_factory):
    """A small random network, quantized as `python -m export quantize` does."""
    folder = tmp_path_factory.mktemp("int8")
    write(specification(tiny_sscn()), folder / "tiny", Identity("tiny"), trained_on="nothing")
    pictures = list(np.random.default_rng(0).random((3, 64, 80, 3), dtype=np.float32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sensitivity, "_AIM", np.inf)
        for limit in ("MAXIMUM_MEAN_AB", "MAXIMUM_PERCENTILE_AB", "MAXIMUM_AB"):
            patch.setattr(pictures_module, limit, np.inf)
        quantize_bundle(Bundle(folder / "tiny"), folder / "int8", pictures[:2], pictures[2:])
    return Bundle(folder / "int8")


def test_an_int8_bundle_builds_as_it_is(int8_bundle, tmp_path):
    cache = EngineCache(tmp_path)
    file, new = build_engines(int8_bundle, rtx(), cache, sizes=SMALL, options=ADA)
    assert new
    assert [plan.graph for plan in file.plans] == ["encode_reference", "colorize"]
    assert all(plan.error is None for plan in file.plans)
    assert file.parts["precision"] == "int8"
    assert not build_engines(int8_bundle, rtx(), cache, precision="int8", sizes=SMALL, options=ADA)[
        1
    ]


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_an_int8_bundle_builds_in_nothing_else(int8_bundle, precision):
    assert int8_bundle.precision == "int8"
    with pytest.raises(BackendError, match=rf"not {precision}; for {precision} use the float32"):
        int8_bundle.require_precision(precision)
