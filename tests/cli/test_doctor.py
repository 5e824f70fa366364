"""``colordeploy doctor``, with made-up machines."""

from __future__ import annotations

import json
import os
import sys

import onnxruntime
import pytest
from click.testing import CliRunner

import colordeploy.native
from colordeploy.bundle import default_bundles
from colordeploy.cli import cli

pytestmark = pytest.mark.openvino  # it asks OpenVINO for the CPU's precisions


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """No GPU, no TensorRT, an empty cache."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("COLORDEPLOY_ENGINES", str(tmp_path / "engines"))
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, None)
    return tmp_path


def report(*options):
    done = CliRunner().invoke(cli, ["doctor", "--json", *options])
    assert done.exit_code == 0, (done.output, done.exception)
    found = json.loads(done.output)
    return found, {m["what"].partition(":")[0]: m["fix"] for m in found["missing"]}


def smi(folder, text, status=0):
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\necho '{text}'\nexit {status}\n")
    tool.chmod(0o755)


def test_a_bare_machine(bare):
    found, fixes = report()
    assert found["gpus"] == []
    assert found["tensorrt"] == {}
    assert found["engine_cache"] == {"folder": str(bare / "engines"), "engines": 0, "mib": 0.0}
    assert fixes["TensorRT engines"] == "pip install tensorrt-rtx"
    assert "onnxruntime-gpu" in fixes["graphs on the GPU"]
    assert "driver" in fixes["GPU"]
    assert set(found["models"]) == {"levin", *default_bundles()}
    verified = [state for name, state in found["models"].items() if name != "levin"]
    assert all(state.startswith("verified, ") for state in verified)


def test_a_machine_with_a_gpu(bare, monkeypatch):
    smi(bare, "NVIDIA GeForce RTX 4090, Ti, 580.65.06, 8.9")
    os.chmod(bare, 0o755)
    available = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
    found, fixes = report("--quick")
    assert found["gpus"] == [
        {"name": "NVIDIA GeForce RTX 4090, Ti", "driver": "580.65.06", "architecture": "sm_89"}
    ]
    assert "GPU" not in fixes
    assert "graphs on the GPU" not in fixes
    assert found["models"]["lga"] == "not verified"


def test_a_driver_that_does_not_answer(bare):
    smi(bare, "Failed to initialize NVML", 9)
    found, _ = report("--quick")
    assert found["gpus"] == []
    assert any("Failed to initialize NVML" in m["what"] for m in found["missing"])


def test_text(bare):
    done = CliRunner().invoke(cli, ["doctor", "--quick"])
    assert done.exit_code == 0
    assert "gpus          none" in done.output
    assert "-> pip install tensorrt-rtx" in done.output


def test_openvino(bare, monkeypatch):
    found, fixes = report("--quick")
    assert "bfloat16" in found["openvino"]["openvino"]
    assert "bfloat16 on the CPU" not in fixes
    monkeypatch.setitem(sys.modules, "openvino", None)
    found, _ = report("--quick")
    assert "does not load" in found["openvino"]["openvino"]


def test_the_solver_on_a_gpu(bare, monkeypatch):
    class Cuda:
        DeviceError = RuntimeError

        @staticmethod
        def device_count():
            return 2

    monkeypatch.setattr(colordeploy.native, "_cuda", Cuda, raising=False)
    found, fixes = report("--quick")
    assert found["solver"].endswith("CUDA part: built; 2 GPUs")
    assert "solver on the GPU" not in fixes
    assert "solver='cudss' on the GPU" not in fixes  # no GPU, nothing to miss there
    smi(bare, "A GPU, 580.1, 9.0")
    assert "colordeploy[cuda]" in report("--quick")[1]["solver='cudss' on the GPU"]
    monkeypatch.delattr(colordeploy.native, "_cuda")
    monkeypatch.setitem(sys.modules, "colordeploy.native._cuda", None)
    found, fixes = report("--quick")
    assert found["solver"].endswith("CUDA part: not built")
    assert "COLORDEPLOY_CUDA=ON" in fixes["solver on the GPU"]
