"""``colordeploy doctor``, with synthetic machines."""

from __future__ import annotations

import json
import os
import sys
from types import ModuleType

import onnxruntime
import pytest
from click.testing import CliRunner

import colordeploy.native
from colordeploy.bundle import default_bundles
from colordeploy.cli import cli
from colordeploy.runtime import driver
from tests.runtime.libcuda import FakeLibrary

module = sys.modules["colordeploy.cli.doctor"]

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


def test_a_driver_without_nvidia_smi(bare, monkeypatch):
    monkeypatch.setattr(driver.ctypes, "CDLL", lambda name: FakeLibrary())
    found, fixes = report("--quick")
    assert len(found["gpus"]) == 77
    assert found["gpus"][0] == {"name": "M", "driver": "CUDA 0.7", "architecture": "sm_7777"}
    assert "GPU" not in fixes


def broken(monkeypatch, **modules):
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    done = CliRunner().invoke(cli, ["doctor", "--json", "--quick"])
    found = json.loads(done.output)
    return done.exit_code, found, {m["what"].partition(":")[0]: m for m in found["missing"]}


@pytest.mark.fault(31)
@pytest.mark.parametrize("left", [None, ModuleType("onnxruntime")], ids=["removed", "parts"])
def test_no_onnxruntime(bare, monkeypatch, left):
    status, found, missing = broken(monkeypatch, onnxruntime=left)
    assert status == 1
    assert found["onnxruntime"].startswith("does not work: BackendError")
    assert missing["onnxruntime"]["fix"] == (
        "pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime"
    )
    assert found["solver"].startswith(("avx", "sse", "neon", "generic"))
    assert "engine_cache" in found


@pytest.mark.fault(31)
def test_two_onnxruntimes_in_one_folder(bare, monkeypatch):
    real = module.version

    def version(package):
        return "1.30.0" if package == "onnxruntime-gpu" else real(package)

    monkeypatch.setattr(module, "version", version)
    status, _, missing = broken(monkeypatch)
    assert status == 0
    assert "onnxruntime and onnxruntime-gpu are installed" in missing["ONNX Runtime"]["what"]
    # Removes both, so that what is left over from either order is gone.
    assert missing["ONNX Runtime"]["fix"].startswith("pip uninstall -y onnxruntime onnxruntime-gpu")


def test_no_compiled_core(bare, monkeypatch):
    monkeypatch.delattr(colordeploy.native, "_core")
    status, found, missing = broken(monkeypatch, **{"colordeploy.native._core": None})
    assert status == 1
    assert found["solver"].startswith("does not work: ModuleNotFoundError")
    assert "--force-reinstall" in missing["solver"]["fix"]
    assert found["onnxruntime"] == onnxruntime.__version__


def test_damaged_engines_are_named(bare, monkeypatch):
    (bare / "engines").mkdir()
    (bare / "engines" / "x.engines").write_bytes(b"damaged")
    _, found, missing = broken(monkeypatch)
    assert found["engine_cache"]["engines"] == 1
    assert "x.engines damaged" in missing["engines"]["what"]
