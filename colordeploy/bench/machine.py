"""What a figure depends on besides the code: the processor, what of it may be used, versions."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..errors import BackendError
from ..native import instruction_set
from ..native.resources import processors
from ..runtime.driver import open_driver
from ..runtime.processor import cpu_field

__all__ = ["machine"]

_PACKAGES = ("colordeploy", "numpy", "scipy", "pillow", "onnxruntime", "onnxruntime-gpu",
             "openvino", "tensorrt", "tensorrt-rtx")  # fmt: skip
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def machine() -> dict[str, Any]:
    """The machine and the versions, for a record.

    ``cores`` are the machine's, ``affinity`` those that this process may run on, ``processors``
    what is left of them by a cgroup's quota. ``governor`` and ``mhz`` (of the first processor, now)
    are None where the system does not tell.
    """
    return {
        "cpu": cpu_field("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "affinity": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "processors": processors(),
        "governor": _text(_GOVERNOR),
        "mhz": float(cpu_field("cpu MHz") or 0) or None,
        "kernels": instruction_set(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "gpus": gpus(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "commit": _commit(),
    }


def gpus() -> list[dict[str, Any]]:
    """Names and memory of the GPUs; none without a driver."""
    try:
        return open_driver().describe()
    except BackendError:
        return []


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Of the source tree that the package runs from; None for an installed one."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    done = subprocess.run(
        ["git", "-C", str(folder), "describe", "--always", "--dirty"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or None
