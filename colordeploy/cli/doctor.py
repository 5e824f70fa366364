"""``colordeploy doctor``: what this machine can run, and what is missing."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from .options import verbosity_options

_REINSTALL = "pip install --force-reinstall colordeploy (or . in its sources)"
_C_LIBRARY = "COLORDEPLOY_LIBRARY"  # path of libcolordeploy, where the loader does not find it
_C_NAMES = {"darwin": "libcolordeploy.1.dylib", "win32": "colordeploy.dll"}
_ONNX_RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
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
        return _gpus_of_the_driver()
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


def _gpus_of_the_driver() -> tuple[list[dict[str, str]], str | None]:
    """The same without nvidia-smi, which many containers lack."""
    from ..errors import BackendError
    from ..runtime.driver import open_driver

    try:
        described = open_driver().describe()
    except BackendError as error:
        return [], str(error).partition(";")[0]
    found = [
        {"name": g["name"], "driver": f"CUDA {g['driver_cuda']}", "architecture": g["architecture"]}
        for g in described
    ]
    return found, None if found else "the driver knows of no GPU"


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
        except Exception as error:  # a damaged bundle, or a broken runtime
            found[name] = f"WRONG: {error}"
    return found


def _cpu_precisions() -> str:
    from ..errors import BackendError
    from ..runtime.open_vino import has_bfloat16

    try:
        return "this CPU computes in bfloat16" if has_bfloat16() else "this CPU has no bfloat16"
    except BackendError as error:
        return f"does not load: {error}"


class _Report:
    """What was found, part by part; a part that fails says so, and the others go on."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        self.missing: list[Missing] = []

    def lacks(self, what: str, fix: str) -> None:
        self.missing.append(Missing(what, fix))

    def part(self, name: str, find: Callable[[_Report], Any], fix: str) -> Any:
        """Note what a function finds; what it raises is noted as missing, with a fix."""
        try:
            self.found[name] = find(self)
        except Exception as error:  # whatever a broken installation raises
            text = f"{type(error).__name__}: {error}"
            self.found[name] = f"does not work: {text}"
            self.lacks(f"{name.replace('_', ' ')}: {text}", fix)
        return self.found[name]


def _machine(report: _Report) -> str:
    from ..native.resources import free_memory, processors
    from ..runtime.threads import graph_threads

    free = free_memory()
    memory = "" if free is None else f", {free / 2**30:.1f} GiB of memory free"
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, of which this "
        f"process may use {processors()} (graphs: {graph_threads(None)} threads){memory}"
    )


def _solver(report: _Report) -> str:
    from ..native import _core

    try:
        from ..native import _cuda
    except ImportError:
        report.lacks(
            "solver on the GPU: this build has no CUDA part",
            "pip install . --config-settings=cmake.define.COLORDEPLOY_CUDA=ON (needs nvcc)",
        )
        cuda = "not built"
    else:
        try:
            cuda = f"built; {_cuda.device_count()} GPUs"
        except _cuda.DeviceError as error:
            cuda = f"built; {error}"
    return f"{_core.instruction_set()} kernels; CUDA part: {cuda}"


def _found_gpus(report: _Report) -> list[dict[str, str]]:
    gpus, reason = _gpus()
    if reason:
        report.lacks(f"GPU: {reason}", "install NVIDIA's driver for your system")
    elif not _installed(("nvidia-cudss-cu13",)):
        report.lacks("solver='cudss' on the GPU: no cuDSS", "pip install 'colordeploy[cuda]'")
    return gpus


def _onnxruntime(report: _Report) -> str:
    from ..runtime.onnx_import import import_onnxruntime

    packages = _installed(_ONNX_RUNTIMES)
    if len(packages) > 1:
        report.lacks(
            f"ONNX Runtime: {' and '.join(packages)} are installed into one folder, and removing "
            "one of them breaks the other",
            _only_one("onnxruntime-gpu" if report.found.get("gpus") else "onnxruntime"),
        )
    return str(import_onnxruntime().__version__)


def _providers(report: _Report) -> list[str]:
    from ..runtime.onnx_import import import_onnxruntime

    providers: list[str] = import_onnxruntime().get_available_providers()
    if "CUDAExecutionProvider" not in providers:
        report.lacks(
            "graphs on the GPU: this ONNX Runtime has no CUDA provider",
            _only_one("onnxruntime-gpu"),
        )
    return providers


def _openvino(report: _Report) -> dict[str, str]:
    found = {p: f"{v}, {_cpu_precisions()}" for p, v in _installed(("openvino",)).items()}
    if not found:
        report.lacks("bfloat16 on the CPU: no OpenVINO", "pip install 'colordeploy[openvino]'")
    return found


def _tensorrt(report: _Report) -> dict[str, str]:
    from ..runtime.tensorrt.flavor import installed_flavors

    flavors = installed_flavors()
    if not flavors:
        report.lacks("TensorRT engines: no TensorRT", "pip install tensorrt-rtx")
    if not _installed(("onnx",)):
        report.lacks("engines in half precision: no onnx", "pip install 'colordeploy[engines]'")
    return {flavor.name: flavor.version for flavor in flavors}


def _c_library(report: _Report) -> str:
    """The library for hosts in C, which is installed apart from the package."""
    name = os.environ.get(_C_LIBRARY) or _C_NAMES.get(sys.platform, "libcolordeploy.so.1")
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        if _C_LIBRARY in os.environ:
            report.lacks(f"the C library: {error}", f"name its path by {_C_LIBRARY}")
        return "none"
    library.cd_version.restype = ctypes.c_char_p
    return f"{name}: {library.cd_version().decode()}, interface {library.cd_abi()}"


def _engine_cache(report: _Report) -> dict[str, Any]:
    from ..runtime.tensorrt.cache import EngineCache

    cache = EngineCache()
    engines = cache.entries()
    damaged = [file.path.name for file in engines if not file.parts]
    if damaged:
        report.lacks(
            f"engines: {', '.join(damaged)} damaged, or of another version",
            "colordeploy engine clear, then colordeploy engine build",
        )
    return {
        "folder": str(cache.folder),
        "engines": len(engines),
        "mib": round(sum(e.size for e in engines) / 2**20, 1),
    }


def _only_one(package: str) -> str:
    """Works whichever of the packages are there, and whatever was removed before."""
    return f"pip uninstall -y {' '.join(_ONNX_RUNTIMES)} && pip install {package}"


def _report(check: bool) -> _Report:
    import colordeploy

    def verified(report: _Report) -> dict[str, str]:
        models = _models(check)
        for name, state in models.items():
            if state.startswith("WRONG"):
                report.lacks(f"model {name}: {state}", _REINSTALL)
        return models

    report = _Report()
    report.part("colordeploy", lambda _: colordeploy.__version__, _REINSTALL)
    report.part("python", lambda _: platform.python_version(), _REINSTALL)
    report.part("machine", _machine, _REINSTALL)
    report.part("solver", _solver, _REINSTALL)
    report.part("gpus", _found_gpus, "install NVIDIA's driver for your system")
    report.part("cuda_wheels", lambda _: _installed(_CUDA_WHEELS), _REINSTALL)
    report.part("onnxruntime", _onnxruntime, _only_one("onnxruntime"))
    report.part("providers", _providers, _only_one("onnxruntime"))
    report.part("openvino", _openvino, "pip install --force-reinstall openvino")
    report.part("tensorrt", _tensorrt, "pip install --force-reinstall tensorrt-rtx")
    report.part("c_library", _c_library, f"name its path by {_C_LIBRARY}")
    report.part(
        "engine_cache", _engine_cache, "name a folder that can be read: COLORDEPLOY_ENGINES"
    )
    report.part("models", verified, _REINSTALL)
    return report


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.option("--quick", is_flag=True, help="Do not verify the models.")
@verbosity_options
def doctor(as_json: bool, quick: bool) -> None:
    """Say what this machine can run, and what is missing for the rest.

    Whatever is broken, there is a report. The status is 1 when the compiled core or ONNX Runtime
    does not load, without which nothing runs.
    """
    report = _report(not quick)
    found, missing = report.found, report.missing
    if as_json:
        click.echo(json.dumps({**found, "missing": [asdict(m) for m in missing]}, indent=2))
    else:
        for key, value in found.items():
            click.echo(f"{key.replace('_', ' '):13s} {_text(value)}")
        for item in missing:
            click.echo(f"missing       {item.what}\n              -> {item.fix}")
    needed = ("solver", "onnxruntime")
    if any(str(found[name]).startswith("does not work") for name in needed):
        sys.exit(1)


def _text(value: Any) -> str:
    """One line of a value."""
    if isinstance(value, dict):
        return "; ".join(f"{key} {item}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value) or "none"
    return str(value)
