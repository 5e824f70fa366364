"""``colordeploy doctor``: what this machine can run, and what is missing."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from .options import verbosity_options

_CUDA_WHEELS = ("nvidia-cublas", "nvidia-cuda-nvrtc", "nvidia-cudss-cu13")  # of cuDSS


@dataclass(frozen=True)
class Missing:
    """Something that this machine cannot do.

    Attributes
    ----------
    what : str
    fix : str
        The one command that changes it, or what to do where there is no command.
    """

    what: str
    fix: str


def _gpus() -> tuple[list[dict[str, str]], str | None]:
    """Name, driver and architecture of each GPU, and why there is none."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return [], "no NVIDIA driver (nvidia-smi is not there)"
    query = ["--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            [tool, *query], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [], f"nvidia-smi does not answer ({error})"
    if done.returncode:
        return [], f"nvidia-smi fails: {(done.stdout or done.stderr).strip()[:200]}"
    found = []
    for line in done.stdout.strip().splitlines():
        name, driver, capability = (part.strip() for part in line.rsplit(",", 2))
        found.append(
            {"name": name, "driver": driver, "architecture": f"sm_{capability.replace('.', '')}"}
        )
    return found, None if found else "nvidia-smi lists no GPU"


def _installed(packages: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _models(check: bool) -> dict[str, str]:
    """What verification says of each bundle of the package."""
    from ..accuracy.golden import verify
    from ..bundle import Bundle, default_bundles
    from ..errors import ColorDeployError
    from ..methods import all_methods
    from ..runtime.graph import Target

    found = {method.name: "no network" for method in all_methods() if not method.bundled}
    for name, path in default_bundles().items():
        if not check:
            found[name] = "not verified"
            continue
        try:
            checks = verify(Bundle(path), Target(device="cpu"))
            worst = max(checks, key=lambda c: c.largest_error / c.tolerance)
            state = "verified" if all(c.passed for c in checks) else "WRONG"
            found[name] = f"{state}, {worst.graph} off by {worst.largest_error:.1e} at most"
        except ColorDeployError as error:
            found[name] = f"WRONG: {error}"
    return found


def _cpu_precisions() -> str:
    from ..errors import BackendError
    from ..runtime.open_vino import has_bfloat16

    try:
        return "this CPU computes in bfloat16" if has_bfloat16() else "this CPU has no bfloat16"
    except BackendError as error:
        return f"does not load: {error}"


def _cuda_part() -> str:
    """Whether the solver's CUDA part is there, and what keeps it from running."""
    try:
        from ..native import _cuda
    except ImportError:
        return "not built"
    try:
        count = _cuda.device_count()
    except _cuda.DeviceError as error:
        return f"built; {error}"
    return f"built; {count} GPUs"


def _report(check: bool) -> tuple[dict[str, Any], list[Missing]]:
    from ..native import _core
    from ..runtime.onnx_import import import_onnxruntime
    from ..runtime.tensorrt.cache import EngineCache
    from ..runtime.tensorrt.flavor import installed_flavors

    onnxruntime = import_onnxruntime()
    gpus, no_gpu = _gpus()
    providers = onnxruntime.get_available_providers()
    flavors = installed_flavors()
    cache = EngineCache()
    engines = cache.entries()
    models = _models(check)
    missing = []
    openvino = {p: f"{v}, {_cpu_precisions()}" for p, v in _installed(("openvino",)).items()}
    if not openvino:
        missing.append(
            Missing("bfloat16 on the CPU: no OpenVINO", "pip install 'colordeploy[openvino]'")
        )
    if no_gpu:
        missing.append(Missing(f"GPU: {no_gpu}", "install NVIDIA's driver for your system"))
    if "CUDAExecutionProvider" not in providers:
        missing.append(
            Missing(
                "graphs on the GPU: this ONNX Runtime has no CUDA provider",
                "pip uninstall -y onnxruntime && pip install onnxruntime-gpu",
            )
        )
    if not flavors:
        missing.append(Missing("TensorRT engines: no TensorRT", "pip install tensorrt-rtx"))
    if not _installed(("onnx",)):
        missing.append(
            Missing("engines in half precision: no onnx", "pip install 'colordeploy[engines]'")
        )
    cuda_part = _cuda_part()
    if cuda_part == "not built":
        missing.append(
            Missing(
                "solver on the GPU: this build has no CUDA part",
                "pip install . --config-settings=cmake.define.COLORDEPLOY_CUDA=ON (needs nvcc)",
            )
        )
    if gpus and not _installed(("nvidia-cudss-cu13",)):
        missing.append(
            Missing("solver='cudss' on the GPU: no cuDSS", "pip install 'colordeploy[cuda]'")
        )
    for name, state in models.items():
        if state.startswith("WRONG"):
            missing.append(Missing(f"model {name}: {state}", "pip install --force-reinstall ."))
    return {
        "colordeploy": version("colordeploy"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "solver": f"{_core.instruction_set()} kernels; CUDA part: {cuda_part}",
        "gpus": gpus,
        "cuda_wheels": _installed(_CUDA_WHEELS),
        "onnxruntime": onnxruntime.__version__,
        "providers": providers,
        "openvino": openvino,
        "tensorrt": {f.name: f.version for f in flavors},
        "engine_cache": {
            "folder": str(cache.folder),
            "engines": len(engines),
            "mib": round(sum(e.size for e in engines) / 2**20, 1),
        },
        "models": models,
    }, missing


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.option("--quick", is_flag=True, help="Do not verify the models.")
@verbosity_options
def doctor(as_json: bool, quick: bool) -> None:
    """Say what this machine can run, and what is missing for the rest."""
    try:
        from ..native import propagate  # noqa: F401 - loads the compiled core
    except ImportError as error:
        click.echo(f"colordeploy: the compiled core does not load: {error}", err=True)
        sys.exit(1)
    report, missing = _report(not quick)
    if as_json:
        click.echo(json.dumps({**report, "missing": [asdict(m) for m in missing]}, indent=2))
        return
    for key, value in report.items():
        click.echo(f"{key.replace('_', ' '):13s} {_text(value)}")
    for item in missing:
        click.echo(f"missing       {item.what}\n              -> {item.fix}")


def _text(value: Any) -> str:
    """One line of a value."""
    if isinstance(value, dict):
        return "; ".join(f"{key} {item}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value) or "none"
    return str(value)
