"""Which backend "auto" is on a CPU."""

from __future__ import annotations

import platform
import sys
from dataclasses import replace

import pytest

import colordeploy
from colordeploy.bundle import Bundle, find_bundle
from colordeploy.errors import BackendError, BundleError
from colordeploy.loading import graph_loader
from colordeploy.runtime import ProviderOptions, processor
from colordeploy.runtime.graph import Target

from .copied import copied
from .edited import with_parameters

pytestmark = pytest.mark.openvino
CPU = Target(device="cpu", threads=1)


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch):
    monkeypatch.delenv("COLORDEPLOY_CPU_BACKEND", raising=False)


@pytest.fixture(scope="module")
def faster(tmp_path_factory):
    """A bundle that says it is faster on OpenVINO."""
    out = tmp_path_factory.mktemp("bundles") / "faster"
    return Bundle(with_parameters(copied("lga", out), cpu_backend="openvino"))


def reasons(bundle, target=CPU):
    return graph_loader(bundle, target)(next(iter(bundle.manifest.graphs))).why


def test_auto_is_what_the_bundle_is_faster_on(faster):
    assert reasons(faster) == "lga is faster on OpenVINO on CPUs, and it is installed"
    assert "OpenVINO" in reasons(faster, replace(CPU, device="auto"))
    assert "OpenVINO" not in reasons(find_bundle("lga"))
    with colordeploy.load("disco", device="cpu") as model:
        assert all("OpenVINO" in graph.why for graph in model.graphs.values())


def test_int8_is_openvinos_only_where_its_products_do_not_overflow(tmp_path, monkeypatch):
    edited = with_parameters(
        copied("lga", tmp_path / "b"), cpu_backend="openvino", precision="int8"
    )
    monkeypatch.setattr(processor, "_CPUINFO", tmp_path / "cpuinfo")
    for flags, chosen in (("avx2", False), ("avx2 avx_vnni", True), ("avx512_vnni", True)):
        (tmp_path / "cpuinfo").write_text(f"model name\t: x\nflags\t\t: fpu {flags}\n")
        assert ("OpenVINO" in reasons(Bundle(edited))) == (chosen or not x86())


def x86():
    return platform.machine().lower() in ("x86_64", "amd64")


def test_what_was_asked_for_comes_first(faster):
    for target in (
        replace(CPU, backend="onnxruntime"),
        replace(CPU, options=ProviderOptions(provider="cpu")),
    ):
        assert "OpenVINO" not in reasons(faster, target)


def test_the_environment_comes_before_the_bundle(faster, monkeypatch):
    monkeypatch.setenv("COLORDEPLOY_CPU_BACKEND", "onnxruntime")
    assert "OpenVINO" not in reasons(faster)
    monkeypatch.setenv("COLORDEPLOY_CPU_BACKEND", "openvino")
    assert reasons(find_bundle("lga")) == "COLORDEPLOY_CPU_BACKEND=openvino"
    monkeypatch.setenv("COLORDEPLOY_CPU_BACKEND", "tensorrt")
    with pytest.raises(BackendError, match="no backend of CPUs; set it to one of onnxruntime"):
        reasons(faster)
    monkeypatch.setenv("COLORDEPLOY_CPU_BACKEND", "open\nvino")
    with pytest.raises(BackendError, match=r"'open\\nvino' is no backend"):  # in one line
        reasons(faster)


def test_openvino_is_not_chosen_beside_pytorch_or_when_it_does_not_load(faster, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "torch", object())
        assert "OpenVINO" not in reasons(faster)
    monkeypatch.setitem(sys.modules, "openvino", None)  # importing it raises ImportError
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert "OpenVINO" not in reasons(faster)


def test_a_bundle_that_names_another_backend_is_refused(tmp_path):
    odd = Bundle(with_parameters(copied("lga", tmp_path / "odd"), cpu_backend="cuda"))
    with pytest.raises(BundleError, match="'cpu_backend' must be one of onnxruntime, openvino"):
        graph_loader(odd, CPU)
