"""``colordeploy doctor``: what this machine can run, and what is missing."""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib.metadata import version

import click

from .options import verbosity_options


def _report() -> dict[str, object]:
    import onnxruntime

    from ..bundle import default_bundles
    from ..native import _core

    providers = onnxruntime.get_available_providers()
    missing = []
    if "CUDAExecutionProvider" not in providers:
        missing.append("GPU graphs: needs onnxruntime-gpu and a CUDA driver")
    missing.append("GPU solver: not part of this version")
    missing.append("TensorRT backend: not part of this version")
    return {
        "colordeploy": version("colordeploy"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "solver": f"{_core.instruction_set()} kernels",
        "onnxruntime": onnxruntime.__version__,
        "providers": providers,
        "models": ["levin", *default_bundles()],
        "missing": missing,
    }


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@verbosity_options
def doctor(as_json: bool) -> None:
    """Say what this machine can run, and what is missing for the rest."""
    try:
        from ..native import propagate  # noqa: F401 - loads the compiled core
    except ImportError as error:
        click.echo(f"colordeploy: the compiled core does not load: {error}", err=True)
        sys.exit(1)
    report = _report()
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    for key, value in report.items():
        text = ", ".join(value) if isinstance(value, list) and key != "missing" else value
        if key == "missing" and isinstance(value, list):
            for line in value:
                click.echo(f"missing      {line}")
        else:
            click.echo(f"{key:12s} {text}")
