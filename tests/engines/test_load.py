"""Which engines are taken, passed over or built, on a synthetic GPU."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

import colordeploy
from colordeploy import CancelToken
from colordeploy.bundle import find_bundle
from colordeploy.engines import EngineLoader, Sizes, build_engines
from colordeploy.errors import BackendError, Cancelled
from colordeploy.runtime import ProviderOptions
from colordeploy.runtime.graph import Target
from colordeploy.runtime.tensorrt.build import BuildOptions

TARGET = Target("tensorrt", "cuda")
SMALL = [Sizes((32, 32), (64, 64), (96, 96))]


def load(cache, name="lga", **options):
    bundle = find_bundle(name)
    loader = EngineLoader(bundle, options.pop("target", TARGET), cache=cache, **options)
    return {graph: loader(graph) for graph in bundle.manifest.graphs}


def keep(cache, gpu, name="lga", **options):
    return build_engines(find_bundle(name), gpu.flavor, cache, device=gpu.device, **options)[0]


def files(cache):
    return sorted(path.name for path in cache.folder.glob("*.engines"))


def test_missing_engines_are_built_once_and_said(gpu, cache, caplog):
    caplog.set_level(logging.INFO, "colordeploy")
    seen = []
    graphs = load(cache, "disco", progress=lambda share, what: seen.append((share, what)))
    assert {g.device for g in graphs.values()} == {"cuda:0"}
    assert gpu.built == ["disco/analyze", "disco/generate"]
    assert [r.levelname for r in caplog.records if "are missing" in r.getMessage()] == ["WARNING"]
    assert seen == [
        (0.25, "building the engine of analyze: building"),
        (0.75, "building the engine of generate: building"),
    ]
    load(cache, "disco")
    assert len(gpu.built) == 2
    assert len(files(cache)) == 1  # one file for both graphs


def test_two_gpus_share_a_cache(gpu, cache):
    for architecture, built in (("sm_80", 1), ("sm_89", 2), ("sm_80", 2), ("sm_89", 2)):
        gpu.use(architecture)
        load(cache)
        assert len(gpu.built) == built
    gpu.use("sm_89", name="another card")  # full TensorRT chose kernels on the first one
    load(cache)
    assert len(gpu.built) == 3
    assert len(files(cache)) == 3


def test_rtx_engines_fit_every_card_of_an_architecture(gpu, cache):
    gpu.use(flavor="tensorrt_rtx", version="1.7")
    load(cache)
    gpu.use(flavor="tensorrt_rtx", version="1.7", name="another card")
    load(cache)
    assert len(gpu.built) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": "12.0"}, "they are for tensorrt 11.0, not 12.0"),
        ({"flavor": "tensorrt_rtx"}, "they are for tensorrt, not tensorrt_rtx"),
        ({"architecture": "sm_120"}, "they are for sm_89, not sm_120"),
        ({"name": "L4"}, "they were built on a synthetic GPU, not a L4"),
    ],
)
def test_never_building_says_what_is_there(gpu, cache, change, reason):
    keep(cache, gpu)
    load(cache, build="never")
    gpu.use(**change)
    with pytest.raises(BackendError, match=rf"there are no engines of lga in fp32.*{reason}"):
        load(cache, build="never")
    assert gpu.built == ["lga/affinity"]


def test_other_precisions_are_not_taken(gpu, cache):
    keep(cache, gpu, precision="fp16")
    with pytest.raises(BackendError, match="they are in fp16, not fp32"):
        load(cache, build="never")
    half = Target("tensorrt", "cuda", precision="fp16")
    assert load(cache, build="never", target=half)["affinity"].precision == "fp16"


def test_a_changed_model_is_built_anew(gpu, cache, tmp_path, monkeypatch):
    keep(cache, gpu)
    bundle = find_bundle("lga")
    changed = type(bundle)
    monkeypatch.setattr(changed, "kept_layers", lambda self, graph: ("net.head*",))
    with pytest.raises(BackendError, match=r"they are of version .* of the model"):
        load(cache, build="never")


def test_a_colleagues_small_engines_change_nothing(gpu, cache):
    keep(cache, gpu, sizes=SMALL)
    load(cache)
    assert len(gpu.built) == 2  # the default range was built beside
    load(cache)
    assert len(gpu.built) == 2


def test_small_engines_serve_who_wants_no_others(gpu, cache):
    file = keep(cache, gpu, sizes=SMALL)
    assert load(cache, build="never")["affinity"].sha256 == file.plans[0].sha256


def test_the_widest_is_taken(gpu, cache):
    gpu.plans["lga/affinity"] = b"plan 1 8"
    keep(cache, gpu)
    gpu.plans["lga/affinity"] = b"plan 1 4"
    keep(cache, gpu, sizes=[Sizes((4, 4), (256, 256), (256, 256))])
    graph = load(cache)["affinity"]
    assert graph.run({"x": np.ones((8, 3), np.float32)})["y"].shape == (8, 3)


def test_always_builds(gpu, cache):
    for _ in range(2):
        load(cache, build="always")
    assert len(gpu.built) == 2
    assert len(files(cache)) == 1


def test_what_does_not_load_is_passed_over_and_stays(gpu, cache, caplog):
    gpu.plans["lga/affinity"] = b"of another driver"
    wide = [Sizes((4, 4), (256, 256), (4096, 4096))]
    keep(cache, gpu, sizes=wide)
    gpu.plans["lga/affinity"] = b"plan 1 8"
    load(cache)
    assert len(gpu.built) == 2
    assert len(files(cache)) == 2
    said = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert any("are passed over" in m and "the magic number is wrong" in m for m in said)


def test_what_does_not_load_is_not_built_again_and_again(gpu, cache):
    gpu.plans["lga/affinity"] = b"of another driver"
    for _ in range(3):
        with pytest.raises(BackendError, match="the magic number is wrong"):
            load(cache)
    assert gpu.built == ["lga/affinity"]


def test_all_graphs_come_from_one_file(gpu, cache):
    """The second graph of the better file does not load: nothing of it is used."""
    gpu.plans["disco/generate"] = b"broken"
    keep(cache, gpu, "disco", sizes=[Sizes((16, 16), (256, 256), (4096, 4096))])
    gpu.plans = {"disco/analyze": b"plan 1 5", "disco/generate": b"plan 1 6"}
    keep(cache, gpu, "disco")
    graphs = load(cache, "disco", build="never")
    for graph, most in (("analyze", 5), ("generate", 6)):
        assert graphs[graph].run({"x": np.ones((most, 3), np.float32)})["y"].shape == (most, 3)
    for graph in graphs.values():
        graph.close()
    assert gpu.device.memory == {}


def test_a_build_that_fails_half_way_leaves_nothing(gpu, cache):
    gpu.plans["disco/generate"] = BackendError("no such operator")
    with pytest.raises(BackendError, match="no such operator"):
        load(cache, "disco")
    assert files(cache) == []
    assert list(cache.folder.glob("*.lock")) == []


def test_cancelling_a_build(gpu, cache):
    token = CancelToken()
    with pytest.raises(Cancelled):
        load(cache, "disco", cancel=token, progress=lambda *_: token.cancel())
    assert gpu.built == ["disco/analyze"]
    assert files(cache) == []


def test_damaged_files_are_passed_over(gpu, cache, caplog):
    file = keep(cache, gpu)
    content = bytearray(file.path.read_bytes())
    content[-1] ^= 1
    file.path.write_bytes(content)
    with pytest.raises(BackendError, match="is damaged"):
        load(cache, build="never")
    load(cache)
    assert len(gpu.built) == 2
    load(cache, build="never")
    file.path.write_bytes(content[:-1])
    with pytest.raises(BackendError, match=f"{file.path.name}: damaged"):
        load(cache, build="never")
    load(cache)
    assert len(gpu.built) == 3


def test_odd_descriptions_are_passed_over(gpu, cache):
    file = keep(cache, gpu)
    magic, header, *plans = file.path.read_bytes().split(b"\n", 2)
    values = json.loads(header)
    del values["parts"]["gpu"]
    file.path.write_bytes(b"\n".join([magic, json.dumps(values).encode(), *plans]))
    with pytest.raises(BackendError, match="described in another way"):
        load(cache, build="never")


def test_version_compatible_engines_serve_later_versions(gpu, cache):
    gpu.use(version="11.0")
    keep(cache, gpu, options=BuildOptions(version_compatible=True))
    gpu.use(version="11.3")
    load(cache, build="never")
    assert gpu.flavor.module.runtimes[-1].engine_host_code_allowed
    for version in ("10.14", "12.0"):
        gpu.use(version=version)
        with pytest.raises(BackendError, match=f"for tensorrt 11.0, not {version}"):
            load(cache, build="never")


def test_hardware_compatible_engines_serve_other_gpus(gpu, cache):
    keep(cache, gpu, options=BuildOptions(hardware_compatible=True))
    gpu.use("sm_120", name="another card")
    load(cache, build="never")
    gpu.use("sm_75", name="an old card")
    with pytest.raises(BackendError, match="they are for sm_89, not sm_75"):
        load(cache, build="never")


def test_stripped_engines_get_their_weights_from_the_bundle(gpu, cache):
    keep(cache, gpu, "disco", options=BuildOptions(stripped=True))
    load(cache, "disco", build="never")
    bundle = find_bundle("disco")
    assert gpu.flavor.module.refitted == [bundle.graph("analyze"), bundle.graph("generate")]
    gpu.flavor.module.refits = False
    with pytest.raises(BackendError, match="does not take its weights"):
        load(cache, "disco", build="never")


def test_kernels_of_rtx_are_kept_for_the_next_start(gpu, cache):
    gpu.use(flavor="tensorrt_rtx", version="1.7")
    graph = load(cache)["affinity"]
    graph.run({"x": np.ones((2, 3), np.float32)})
    (path,) = cache.folder.glob("*.kernels")
    assert path.read_bytes() == b"kernels after 1 runs"
    load(cache)
    assert gpu.flavor.module.engines[-1].config.cache.given == b"kernels after 1 runs"
    cache.clear()
    assert list(cache.folder.iterdir()) == []


def test_timings_of_full_tensorrt_are_kept_for_the_next_build(gpu, cache):
    keep(cache, gpu, "disco")
    (path,) = cache.folder.glob("*.timing")
    assert path.read_bytes() == b"!!"


def test_cuda_graphs_can_be_switched_off(gpu, cache):
    for wanted, captures in ((None, 1), (True, 2), (False, 2)):
        target = Target("tensorrt", "cuda", options=ProviderOptions(cuda_graph=wanted))
        graph = load(cache, target=target)["affinity"]
        for _ in range(3):
            graph.run({"x": np.zeros((2, 3), np.float32)})
        assert gpu.device.captures == captures


def test_a_model_loads_by_engines(gpu, tmp_path, monkeypatch):
    monkeypatch.setenv("COLORDEPLOY_ENGINES", str(tmp_path))
    with pytest.raises(BackendError, match="there are no engines of disco"):
        colordeploy.load("disco", backend="tensorrt", build="never")
    seen = []
    with colordeploy.load(
        "disco", backend="tensorrt", progress=lambda share, what: seen.append(what)
    ) as model:
        assert {g.device for g in model.graphs.values()} == {"cuda:0"}
    assert gpu.built == ["disco/analyze", "disco/generate"]
    assert any("building the engine of generate" in what for what in seen)
