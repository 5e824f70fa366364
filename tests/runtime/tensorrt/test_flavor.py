"""Finding a TensorRT, with synthetic modules in place of the real ones."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from colordeploy.errors import BackendError
from colordeploy.runtime.tensorrt.flavor import find_flavor, installed_flavors


def fake(name, version, capabilities=()):
    module = ModuleType(name)
    module.__version__ = version
    if capabilities:
        module.ComputeCapability = SimpleNamespace(**{c: i for i, c in enumerate(capabilities)})

    class ILogger:
        Severity = SimpleNamespace(INTERNAL_ERROR=0, ERROR=1, WARNING=2)

    module.ILogger = ILogger
    return module


@pytest.fixture
def install(monkeypatch):
    def put(**modules):
        for name in ("tensorrt", "tensorrt_rtx"):
            monkeypatch.setitem(sys.modules, name, modules.get(name))  # None: not importable

    return put


def test_nothing_is_installed(install):
    install()
    assert installed_flavors() == []
    with pytest.raises(BackendError, match="pip install tensorrt-rtx"):
        find_flavor()
    with pytest.raises(BackendError, match=r"tensorrt 10\.12 or later.*pip install tensorrt$"):
        find_flavor("tensorrt")
    with pytest.raises(BackendError, match="unknown TensorRT 'trt'"):
        find_flavor("trt")


def test_the_full_one_comes_first(install):
    install(tensorrt=fake("tensorrt", "11.0.1"), tensorrt_rtx=fake("tensorrt_rtx", "1.7.1"))
    assert [f.name for f in installed_flavors()] == ["tensorrt", "tensorrt_rtx"]
    assert find_flavor().version == "11.0.1"
    assert find_flavor("tensorrt_rtx").version == "1.7.1"


def test_old_ones_do_not_count(install):
    install(tensorrt=fake("tensorrt", "10.9.0"))
    assert installed_flavors() == []
    install(tensorrt=fake("tensorrt", "10.12.0.36"))
    assert find_flavor().name == "tensorrt"


def test_architectures(install):
    install(
        tensorrt_rtx=fake(
            "tensorrt_rtx", "1.7", ("NONE", "CURRENT", "SM120", "SM75", "SM86", "SM89")
        )
    )
    flavor = find_flavor()
    assert flavor.architectures == ("sm_86", "sm_89", "sm_120")
    assert flavor.check_architectures(("SM_89", "sm86", "sm_89")) == ("sm_86", "sm_89")
    for wrong in ("sm_90", "ampere", "89", "sm_75"):  # Turing has no float32 products there
        with pytest.raises(BackendError, match="it builds for sm_86, sm_89, sm_120"):
            flavor.check_architectures((wrong,))
    install(tensorrt=fake("tensorrt", "10.13"))
    with pytest.raises(BackendError, match="leave --arch out"):
        find_flavor().check_architectures(("sm_89",))


def test_what_tensorrt_says_goes_to_logging(install, caplog, capfd):
    install(tensorrt=fake("tensorrt", "11.0"))
    caplog.set_level("DEBUG", "colordeploy")
    passing = find_flavor().new_logger()
    for i in range(30):
        passing.log(1, f"wrong {i}")
    passing.log(2, "only a warning")
    passing.log(3, "by the way")
    assert passing.said().startswith("wrong 20; ")
    assert passing.said() == "TensorRT gave no reason"
    assert [(r.levelname, r.getMessage()) for r in caplog.records[-3:]] == [
        ("ERROR", "tensorrt: wrong 29"),
        ("WARNING", "tensorrt: only a warning"),
        ("DEBUG", "tensorrt: by the way"),
    ]
    assert capfd.readouterr() == ("", "")
