"""``colordeploy engine``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from colordeploy.cli import cli
from colordeploy.errors import BackendError, InputError

from ..export.tensorrt import rtx

SIZES = ("--size", "64x64", "--size", "64x96")


def run(*arguments):
    return CliRunner().invoke(cli, ["engine", *map(str, arguments)])


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """A folder with `lga` in fp16 for two architectures."""
    rtx()
    folder = tmp_path_factory.mktemp("engines")
    options = ("--precision", "fp16", *SIZES, "--cache", folder)
    done = run("build", "lga", "--arch", "sm_89", "--arch", "sm_86", *options)
    assert done.exit_code == 0, done.output
    assert "lga/affinity:" in done.output
    assert "fp16 is off by 0." in done.output
    # The order of architectures makes no other engines.
    done = run("build", "lga", "--arch", "sm_86", "--arch", "sm_89", *options)
    assert "was there already" in done.output
    assert "built in" in run("build", "lga", "--arch", "sm_120", *options).output
    return folder


def test_list(engines):
    listed = run("list", "--cache", engines).output
    assert "fp16 for sm_86, sm_89, tensorrt_rtx" in listed
    assert "64x64, 64x96, off by" in listed
    assert "2 engine files" in listed
    for spelling in ("sm_120", "SM120"):
        assert "1 engine files" in run("list", "--arch", spelling, "--cache", engines).output
    done = run("list", "--arch", "ada", "--cache", engines)
    assert done.exit_code == 2
    assert "is called sm_89" in done.output


def test_list_for_machines(engines):
    said = json.loads(run("list", "--json", "--arch", "sm_86", "--cache", engines).output)
    assert said["folder"] == str(engines)
    (found,) = said["engines"]
    assert found["model"] == "lga"
    assert found["precision"] == "fp16"
    assert found["gpu"] == {"architectures": ["sm_86", "sm_89"], "name": None}
    assert found["sizes"] == [[[64, 64]] * 3, [[64, 96]] * 3]
    assert found["options"]["workspace"] is None
    (graph,) = found["graphs"]
    assert graph["name"] == "affinity"
    assert graph["bytes"] > 10_000
    assert 0 < graph["error"] < 0.02
    assert graph["build_seconds"] > 0
    assert found["bytes"] > graph["bytes"]


def test_export(engines, tmp_path):
    with pytest.raises(InputError, match=r"2 engine files .* are meant; name one"):
        raise run("export", "--cache", engines, "-o", tmp_path).exception
    done = run("export", "--arch", "sm_120", "--cache", engines, "-o", tmp_path / "plans")
    assert done.exit_code == 0, done.output
    (name,) = (
        f.name
        for f in engines.iterdir()
        if f.name in run("list", "--arch", "sm_120", "--cache", engines).output
    )
    done = run("export", "--file", name, "--cache", engines, "-o", tmp_path / "plans")
    assert done.exit_code == 0, done.output
    (plan,) = (tmp_path / "plans").iterdir()
    assert plan.name == "lga-affinity-fp16.plan"
    trt = rtx().module
    validity, _ = trt.Runtime(rtx().new_logger()).get_engine_validity(plan.read_bytes())
    said = json.loads(run("list", "--json", "--arch", "sm_120", "--cache", engines).output)
    assert plan.stat().st_size == said["engines"][0]["graphs"][0]["bytes"]
    assert validity is not None
    with pytest.raises(BackendError, match="there are no such engines"):
        raise run("export", "--model", "x", "--cache", engines, "-o", tmp_path).exception


def test_clear(engines):
    there = sorted(engines.iterdir())
    for options in (("--model", "x"), ("--version", "0"), ("--precision", "int8")):
        assert "0 engine files removed" in run("clear", *options, "--cache", engines).output
    done = run("clear", "--arch", "sm_120", "--dry-run", "--cache", engines)
    assert "1 engine files would be removed" in done.output
    assert "sm_120" in done.output
    assert sorted(engines.iterdir()) == there
    assert "1 engine files removed" in run("clear", "--arch", "sm_120", "--cache", engines).output
    (engines / "broken.engines").write_bytes(b"damaged")
    assert "damaged" in run("list", "--cache", engines).output
    assert "1 engine files" in run("list", "--file", "broken.engines", "--cache", engines).output
    assert "2 engine files removed" in run("clear", "--cache", engines).output
    assert list(engines.iterdir()) == []


def test_wrong_use(tmp_path):
    rtx()
    for options, message in (
        (("--size", "64x64", "--profile", "8x8,8x8,8x8"), "exclude each other"),
        (("--size", "480"), "a size is HEIGHTxWIDTH"),
        (("--size", "0x3"), "a size is HEIGHTxWIDTH"),
        (("--profile", "8x8"), "the minimum, the optimum and the maximum"),
        (("--profile", "8x8,8x8,axb"), "a size is HEIGHTxWIDTH"),
    ):
        done = run("build", "lga", "--cache", tmp_path, *options)
        assert done.exit_code == 2
        assert message in done.output
    for options, message in (
        (("--arch", "sm_90"), "cannot build for 'sm_90'"),
        (("--precision", "int8"), "python -m export quantize"),
        (("--arch", "sm_89", "--profile", "64x64,32x32,96x96"), "from small to large"),
        (("--hardware-compatible",), "full TensorRT"),
        (("--version-compatible",), "full TensorRT"),
        ((), "--arch sm_89"),  # there is no GPU here to build for
    ):
        done = run("build", "lga", "--cache", tmp_path, *options)
        assert isinstance(done.exception, BackendError)
        assert message in str(done.exception)
    assert not list(tmp_path.glob("*.engines"))


def test_without_tensorrt(monkeypatch, tmp_path):
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, None)
    done = run("build", "lga", "--cache", tmp_path)
    with pytest.raises(BackendError, match="pip install tensorrt-rtx"):
        raise done.exception
    assert "0 engine files" in run("list", "--cache", tmp_path).output


@pytest.mark.fault(39)
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_ends_a_build(tmp_path):
    rtx()
    code = "from colordeploy.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "engine", "build", "disco", "--arch", "sm_89",
         "--cache", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stderr.readline()  # the first line of progress: TensorRT is at work
    time.sleep(0.5)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert time.monotonic() - began < 2
    assert process.returncode == 130
    assert "interrupted; nothing was kept" in errors
    assert "Traceback" not in errors
    assert output == ""
    assert list(tmp_path.iterdir()) == []
