"""Reduced precision on the CPU: how much faster whole pictures are, and how far their colours off.

    python bench/precision.py --data PHOTOS [--lineart LINEART] --bundle disco --bundle disco-int8
                              [--runner openvino:bf16 ...] [--pictures 16] [--rounds 9]
                              [--isa AVX512_CORE] [--out bench/results/precision]

Bundles (names or paths) of one method belong together: the first one, by ONNX Runtime in float32,
is what the others are measured against. A runner is a backend, or a backend and a precision; one
that is not available here is left out with a word, and so is rasc without --lineart. Two threads;
rounds alternate between all, medians are shown. Pictures are of the validation split, guidance is
made of them (see `colordeploy.accuracy.pictures.compare`); the time is that of the first one, all
in all.

--isa holds OpenVINO to a lesser processor's instructions (oneDNN's names): AVX512_CORE has neither
AMX nor bfloat16, AVX2 is most computers'. ONNX Runtime takes what there is.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import colordeploy
from colordeploy.accuracy.pictures import colored, compare
from colordeploy.bundle import find_bundle
from colordeploy.errors import BackendError
from colordeploy.methods import find_method
from export.data.calibration import whole_pictures

THREADS = 2
RUNNERS = ("onnxruntime", "openvino", "openvino:bf16")


def opened(bundle: str, runner: str) -> Any:
    """A model, or None with a word where this runner is not available."""
    backend, _, precision = runner.partition(":")
    try:
        return colordeploy.load(
            bundle, backend=backend, device="cpu", threads=THREADS, precision=precision or "auto"
        )
    except BackendError as error:
        print(f"{bundle} by {runner}: left out, {error}")
        return None


def medians(models: Sequence[Any], picture: Any, rounds: int) -> list[float]:
    times: list[list[float]] = [[] for _ in models]
    for turn in range(rounds + 1):
        for model, into in zip(models, times, strict=True):
            begin = time.perf_counter()
            colored(model, picture)
            if turn:
                into.append(1e3 * (time.perf_counter() - begin))
    return [float(np.median(one)) for one in times]


def measure(
    bundles: list[str], runners: Sequence[str], pictures: list[Any], rounds: int
) -> list[dict[str, Any]]:
    """Rows of one method, the reference first."""
    wanted = [(b, r) for b in bundles for r in runners]
    reference = (bundles[0], "onnxruntime")
    wanted = [reference, *(pair for pair in wanted if pair != reference)]
    models = {pair: model for pair in wanted if (model := opened(*pair)) is not None}
    taken = medians(list(models.values()), pictures[0], rounds)
    rows = []
    for ((bundle, runner), model), milliseconds in zip(models.items(), taken, strict=True):
        own = find_bundle(bundle).precision
        row = {
            "bundle": find_bundle(bundle).manifest.name,
            "runner": runner,
            "graphs": own,
            "milliseconds": milliseconds,
            "times faster": taken[0] / milliseconds,
        }
        if (bundle, runner) != reference:
            row |= asdict(compare(models[reference], model, pictures))
        rows.append(row)
    for model in models.values():
        model.close()
    return rows


def instructions() -> str:
    """What this processor has for reduced precision."""
    flags = next(
        (line for line in Path("/proc/cpuinfo").read_text().splitlines() if "flags" in line), ""
    ).split()
    known = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
    return "processor with " + ", ".join(flag for flag in known if flag in flags)


def line(row: dict[str, Any]) -> str:
    text = (
        f"{row['bundle']:18s}{row['graphs']:6s}{row['runner']:16s}{row['milliseconds']:9.1f}"
        f"{row['times faster']:8.2f}"
    )
    if "mean" in row:
        text += (
            f"{row['mean']:10.3f}{row['percentile']:8.2f}{row['largest']:9.1f}{row['psnr']:8.1f}"
        )
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--lineart", type=Path)
    parser.add_argument("--bundle", action="append", required=True)
    parser.add_argument("--runner", action="append", help=f"by default {' '.join(RUNNERS)}")
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--isa")
    parser.add_argument("--out", type=Path, default=Path("bench/results/precision"))
    arguments = parser.parse_args()
    if arguments.isa:  # read when OpenVINO is loaded, which is later
        os.environ["ONEDNN_MAX_CPU_ISA"] = arguments.isa
    methods: dict[str, list[str]] = {}
    for bundle in arguments.bundle:
        methods.setdefault(find_bundle(bundle).manifest.method, []).append(bundle)
    lines = [
        f"{THREADS} threads, medians of {arguments.rounds} alternating rounds, "
        f"{arguments.pictures} validation pictures; errors against the first row; "
        f"{instructions()}" + (f", OpenVINO held to {arguments.isa}" if arguments.isa else ""),
        f"{'bundle':18s}{'graphs':6s}{'by':16s}{'ms':>9s}{'faster':>8s}{'mean ab':>10s}"
        f"{'99.9 %':>8s}{'largest':>9s}{'PSNR':>8s}",
    ]
    print("\n".join(lines))
    record = []
    for method, bundles in methods.items():
        subject = find_method(method).subject
        data = arguments.lineart if subject == "drawing" else arguments.data
        if data is None:
            print(f"{method}: left out, --lineart is not given")
            continue
        pictures = whole_pictures(subject, data, "val", arguments.pictures)
        rows = measure(bundles, arguments.runner or RUNNERS, pictures, arguments.rounds)
        record += rows
        lines += map(line, rows)
        print("\n".join(lines[-len(rows) :]), flush=True)
    arguments.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    arguments.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
