"""Edits beside other programs that keep every processor busy.

    python bench/beside_others.py [--size 256] [--edits 300] [--busy 2] [--out FILES]

The system is that of ``bench/propagation.py``, solved by two threads. First edits on the machine as
it is (idle, one hopes: the load is written down), then beside ``--busy`` processes that do nothing
but count. An edit adds two strokes or takes them away. Reported are the median and the 99th
percentile in milliseconds, and the ratio that matters to whoever draws while other programs work:
the 99th percentile beside others by the median before. Goal: 4. With as many busy processes as
processors even a program that never waits gets half of the time, so 2 is the least. What the
scheduler's time slices make of that says the peer: a loop in one thread that computes as long as an
edit does (its processor time), beside the same processes, by the same median.
Writes FILES.json and FILES.txt.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from propagation import PARAMETERS, THREADS, system

from colordeploy.native import Propagator

PRECISIONS = ("double", "single")
PAUSE = 0.02  # seconds between two edits: a hand that draws
GOAL = 4.0


def timed(call: Callable[[], object], count: int) -> tuple[np.ndarray, float]:
    """Milliseconds of each call, and processor milliseconds of all threads for one."""
    taken, computed = [], time.process_time()
    for _ in range(count):
        time.sleep(PAUSE)
        begin = time.perf_counter()
        call()
        taken.append(1e3 * (time.perf_counter() - begin))
    return np.array(taken), 1e3 * (time.process_time() - computed) / count


def compute(milliseconds: float) -> None:
    """Processor time of this thread."""
    end = time.thread_time() + milliseconds / 1e3
    while time.thread_time() < end:
        pass


def measure(size: int, precision: str, count: int, busy: int) -> dict[str, float]:
    features, few, more, values = system(size)
    editor = Propagator(features, threads=THREADS, precision=precision, **PARAMETERS)
    masks = [few, more]

    def edit() -> None:
        masks.reverse()
        editor.solve(masks[0], values)

    timed(edit, 10)
    load = os.getloadavg()[0]
    alone, processor = timed(edit, count)
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    try:
        time.sleep(0.5)
        beside, _ = timed(edit, count)
        peer, _ = timed(lambda: compute(processor), count)
    finally:
        for other in others:
            other.kill()
            other.wait()
    median = float(np.median(alone))
    return {
        "load before": load,
        "alone, median": median,
        "alone, p99": float(np.percentile(alone, 99)),
        "beside, median": float(np.median(beside)),
        "beside, p99": float(np.percentile(beside, 99)),
        "p99 beside / median alone": float(np.percentile(beside, 99)) / median,
        "a loop of the same processor time, ms": processor,
        "its p99 beside": float(np.percentile(peer, 99)),
        "by the edits' median alone": float(np.percentile(peer, 99)) / median,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--edits", type=int, default=300)
    parser.add_argument("--busy", type=int, default=2, help="processes beside it")
    parser.add_argument("--out", type=Path, default=Path("bench/results/beside_others"))
    arguments = parser.parse_args()
    results = {
        precision: measure(arguments.size, precision, arguments.edits, arguments.busy)
        for precision in PRECISIONS
    }
    lines = [
        f"edits at {arguments.size}x{arguments.size}, {THREADS} threads, {os.cpu_count()} "
        f"processors, {arguments.busy} busy processes; milliseconds"
    ]
    for precision, found in results.items():
        lines.append(f"{precision:8s}" + "  ".join(f"{k} {v:.1f}" for k, v in found.items()))
        met = found["p99 beside / median alone"] <= GOAL
        lines.append(f"{'':8s}goal {GOAL:g}: {'met' if met else 'missed'}")
    text = "\n".join(lines)
    print(text)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    document = {"machine": platform.machine(), **vars(arguments), "results": results}
    document["out"] = str(arguments.out)
    arguments.out.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    arguments.out.with_suffix(".txt").write_text(text + "\n")


if __name__ == "__main__":
    main()
