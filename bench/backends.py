"""ONNX Runtime against OpenVINO in float32, on every model: what ``backend="auto"`` is chosen by.

    python bench/backends.py [--size 1024x1024] [--threads 2] [--rounds 9] [--out FILES]

Each row is one model, its backends in turns in one process, medians: loading it (a fresh model each
round), a picture end to end, and an edit. The pictures are compared before times are printed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

import colordeploy
from colordeploy.bench.machine import machine
from colordeploy.bench.workload import Job, jobs, method_of

MODELS = ("lga", "disco", "sscn", "rasc")
BACKENDS = ("onnxruntime", "openvino")
SCOPES = ("load", "end to end", "edit")
MINIMUM_PSNR = 45.0


def timed(model: Any, job: Job) -> tuple[dict[str, float], np.ndarray]:
    """Milliseconds, and the picture."""
    begin = time.perf_counter()
    canvas = model.prepare(job.picture)
    prepared = time.perf_counter()
    guidance = job.guidance(model, canvas)  # what the user does takes no time here
    given = time.perf_counter()
    picture = canvas.render(job.encoded(model, guidance))
    rendered = time.perf_counter()
    other = job.edit(model, canvas, guidance)
    begin_edit = time.perf_counter()
    canvas.render(other)
    end = time.perf_counter()
    whole = prepared - begin + rendered - given
    return {"end to end": 1e3 * whole, "edit": 1e3 * (end - begin_edit)}, picture


def measured(name: str, size: tuple[int, int], threads: int, rounds: int) -> dict[str, Any]:
    times: dict[str, dict[str, list[float]]] = {b: {s: [] for s in SCOPES} for b in BACKENDS}
    pictures = {}
    models: dict[str, Any] = {}
    for turn in range(rounds + 1):
        for backend in BACKENDS:
            begin = time.perf_counter()
            model = colordeploy.load(name, backend=backend, precision="fp32", threads=threads)
            times[backend]["load"].append(1e3 * (time.perf_counter() - begin))
            if turn == 0:
                models[backend] = model
            else:
                model.close()
        for backend, kept in models.items():
            found, pictures[backend] = timed(kept, jobs(method_of(kept), size)[0])
            for scope, value in found.items():
                times[backend][scope].append(value)
    one, other = (np.float64(pictures[backend]) for backend in BACKENDS)
    psnr = 10 * np.log10(255**2 / max(float(((one - other) ** 2).mean()), 1e-9))
    if psnr < MINIMUM_PSNR:
        raise SystemExit(f"{name}: the backends' pictures differ, {psnr:.1f} dB")
    return {
        backend: {scope: statistics.median(values[1:]) for scope, values in scopes.items()}
        for backend, scopes in times.items()
    } | {"psnr": min(psnr, 100.0)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", help="name or bundle; any number")
    parser.add_argument("--size", default="1024x1024")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, default=Path("bench/results/backends"))
    given = parser.parse_args()
    height, width = (int(side) for side in given.size.split("x"))
    lines = [
        f"{given.size}, {given.threads} threads, float32, medians of {given.rounds} rounds in ms;",
        "times: ONNX Runtime's to OpenVINO's, above 1 OpenVINO is faster",
        f"{'model':8}{'':12}{'ONNX Runtime':>14}{'OpenVINO':>10}{'times':>7}",
    ]
    result: dict[str, Any] = {}
    for name in given.model or MODELS:
        row = result[Path(name).name] = measured(name, (height, width), given.threads, given.rounds)
        for scope in SCOPES:
            ours, theirs = (row[backend][scope] for backend in BACKENDS)
            lines.append(
                f"{Path(name).name:8}{scope:12}{ours:14.1f}{theirs:10.1f}{ours / theirs:7.2f}"
            )
    print("\n".join(lines))
    given.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    record = {"machine": machine(), "size": given.size, "threads": given.threads, "models": result}
    given.out.with_suffix(".json").write_text(json.dumps(record, indent=1, default=str) + "\n")


if __name__ == "__main__":
    main()
