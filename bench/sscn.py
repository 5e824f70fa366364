"""SSCN: sparse attention against dense in time and memory, and the second picture of a reference.

    python bench/sscn.py [--bundle sscn] [--rounds 15] [--out bench/results/sscn]

Synthetic photos of 256x256 and 512x512, one coloured by another; two threads. Rounds
alternate between sparse and dense; memory is the peak of a process of its own for each. Before any
time is printed: dense attention must not depend on the order of the places, and a picture coloured
by a reference that was encoded before must be the one that is coloured in one go.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import colordeploy
from colordeploy.bench.report import peak_memory
from colordeploy.bench.workload import jobs
from colordeploy.methods import find_method
from colordeploy.methods.exemplar import ExemplarModel

SIDES = (256, 512)
SPARSE = 256  # k and r
THREADS = 2


def pictures(side: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Picture and reference (side, side, 3)."""
    first, second, *_ = jobs(find_method("sscn"), (side, side))
    return first.picture, second.picture


def clocked(call: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = call()
    return 1e3 * (time.perf_counter() - begin), result


def check(model: ExemplarModel) -> None:
    photo, other = pictures(256)
    reference = model.encode_reference(other)
    canvas = model.prepare(photo)
    every = reference.places
    by_rank = canvas.render(reference, k=every, r=0).astype(int)
    shuffled = canvas.render(reference, k=0, r=every).astype(int)
    if np.abs(by_rank - shuffled).max() > 1:
        raise SystemExit("dense attention depends on the order of the places")
    if not np.array_equal(model(photo, other), model.prepare(photo).render(reference)):
        raise SystemExit("an encoded reference gives another picture")


def one(bundle: str, side: int, kind: str) -> float:
    """Peak memory in MiB of this process, which colours one picture."""
    with colordeploy.load(bundle, device="cpu", threads=THREADS) as model:
        photo, other = pictures(side)
        reference = model.encode_reference(other, size="native")
        k, r = (reference.places, 0) if kind == "dense" else (SPARSE, SPARSE)
        model.prepare(photo, size="native").render(reference, k=k, r=r)
    return peak_memory()


def measure(model: ExemplarModel, side: int, rounds: int) -> dict[str, float]:
    photo, other = pictures(side)
    times: dict[str, list[float]] = {}
    for turn in range(rounds + 2):
        encode, reference = clocked(lambda: model.encode_reference(other, size="native"))
        prepare, canvas = clocked(lambda: model.prepare(photo, size="native"))
        sparse, _ = clocked(lambda c=canvas, e=reference: c.render(e, k=SPARSE, r=SPARSE))
        dense, _ = clocked(lambda c=canvas, e=reference: c.render(e, k=e.places, r=0))
        if turn < 2:
            continue
        row = {
            "encode_reference": encode,
            "prepare": prepare,
            "render, sparse": sparse,
            "render, dense": dense,
            "first picture": encode + prepare + sparse,
            "second picture": prepare + sparse,
        }
        for name, value in row.items():
            times.setdefault(name, []).append(value)
    return {name: float(np.median(values)) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="sscn")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path, default=Path("bench/results/sscn"))
    parser.add_argument("--one", nargs=2, metavar=("SIDE", "KIND"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(one(arguments.bundle, int(arguments.one[0]), arguments.one[1]))
        return
    record: dict[str, Any] = {"threads": THREADS, "rounds": arguments.rounds, "k": SPARSE}
    lines = [f"k = r = {SPARSE}, {THREADS} threads, medians of {arguments.rounds} rounds in ms"]
    with colordeploy.load(arguments.bundle, device="cpu", threads=THREADS) as model:
        check(model)
        for side in SIDES:
            row: dict[str, float] = measure(model, side, arguments.rounds)
            for kind in ("sparse", "dense"):
                command = [sys.executable, __file__, "--bundle", arguments.bundle,
                           "--one", str(side), kind]  # fmt: skip
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                row[f"peak MiB, {kind}"] = float(done.stdout)
            row["dense / sparse"] = row["render, dense"] / row["render, sparse"]
            row["first / second"] = row["first picture"] / row["second picture"]
            record[str(side)] = row
    for name in record[str(SIDES[0])]:
        cells = "".join(f"{record[str(side)][name]:10.2f}" for side in SIDES)
        lines.append(f"{name:18s}{cells}")
    lines.insert(1, f"{'':18s}" + "".join(f"{f'{s}x{s}':>10s}" for s in SIDES))
    print("\n".join(lines))
    arguments.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    arguments.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
