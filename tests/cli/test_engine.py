"""``colordeploy engine``."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from colordeploy.cli import cli
from colordeploy.errors import BackendError

from ..export.tensorrt import rtx


def run(*arguments):
    return CliRunner().invoke(cli, ["engine", *map(str, arguments)])


def test_build_list_clear(tmp_path):
    rtx()
    options = ("--arch", "sm_89", "--size", "64x64", "--size", "64x96", "--cache", tmp_path)
    done = run("build", "lga", "--precision", "fp16", *options)
    assert done.exit_code == 0, done.output
    assert "lga/affinity:" in done.output
    assert "fp16 is off by 0." in done.output
    assert "was there already" in run("build", "lga", "--precision", "fp16", *options).output
    (file,) = tmp_path.glob("*.engine")
    listed = run("list", "--cache", tmp_path).output
    assert "lga/affinity fp16 sm_89, tensorrt_rtx" in listed
    assert "1 engines" in listed
    file.write_bytes(b"damaged")
    assert "damaged" in run("list", "--cache", tmp_path).output
    assert "1 engines removed" in run("clear", "--cache", tmp_path).output
    assert not list(tmp_path.glob("*.engine"))


def test_wrong_use(tmp_path):
    rtx()
    done = run("build", "lga", "--size", "64x64", "--profile", "8x8,8x8,8x8", "--cache", tmp_path)
    assert done.exit_code == 2
    for options, message in (
        (("--arch", "sm_90"), "cannot build for 'sm_90'"),
        (("--precision", "int8"), "python -m export quantize"),
        (("--profile", "8x8"), "a profile is"),
        (("--profile", "64x64,32x32,96x96"), "from small to large"),
        (("--hardware-compatible",), "full TensorRT"),
    ):
        done = run("build", "lga", "--cache", tmp_path, *options)
        assert isinstance(done.exception, BackendError)
        assert message in str(done.exception)
    assert not list(tmp_path.glob("*.engine"))


def test_without_tensorrt(monkeypatch, tmp_path):
    import sys

    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, None)
    done = run("build", "lga", "--cache", tmp_path)
    with pytest.raises(BackendError, match="pip install tensorrt-rtx"):
        raise done.exception
    assert "0 engines" in run("list", "--cache", tmp_path).output
